"""The table: every reply of every language, checked as the carrier would read it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from conftest import TODAY
from referral_line.content.completion import Offer, complete
from referral_line.content.loader import PACKAGED, load_script
from referral_line.conversation.position import MAX_TURN, Position
from referral_line.errors import ContentError, SettingsError, Severity
from referral_line.languages.catalogue import SourceTexts
from referral_line.languages.language import known_languages
from referral_line.replies.checks import check_table
from referral_line.replies.line import Line, compile_line
from referral_line.replies.reply import Gather, HangUp, Say
from referral_line.replies.segments import Encoding
from referral_line.replies.table import Compiler, Table
from referral_line.replies.wording import fill, fill_lines, fill_paragraphs
from referral_line.settings import load_settings

ALL_ON = {
    "REFERRAL_LINE_TRANSFERS": "crimestoppers,victim-support,childline",
    "REFERRAL_LINE_NUMBER": "+447700900999",
    "REFERRAL_LINE_TEXT_ME": "1",
    "REFERRAL_LINE_PUBLIC_URL": "https://example.org/help",
}

# What the carrier's documentation allows, by verb: attributes and children (facts on Twilio, 4).
VERBS = {
    "Response": (
        set(),
        {
            *("Say", "Play", "Pause", "Gather"),
            *("Dial", "Sms", "Redirect", "Hangup", "Message"),
        },
    ),
    "Say": ({"voice", "language"}, set()),
    "Pause": ({"length"}, set()),
    "Gather": (
        {"action", "actionOnEmptyResult", "finishOnKey", "input", "method", "numDigits", "timeout"},
        {"Say", "Play", "Pause"},
    ),
    "Play": (set(), set()),
    "Dial": ({"action", "callerId", "method"}, {"Number"}),
    "Number": (set(), set()),
    "Sms": (set(), set()),
    "Redirect": ({"method"}, set()),
    "Hangup": (set(), set()),
    "Message": (set(), set()),
}


def elements(twiml: bytes) -> Iterator[ET.Element]:
    """Every element of a reply."""
    assert twiml.startswith(b'<?xml version="1.0" encoding="UTF-8"?>')
    yield from ET.fromstring(twiml).iter()  # noqa: S314 - our own reply


@pytest.fixture(scope="module")
def full_line(make_line: Callable[..., Line]) -> Line:
    """The line with everything an operator may switch on."""
    return make_line(**ALL_ON)


def test_every_reply_is_valid_twiml_within_bounds(full_line: Line) -> None:
    """Each reply parses, has only documented verbs and attributes, and is below 64 kB."""
    table = full_line.table
    replies = [reply.twiml for reply in table.sms.values()]
    replies += [reply.twiml for reply in table.voice.values()]
    assert len(replies) > 2000
    for twiml in replies:
        assert len(twiml) < 64_000
        for element in elements(twiml):
            attributes, children = VERBS[element.tag]
            assert set(element.attrib) <= attributes
            assert {child.tag for child in element} <= children
            assert element.attrib.get("method", "POST") == "POST"


def test_every_position_has_a_reply_on_both_channels(full_line: Line) -> None:
    """Whatever language and node a turn ends at, a look-up answers in that language."""
    for tag in full_line.languages:
        for node in full_line.script.nodes:
            for turn in range(MAX_TURN + 1):
                position = Position(tag, node, turn)
                assert full_line.table.message(position).text
                assert {say.tag for say in full_line.table.call(position).spoken} & {tag}


def test_unknown_language_gets_the_first_menu_in_the_default_one(line: Line) -> None:
    """A language that is not spoken gets the first menu, never nothing."""
    home = line.table.message(Position("en", "home"))
    assert line.table.message(Position("xx", "nowhere")) == home
    assert line.table.message(Position("pl", "nowhere")) == line.table.message(
        Position("pl", "home")
    )


def test_english_opening_has_two_segments(line: Line) -> None:
    """The first English message is two GSM-7 segments, with 999, the four rules and the menu."""
    reply = line.table.message(Position("en", "home"))
    assert (reply.count.segments, reply.count.encoding) == (2, Encoding.GSM_7)
    assert reply.text == (
        "In danger now? Call 999.\n"
        "You are not alone. It's not your fault.\n"
        "Don't panic. Don't pay. Don't reply. No deals. Keep the evidence. Get help. "
        "Report it: police won't judge.\n"
        "1 I'm being blackmailed\n"
        "2 I'm under 18\n"
        "3 A child or someone else\n"
        "4 I can't cope\n"
        "5 Stay safe online\n"
        "9 Finish\n"
        "0 Cymraeg, polski"
    )


@pytest.mark.parametrize("tag", ["en", "cy", "pl"])
def test_opening_says_999_first(line: Line, tag: str) -> None:
    """The first line by text, and the first words by phone, are about danger."""
    message = line.table.message(Position(tag, "home")).text
    assert "999" in message.splitlines()[0]
    digits = {"en": "nine nine nine", "cy": "naw naw naw", "pl": "dziewięć dziewięć dziewięć"}
    assert digits[tag] in line.table.call(Position(tag, "home")).spoken[0].text


def test_budgets_are_kept(line: Line) -> None:
    """English: 2 segments first, 3 elsewhere; other languages 5 and 7."""
    for position, reply in line.table.sms.items():
        is_first = position.node == "home" and position.turn == 0
        # A language's own name in a reply is in its script, whatever the rest is written in.
        is_english = position.language == "en" and not position.node.startswith("unserved-")
        first, other = (2, 3) if is_english else (5, 7)
        assert reply.count.segments <= (first if is_first else other), position


def test_no_message_names_the_subject_on_a_locked_screen(line: Line) -> None:
    """English: none of the telling words in the first 40 characters of any message."""
    telling = (
        "blackmail",
        "intimate",
        "sex",
        "nude",
        "naked",
        "picture",
        "photo",
        "police",
        "suicide",
    )
    for position, reply in line.table.sms.items():
        shown = reply.text[:40].casefold()
        if position.language == "en":
            assert not [word for word in telling if word in shown], position


def test_no_number_or_link_of_an_unconfirmed_entry_reaches_a_caller(full_line: Line) -> None:
    """What is marked confirm is in no reply, in digits, in words or as a link."""
    hidden = {
        value
        for service in full_line.directory.services.values()
        if not service.is_confirmed
        for value in (service.phone, service.url)
        if value
    } | {force.url for force in full_line.directory.forces.values() if not force.is_confirmed}
    assert len(hidden) > 40
    everything = "\n".join(reply.twiml.decode() for reply in full_line.table.sms.values())
    everything += "\n".join(reply.twiml.decode() for reply in full_line.table.voice.values())
    assert not [value for value in hidden if value in everything]


def test_confirmed_entry_appears_by_itself(line: Line) -> None:
    """Once an operator confirms an entry, the line that waited for it is sent."""
    assert "nationalcrimeagency" not in line.table.message(Position("en", "about")).text
    values = {
        name: value or "https://nca.example/"
        for name, value in line.directory.placeholders().items()
    }
    about = line.script.nodes["about"].sms
    assert about
    assert "https://nca.example/" in fill_lines(about.text, values)


# --- calls --------------------------------------------------------------------------------------


def test_each_language_speaks_in_its_own_voice(line: Line) -> None:
    """Every word is said in the voice of its language, with the carrier's name for it."""
    voices = {"en": "Polly.Amy-Neural", "cy": "Polly.Gwyneth", "pl": "Polly.Ola-Neural"}
    for position, reply in line.table.voice.items():
        said = [element for element in elements(reply.twiml) if element.tag == "Say"]
        assert len(said) == len(reply.spoken)
        for element, say in zip(said, reply.spoken, strict=True):
            assert element.attrib["voice"] == voices[say.tag], position


