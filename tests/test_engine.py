"""The engine: what callers type, and where it leads."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from referral_line.content.model import Channel
from referral_line.conversation.phrases import Phrase, PhraseIndex, parse_phrase
from referral_line.conversation.position import MAX_TURN, Input, Position, parse_position
from referral_line.languages.wording import find_number, normalise
from referral_line.replies.line import Line

HOME = Position("en", "home")
CALL = Channel.VOICE


@pytest.mark.parametrize(
    ("typed", "node"),
    [
        ("1", "blackmailed"),
        (" 1. ", "blackmailed"),
        ("(1)", "blackmailed"),
        ("#1", "blackmailed"),
        ("1\n", "blackmailed"),
        ("１", "blackmailed"),
        ("١", "blackmailed"),
        ("۱", "blackmailed"),
        ("১", "blackmailed"),
        ("१", "blackmailed"),
        ("੧", "blackmailed"),
        ("௧", "blackmailed"),
        ("一", "blackmailed"),
        ("1️⃣", "blackmailed"),
        ("①", "blackmailed"),
        ("2 please", "under-18"),
        ("Option 2, thanks", "under-18"),
        ("2 thank you very", "under-18"),
        ("I want 3", "someone-else"),
        ("I'm under 18", "under-18"),
        ("IM UNDER 18", "under-18"),
        ("Stay safe online", "staying-safe"),
        ("I paid him £200", "paid"),
        ("should I delete my account?", "evidence"),
        ("they leaked it", "images"),
        ("privacy", "privacy"),
        ("I don't speak English", "languages"),
        ("9", "finish"),
        ("STOP", "finish"),
        ("Unsubscribe", "finish"),
        ("help", "home"),
        ("INFO", "home"),
        ("0", "languages"),
        ("999", "danger"),
        ("999 please", "danger"),
        ("9 9 9", "danger"),
        ("112", "danger"),
        ("i'm not safe", "danger"),
        ("my son wants to kill himself", "danger"),
        ("i took pills", "danger"),
        ("my mum will kill me", "distress"),
        ("i want 2 die", "distress"),
        ("i wish i was dead", "distress"),
        ("killmyself", "distress"),
        ("unalive myself", "distress"),
        ("goodbye everyone", "distress"),
        ("they want 999 pounds", None),
        ("should i delete the messages", "evidence"),
        ("i havent paid them", "blackmailed"),
        ("the cops laughed", "report"),
        ("I'm 9", "under-18"),
        ("I am 12", "under-18"),
        ("two", "under-18"),
        ("urdu", "unserved-ur"),
        ("I speak Spanish", "unserved-es"),
        ("he's outside my house", "danger"),
        ("i wanna die", "distress"),
        ("I want to DIE!!!", "distress"),
        ("i can’t go on", "distress"),
        ("1 but I want to kill myself", "distress"),
        ("he will kill me and I want to die", "distress"),
    ],
)
def test_input_leads_somewhere(line: Line, typed: str, node: str | None) -> None:
    """Digits of any script, a digit among polite words, words for choices, crisis words first."""
    expected = Position("en", node) if node else Position("en", "home", 1)
    assert line.conversation.advance(HOME, Input(typed)) == expected


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "?",
        "what",
        "7",
        "1 2",
        "1,2",
        "12",
        "2 men laughed at me",
        "im 20 years of age",
        "👍",
    ],
)
def test_not_understood_waits_at_the_same_node(line: Line, typed: str) -> None:
    """What could mean anything is not guessed: the same menu again, counted."""
    assert line.conversation.advance(HOME, Input(typed)) == Position("en", "home", 1)


def test_turns_are_counted_to_a_named_limit(line: Line) -> None:
    """However long someone types nonsense, the count ends, so every reply is in the table."""
    position = HOME
    for _ in range(20):
        position = line.conversation.advance(position, Input("???"))
    assert position == Position("en", "home", MAX_TURN)


def test_understood_again_starts_counting_anew(line: Line) -> None:
    """A choice after a few misses arrives as if nothing had happened."""
    assert line.conversation.advance(Position("en", "home", 3), Input("1")).turn == 0


def test_star_repeats(line: Line) -> None:
    """The star says the same again from the beginning, by phone and by text."""
    for channel in Channel:
        given_star = Input("*", channel=channel)
        assert line.conversation.advance(Position("pl", "paid", 2), given_star) == Position(
            "pl", "paid"
        )


def test_keys_of_a_call_are_not_offered_by_text(make_line: Callable[..., Line]) -> None:
    """7 connects a caller on the phone; in a text message it means nothing."""
    line = make_line(REFERRAL_LINE_TRANSFERS="crimestoppers", REFERRAL_LINE_NUMBER="+447700900999")
    here = Position("en", "someone-else")
    assert line.conversation.advance(here, Input("7", channel=CALL)).node == "transfer-someone-else"
    assert line.conversation.advance(here, Input("7")) == Position("en", "someone-else", 1)


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ("hello", HOME),
        ("hi", HOME),
        ("?", HOME),
        ("", HOME),
        ("1", HOME),
        ("I'm being blackmailed", HOME),
        ("polski", Position("pl", "home")),
        ("Polish", Position("pl", "home")),
        ("PL", Position("pl", "home")),
        ("polish please", Position("pl", "home")),
        ("I speak Polish", Position("pl", "home")),
        ("Cymraeg", Position("cy", "home")),
        ("WELSH", Position("cy", "home")),
        ("9", Position("en", "finish")),
        ("4", Position("en", "distress")),
        ("urdu", Position("en", "unserved-ur")),
        ("no speak english", Position("en", "languages")),
        ("stop", Position("en", "finish")),
        ("I want to die", Position("en", "distress")),
        ("999", Position("en", "danger")),
    ],
)
def test_first_message(line: Line, first: str, expected: Position) -> None:
    """The first menu opens every conversation; crisis, a language, or leaving come before it."""
    assert line.conversation.begin(Input(first)) == expected


def test_first_picture(line: Line) -> None:
    """Someone whose first message is a picture is told at once what to do instead."""
    assert line.conversation.begin(Input(has_picture=True)) == Position("en", "picture")
    at_languages = Position("en", "languages")
    assert line.conversation.advance(at_languages, Input(has_picture=True)).node == "picture"
    crisis = Input("I want to die", has_picture=True)
    assert line.conversation.begin(crisis) == Position("en", "distress")


def test_number_for_one_language(line: Line) -> None:
    """A number that serves Welsh begins in Welsh; an unknown tag begins in the default language."""
    assert line.conversation.begin(Input("hello"), "cy") == Position("cy", "home")
    assert line.conversation.begin(Input("hello"), "CY") == Position("cy", "home")
    assert line.conversation.begin(Input("hello"), "xx") == HOME


def test_call_begins_with_the_choice_of_language(
    line: Line, make_line: Callable[..., Line]
) -> None:
    """Several languages are offered first; with one there is nothing to choose."""
    assert line.conversation.offer_languages().node == "languages"
    assert make_line(REFERRAL_LINE_LANGUAGES="en").conversation.offer_languages() == HOME


def test_changing_language_keeps_the_place(line: Line) -> None:
    """A language's name anywhere says the same thing in that language."""
    assert line.conversation.advance(Position("en", "home"), Input("po polsku")).language == "pl"
    assert line.conversation.advance(Position("en", "paid"), Input("Polish")) == Position(
        "pl", "paid"
    )


