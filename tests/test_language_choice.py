"""How callers come to their language: by name, by code, by what they write, by key in a call."""

from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest

from referral_line.content.model import Channel
from referral_line.conversation.position import Input, Position
from referral_line.languages.language import known_languages
from referral_line.replies.line import Line
from referral_line.replies.segments import Encoding


def begin(line: Line, text: str) -> Position:
    """The answer to a first message."""
    return line.conversation.begin(Input(text))


def press(line: Line, *keys: str) -> Position:
    """Where keys lead from the beginning of a call."""
    position = line.conversation.offer_languages()
    for key in keys:
        position = line.conversation.advance(position, Input(key, channel=Channel.VOICE))
    return position


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("polski", "pl"),
        ("Polish please", "pl"),
        ("PL", "pl"),
        ("in Polish", "pl"),
        ("ROMÂNĂ", "ro"),
        ("romana", "ro"),
        ("ਪੰਜਾਬੀ", "pa"),
        ("اردو", "ur"),
        ("urdu", "ur"),
        ("I speak Arabic", "ar"),
        ("廣東話", "zh-Hant"),
        ("普通话", "zh-Hans"),
        ("Tagalog", "fil"),
        ("Sorani", "ckb"),
        ("سۆرانی", "ckb"),
        ("Farsi", "fa"),
    ],
)
def test_name_of_a_language_chooses_it(whole_line: Line, text: str, tag: str) -> None:
    """In itself, in English, or by its tag, with a polite word around it or without."""
    assert begin(whole_line, text) == Position(tag, "home")
    assert whole_line.conversation.advance(Position("en", "paid"), Input(text)).language == tag


@pytest.mark.parametrize("text", ["hi", "hello", "?", "1", "Hello??", "hi there", "👋", "."])
def test_who_only_greets_gets_the_default_with_the_way_to_the_others(
    whole_line: Line, text: str
) -> None:
    """A greeting, a sign or a key says nothing of a language; one line leads to the others."""
    position = begin(whole_line, text)
    assert position == Position("en", "home")
    reply = whole_line.table.message(position)
    assert reply.text.endswith("\n0 Cymraeg, polski, more")
    assert reply.count.encoding is Encoding.GSM_7


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("it hurts", "en"),
        ("so scared", "en"),
        ("am lost", "en"),
        ("hindi po", "fil"),
        ("hindi", "fil"),
    ],
)
def test_common_words_are_no_names(whole_line: Line, text: str, language: str) -> None:
    """Tags that are words, and names that are words of the caller's language, name nothing."""
    here = Position(language, "home")
    assert whole_line.conversation.advance(here, Input(text)).language == language


def test_every_language_has_a_code_of_its_own() -> None:
    """Two digits, none of them key 4, none pressed twice in a hurry."""
    codes = [language.code for language in known_languages().values()]
    assert len(set(codes)) == len(codes)
    for code in codes:
        assert len(code) == 2
        assert code.isdigit()
        assert code[0] not in "0149"
        assert code[0] != code[1]


def test_code_chooses_a_language_by_text(whole_line: Line) -> None:
    """As the first message, or in the list of languages; elsewhere two digits mean nothing."""
    for tag in whole_line.languages:
        code = known_languages()[tag].code
        assert begin(whole_line, code) == Position(tag, "home")
        for node in ("languages", "more-languages"):
            chosen = whole_line.conversation.advance(Position("en", node), Input(code))
            assert chosen == Position(tag, "home")
    assert whole_line.conversation.advance(Position("en", "paid"), Input("21")).node == "paid"


def test_code_chooses_a_language_in_a_call(whole_line: Line) -> None:
    """Key 0, then the code, at once: the carrier waits for two keys there and for one elsewhere."""
    for tag in sorted(whole_line.spoken):
        assert press(whole_line, "0", known_languages()[tag].code) == Position(tag, "home")

    def keys_awaited(position: Position) -> str:
        twiml = ET.fromstring(whole_line.table.call(position).twiml)  # noqa: S314 - our own
        return next(twiml.iter("Gather")).attrib["numDigits"]

    assert keys_awaited(press(whole_line)) == "1"
    assert keys_awaited(press(whole_line, "0")) == "2"
    assert press(whole_line, "0", "4") == Position("en", "distress")
    assert press(whole_line, "0", "9") == Position("en", "languages")