def test_languages_are_offered_each_in_its_own_words(line: Line) -> None:
    """The opening menu: 999 first, then English, Welsh and Polish in their own voices."""
    said = line.table.call(Position("en", "languages")).spoken
    assert "nine nine nine" in said[0].text
    assert said[1] == Say("en", "For English, press one.")
    assert [say.tag for say in said[2:4]] == ["cy", "pl"]
    assert "Gymraeg" in said[2].text
    assert "dau" in said[2].text
    assert "polsku" in said[3].text.casefold()
    assert "trzy" in said[3].text


def test_operator_decides_the_order(make_line: Callable[..., Line]) -> None:
    """On a number for Wales, Welsh comes first."""
    line = make_line(REFERRAL_LINE_LANGUAGES="cy,en", REFERRAL_LINE_DEFAULT_LANGUAGE="cy")
    said = line.table.call(line.conversation.offer_languages()).spoken
    assert [say.tag for say in said[:3]] == ["cy", "cy", "en"]
    assert line.table.message(Position("cy", "home")).text.endswith("0 English")


def test_a_key_always_interrupts_and_silence_never_drops_the_call(full_line: Line) -> None:
    """Every word of a menu is inside Gather; silence leads on; only goodbyes hang up."""
    for position, reply in full_line.table.voice.items():
        kinds = [type(verb).__name__ for verb in reply.verbs]
        if kinds[0] == "Gather":
            assert kinds == ["Gather", "Redirect"]
            gather = next(e for e in elements(reply.twiml) if e.tag == "Gather")
            assert gather.attrib["actionOnEmptyResult"] == "true"
            is_code = position.node == "more-languages"
            assert gather.attrib["finishOnKey"] == ("#" if is_code else "")
            assert gather.attrib["action"] == f"/help/voice/{position}"
        else:
            assert kinds[-1] in {"HangUp", "Redirect"}