def test_any_input_leads_to_a_known_position(line: Line) -> None:
    """Whatever is typed, from wherever, the next position exists, and stored it reads the same."""

    @given(
        st.builds(Input, st.text(max_size=100), st.booleans(), st.sampled_from(list(Channel))),
        st.sampled_from(sorted(line.script.nodes)),
    )
    def check(told: Input, node: str) -> None:
        position = line.conversation.advance(Position("en", node), told)
        assert line.conversation.is_known(position)
        assert parse_position(str(position)) == position
        assert position == line.conversation.advance(Position("en", node), told)
        assert line.conversation.is_known(line.conversation.begin(told))

    check()


def test_unknown_positions_are_not_known(line: Line) -> None:
    """A tampered position is recognised as one, and never raises."""

    @given(st.text(max_size=100))
    def check(text: str) -> None:
        position = parse_position(text)
        assert position is None or not line.conversation.is_known(position)

    check()
    assert not line.conversation.is_known(Position("xx", "home"))
    assert not line.conversation.is_known(Position("en", "nowhere"))
    assert not line.conversation.is_known(Position("en", "home", MAX_TURN + 1))


# --- wording ------------------------------------------------------------------------------------


@given(st.text(max_size=200))
def test_normalising_twice_changes_nothing(text: str) -> None:
    """Phrases and messages meet in one form, whichever was normalised first."""
    once = normalise(text)
    assert normalise(once) == once


def phrases(*rows: tuple[str, str, str]) -> list[Phrase]:
    """Phrases of rows: as written in a list, tag, node."""
    return [phrase for row in rows if (phrase := parse_phrase(*row))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("i want to die", ("en", "distress")),
        ("i want to diet", None),
        ("chce umrzec", ("pl", "danger")),
        ("please i want to die now", ("en", "distress")),
        ("我真的想死了", ("zh-Hans", "distress")),
        ("", None),
    ],
)
def test_phrases_are_whole_words(text: str, expected: tuple[str, str] | None) -> None:
    """A phrase matches whole words, but anywhere in scripts without spaces."""
    index = PhraseIndex(
        phrases(
            ("want to die", "en", "distress"),
            ("chce umrzec", "pl", "danger"),
            ("umrzec", "pl", "distress"),
            ("想死", "zh-Hans", "distress"),
        )
    )
    assert index.find(text, "en") == expected


def test_whole_messages_are_matched_whole() -> None:
    """An entry with = in front counts only without other words, polite ones aside."""
    index = PhraseIndex(phrases(("=999", "en", "danger")), polite={"please"})
    assert index.find("999", "en") == ("en", "danger")
    assert index.find("999 please", "en") == ("en", "danger")
    assert index.find("they want 999", "en") is None


def test_own_language_comes_first() -> None:
    """A phrase of the caller's language wins over a longer one of another."""
    index = PhraseIndex(phrases(("to je", "cs", "a"), ("to", "pl", "b"), ("to", "en", "c")))
    assert index.find("to je", "pl") == ("pl", "b")
    assert index.find("to je", "en") == ("en", "c")
    assert index.find("to je", "cy") == ("cs", "a")


def test_indic_letters_keep_their_marks() -> None:
    """Vowel signs are part of the word in Indic scripts; accents of Latin letters are not."""
    assert normalise("हिन्दी") == "हिन्दी"
    assert normalise("CHCĘ UMRZEĆ") == "chce umrzec"


def test_only_one_number_counts() -> None:
    """Two numbers mean nothing for certain."""
    assert find_number("1 2") is None
    assert find_number("key 12") == "12"