def test_call_offers_each_language_in_its_own_words(whole_line: Line) -> None:
    """First at most nine, by key; then the others by code; none that can't be heard."""
    first = whole_line.table.call(press(whole_line)).spoken
    more = whole_line.table.call(press(whole_line, "0")).spoken
    offered = [say.tag for say in first if say.tag != "en"]
    assert offered == [tag for tag in whole_line.languages if tag in whole_line.spoken][1:7]
    others = [say.tag for say in more if say.tag != "en"]
    assert {*offered, *others, "en"} == whole_line.spoken
    assert len(others) == len(set(others))


def test_list_by_text_goes_on_behind_key_0(whole_line: Line) -> None:
    """Seven with a key, the others with their codes, all in their own names."""
    first = whole_line.table.message(Position("en", "languages")).text
    more = whole_line.table.message(Position("en", "more-languages")).text
    for tag in whole_line.languages[:7]:
        assert f" {known_languages()[tag].shown_name}\n" in first
    for tag in whole_line.languages[7:]:
        language = known_languages()[tag]
        assert f"\n{language.code} {language.shown_name}\n" in f"{more}\n"
    assert "0800 555 111" in more


@pytest.mark.parametrize(
    ("text", "name", "english"),
    [
        ("Swahili", "Kiswahili", "Swahili"),
        ("kiswahili", "Kiswahili", "Swahili"),
        ("I speak German", "Deutsch", "German"),
        ("עברית", "עברית", "Hebrew"),
        ("한국어", "한국어", "Korean"),
        ("Nisaidie tafadhali, kuna mtu ananitishia kusambaza picha zangu", "Kiswahili", "Swahili"),
    ],
)
def test_language_we_lack_gets_a_way_on(
    whole_line: Line, text: str, name: str, english: str
) -> None:
    """Its own name, Crimestoppers' number, and what to say to 999, in one short message."""
    reply = whole_line.table.message(begin(whole_line, text))
    assert reply.text.startswith(f"{name}: ")
    assert "\n0800 555 111\n" in reply.text
    assert "999" in reply.text
    assert f"Police. Help, {english}." in reply.text
    assert reply.count.segments <= 4


def test_choice_of_a_language_we_have_leads_away_from_there(whole_line: Line) -> None:
    """Who then names a language that is served gets its first menu."""
    there = begin(whole_line, "Swahili")
    assert whole_line.conversation.advance(there, Input("polski")) == Position("pl", "home")
    assert whole_line.conversation.advance(there, Input("0")) == Position("en", "languages")


def test_number_for_one_language_expects_it(whole_line: Line) -> None:
    """On a Welsh number English prose is answered in Welsh, and a name still changes it."""
    conversation = whole_line.conversation
    assert conversation.begin(Input("someone has filmed me"), "cy").language == "cy"
    assert conversation.begin(Input("English"), "cy").language == "en"


def test_later_message_in_another_language_is_followed(whole_line: Line) -> None:
    """Who says hello first and then writes Polish gets the same place in Polish."""
    told = Input("bardzo dziwnie sie czuje od wczoraj rana")
    advance = whole_line.conversation.advance
    assert advance(Position("en", "home"), told) == Position("pl", "home")
    assert advance(Position("en", "paid"), told) == Position("pl", "paid")
    # From a choice of languages there is nowhere to stay.
    assert advance(begin(whole_line, "Swahili"), told) == Position("pl", "home")


def test_first_message_in_another_script_keeps_english_cheap(
    make_line: Callable[..., Line],
) -> None:
    """The English first message names languages in letters that cost it nothing."""
    line = make_line(REFERRAL_LINE_LANGUAGES="en,ur,bn,cy")
    reply = line.table.message(Position("en", "home"))
    assert reply.text.endswith("\n0 Cymraeg, more")
    assert reply.count.segments == 2


def test_leaflet_has_the_code(whole_line: Line, make_line: Callable[..., Line]) -> None:
    """To text, and to press in a call where the language can be heard."""
    assert "✉ 21 &nbsp; ☎ 0 21" in whole_line.table.leaflets["cy"].decode()
    urdu = whole_line.table.leaflets["ur"].decode()
    assert f"✉ {known_languages()['ur'].code}" in urdu
    assert "☎ 0" not in urdu
    assert (
        'class="code"' not in make_line(REFERRAL_LINE_LANGUAGES="en").table.leaflets["en"].decode()
    )