def test_three_reprompts_then_the_numbers_and_goodbye(line: Line) -> None:
    """Patience three times, then the numbers slowly, then the end of the call."""
    for tag in line.languages:
        for turn in range(MAX_TURN):
            assert isinstance(line.table.call(Position(tag, "paid", turn)).verbs[0], Gather)
        last = line.table.call(Position(tag, "paid", MAX_TURN))
        assert isinstance(last.verbs[-1], HangUp)
        assert last.spoken == line.table.call(Position(tag, "numbers")).spoken


def test_numbers_are_said_twice_with_time_to_write(line: Line) -> None:
    """A referral's number is repeated after a pause of two seconds."""
    (gather, _) = line.table.call(Position("en", "someone-else")).verbs
    assert isinstance(gather, Gather)
    said = [part.text if isinstance(part, Say) else part.seconds for part in gather.prompt]
    first = next(
        index
        for index, part in enumerate(said)
        if isinstance(part, str)
        and part.endswith("zero eight zero zero, five five five, one one one.")
    )
    assert said[first + 1] == 2
    assert said[first + 2] == "Again, zero eight zero zero, five five five, one one one."


def test_transfer_warns_first_and_shows_our_number_only(full_line: Line) -> None:
    """Before a transfer the caller hears what it means; the service sees the line's number."""
    warning = full_line.table.call(Position("en", "transfer-someone-else"))
    said = " ".join(say.text for say in warning.spoken)
    assert "not yours" in said
    assert "keep a record" in said
    dialled = full_line.table.call(Position("en", "transferring-someone-else"))
    dial = next(e for e in elements(dialled.twiml) if e.tag == "Dial")
    assert dial.attrib["callerId"] == "+447700900999"
    assert dial.findtext("Number") == "+44800555111"
    assert dial.attrib["action"] == "/help/voice/en/transferred-someone-else"
    after = full_line.table.call(Position("en", "transferred-someone-else"))
    assert "could not be made" in after.spoken[0].text
    assert isinstance(after.verbs[0], Gather)


def test_999_and_101_are_never_dialled(full_line: Line) -> None:
    """No reply bridges a call to the police, whatever is switched on."""
    numbers = {
        element.text
        for reply in full_line.table.voice.values()
        for element in elements(reply.twiml)
        if element.tag == "Number"
    }
    assert numbers == {"+44800555111", "+448001111", "+448081689111"}


@pytest.mark.parametrize(
    ("service", "text"),
    [
        ("police-999", "can't be connected to"),
        ("police-101", "can't be connected to"),
        ("samaritans", "can't be connected to"),
        ("nobody", "is no service"),
        ("victim-support-scotland", "is not confirmed yet"),
        ("papyrus,lifeline-ni", "'lifeline-ni' is never offered"),
    ],
)
def test_transfers_that_may_not_be(service: str, text: str) -> None:
    """A transfer to the police, to a short number, or to nobody known is refused at start."""
    settings = load_settings(
        {"REFERRAL_LINE_TRANSFERS": service, "REFERRAL_LINE_NUMBER": "+447700900999"}
    )
    with pytest.raises(SettingsError, match=text):
        compile_line(settings, today=TODAY)


def test_text_me_warns_first_and_names_no_number(full_line: Line) -> None:
    """The caller hears that a text leaves a trace; the carrier knows whom to send it to."""
    warning = full_line.table.call(Position("en", "text-me-report"))
    assert "stays on that phone" in " ".join(say.text for say in warning.spoken)
    sent = full_line.table.call(Position("en", "texted-report"))
    sms = next(e for e in elements(sent.twiml) if e.tag == "Sms")
    assert sms.attrib == {}
    assert "101" in (sms.text or "")
    assert "press" not in (sms.text or "")


def test_neither_is_offered_unless_switched_on(line: Line) -> None:
    """By default nobody is connected or texted."""
    for reply in line.table.voice.values():
        assert not {e.tag for e in elements(reply.twiml)} & {"Dial", "Sms"}


def test_default_language_without_a_voice_still_answers_calls(line: Line) -> None:
    """Where the default language can't be spoken, a call is answered in one that can."""
    script = complete(load_script(), line.directory, languages=offers("so", "en"))
    texts = [SourceTexts("so"), SourceTexts("en")]
    compiler = Compiler(script, line.directory, ["so", "en"], "", 30, None, "so", frozenset({"en"}))
    table = compiler.compile(texts)
    assert table.call(Position("so", "numbers")) == table.call(Position("en", "home"))
    assert table.message(Position("so", "home")).text


def test_many_languages_are_counted_in_the_menu_line(line: Line) -> None:
    """With more than three languages the first message names two others, and 'more'."""
    table = compile_with(line, "en", "cy", "pl", "ro")
    assert table.message(Position("en", "home")).text.endswith("\n0 Cymraeg, polski, more")
    listed = table.message(Position("en", "languages")).text
    assert "\n1 English\n2 Cymraeg\n3 polski\n4 I can't cope\n5 română" in listed


def offers(*tags: str) -> list[Offer]:
    """Languages to choose from, those with a voice also in calls."""
    languages = [known_languages()[tag] for tag in tags]
    return [Offer(each.tag, each.code, each.voice is not None) for each in languages]


def compile_with(line: Line, *tags: str) -> Table:
    """Compile the replies with English words under several tags."""
    script = complete(load_script(), line.directory, languages=offers(*tags))
    compiler = Compiler(
        script=script,
        directory=line.directory,
        languages=tags,
        path_prefix="",
        session_minutes=30,
        caller_id=None,
        default_language="en",
        spoken=frozenset(tag for tag in tags if known_languages()[tag].voice),
    )
    return compiler.compile([SourceTexts(tag) for tag in tags])


def test_language_without_a_voice_answers_texts_alone(line: Line) -> None:
    """Urdu has no voice: it is in the list by text, and not offered in a call."""
    table = compile_with(line, "en", "ur")
    assert "اردو" in table.message(Position("en", "languages")).text
    assert table.message(Position("ur", "home")).text
    offered = [say.text for say in table.call(Position("en", "languages")).spoken]
    assert sum("For English" in text for text in offered) == 1
    assert table.call(Position("ur", "home")) == table.call(Position("en", "home"))


# --- checks -------------------------------------------------------------------------------------


class Mistaken:
    """Texts with one mistake."""

    tag = "en"

    def __init__(self, context: str, text: str) -> None:
        """Say something else in one place."""
        self._context = context
        self._text = text

    def text(self, message: object) -> str:
        """Return the message as written, but for the mistake."""
        context, text = str(getattr(message, "context", "")), str(getattr(message, "text", ""))
        return self._text if context == self._context else text


@pytest.mark.parametrize(
    ("context", "text", "fault", "severity"),
    [
        ("paid/sms", "x" * 1601, "characters; the carrier sends 1600 at most", Severity.ERROR),
        ("paid/sms", "Pay blackmail", "names 'blackmail' in the first 40", Severity.ERROR),
        ("paid/sms", "Zażółć " * 60, "; 3 at most", Severity.WARNING),
        ("home/sms", "a " * 200, "; 2 at most", Severity.WARNING),
        ("paid/voice", "word " * 700, "too long for the voice", Severity.ERROR),
        ("paid/voice", "ব" * 600, "too long for the voice", Severity.ERROR),
        ("paid/voice", "a\x01b", "breaks the TwiML", Severity.ERROR),
        ("paid/voice", "\n\n".join(["word " * 500] * 30), "bytes of TwiML", Severity.ERROR),
    ],
    ids=[
        "long-message",
        "locked-screen",
        "costly",
        "costly-opening",
        "long-speech",
        "long-encoded",
        "control",
        "large",
    ],
)
def test_reply_that_would_fail_is_found(
    line: Line, context: str, text: str, fault: str, severity: Severity
) -> None:
    """Each kind of reply that the carrier would refuse, or callers suffer from, is a fault."""
    texts = Mistaken(context, text)
    script = complete(load_script(), line.directory, languages=offers("en"))
    compiler = Compiler(script, line.directory, ["en"], "", 30, None, "en", frozenset({"en"}))
    table = compiler.compile([texts])
    found = [f for f in check_table(table, script, [texts])["en"] if fault in f.text]
    assert found
    assert {f.severity for f in found} == {severity}
    assert context.split("/", maxsplit=1)[0] in {f.place.split("/")[1] for f in found}


def test_faulty_script_stops_everything(tmp_path: Path) -> None:
    """With a fault in the script there is nothing safe to serve."""
    for name in ("script.toml", "services.toml"):
        text = (PACKAGED / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(
            text.replace("Tell police: {police-101}", "Tell police: 101"), encoding="utf-8"
        )
    with pytest.raises(ContentError, match="'101' is typed by hand"):
        compile_line(load_settings({"REFERRAL_LINE_CONTENT": str(tmp_path)}), today=TODAY)


def test_filling_leaves_out_what_is_not_confirmed() -> None:
    """A line or paragraph goes whole, not in part."""
    values = {"a": "101", "b": None}
    assert fill("x {a}", values) == "x 101"
    assert fill("x {b}", values) is None
    assert fill_lines("one {a}\ntwo {b}\nthree", values) == ["one 101", "three"]
    assert fill_paragraphs("one\n{a}\n\ntwo {b}\n\nthree", values) == ["one 101", "three"]
    with pytest.raises(KeyError):
        fill("{c}", values)
