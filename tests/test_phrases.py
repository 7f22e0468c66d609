"""Phrases that callers type: stems, gaps, whole messages, slips of the finger."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from referral_line.conversation.phrases import PhraseIndex, parse_phrase
from referral_line.conversation.spelling import Spelling
from referral_line.languages.wording import normalise


def index(*phrases: str, tag: str = "en") -> PhraseIndex:
    """An index of phrases that lead to a node named like the phrase."""
    return PhraseIndex(
        (phrase for text in phrases if (phrase := parse_phrase(text, tag, text))),
        frozenset({"please"}),
    )


MATCHES = {
    "word": ("blackmail", "someone does blackmail here"),
    "capitals-accents": ("zapłaciłam", "ZAPLACILAM!!"),
    "stem": ("blackmail*", "he is BLACKMAILING me"),
    "stem-itself": ("blackmail*", "blackmail"),
    "gap": ("want ... die", "i want so much to die"),
    "gap-of-none": ("want ... die", "want die"),
    "stem-and-gap": ("chc* ... umrz*", "chcę już dziś umrzeć"),
    "two-gaps": ("a ... b ... c", "a x b y z c"),
    "whole": ("=safe", "safe please"),
    "dots-of-one": ("want … die", "want to die"),
    "chinese": ("想死", "我真的想死了"),
    "chinese-gap": ("想...死", "想马上死"),
    "hyphen": ("self-harm", "self harm"),
}


@pytest.mark.parametrize(("phrase", "message"), MATCHES.values(), ids=MATCHES.keys())
def test_phrase_is_found(phrase: str, message: str) -> None:
    """A phrase is found as people type it."""
    assert index(phrase).find(normalise(message), "en") == ("en", phrase)


MISSES = {
    "part-of-a-word": ("die", "my diet"),
    "other-order": ("want die", "die want"),
    "words-between": ("want die", "want to die"),
    "gap-too-wide": ("want ... die", "want a b c d die"),
    "not-whole": ("=safe", "not safe"),
    "stem-elsewhere": ("mail*", "blackmail"),
    "empty": ("want", ""),
}


@pytest.mark.parametrize(("phrase", "message"), MISSES.values(), ids=MISSES.keys())
def test_phrase_is_not_found(phrase: str, message: str) -> None:
    """What is not meant is left alone."""
    assert index(phrase).find(normalise(message), "en") is None


def test_callers_language_comes_first_then_the_longest() -> None:
    """Of two phrases the caller's language wins, then the one of more words."""
    phrases = [
        parse_phrase("dil tut gaya", "ur", "distress"),
        parse_phrase("dil*", "so", "danger"),
        parse_phrase("dil", "ur", "support"),
    ]
    found = PhraseIndex(phrase for phrase in phrases if phrase)
    assert found.find("mera dil tut gaya", "so") == ("so", "danger")
    assert found.find("mera dil tut gaya", "en") == ("ur", "distress")


def test_nothing_is_left_of_a_phrase_of_signs() -> None:
    """An entry without a letter is no phrase."""
    assert parse_phrase("= ... *", "en", "home") is None


SLIPS = {
    "wrong-letter": "suicode",
    "left-out": "sucide",
    "added": "suiicide",
    "exchanged": "suicdie",
    "repeated": "suiciiiiide",
    "spaces-lost": "iwannadie",
}


@pytest.mark.parametrize("message", SLIPS.values(), ids=SLIPS.keys())
def test_slips_of_the_finger_are_put_right(message: str) -> None:
    """A word one slip away, or a phrase without its spaces, is known all the same."""
    phrases = [parse_phrase(text, "en", "distress") for text in ("suicide", "wanna die")]
    spelling = Spelling(phrase for phrase in phrases if phrase)
    found = index("suicide", "wanna die").find(spelling.correct(normalise(message)), "en")
    assert found is not None


@pytest.mark.parametrize("message", ["outside", "die", "wand", "suing", ""])
def test_other_words_are_no_slips(message: str) -> None:
    """Short words and words further away stay what they are."""
    phrases = [parse_phrase(text, "en", "distress") for text in ("suicide", "want dead")]
    assert Spelling(phrase for phrase in phrases if phrase).correct(message) == message


@given(st.text(max_size=200), st.lists(st.text(min_size=1, max_size=30), max_size=8))
def test_any_list_and_any_message_get_an_answer(message: str, entries: list[str]) -> None:
    """No text of a translator's or a caller's breaks the look-up."""
    phrases = [p for text in entries if (p := parse_phrase(text, "en", "home"))]
    found = PhraseIndex(phrases).find(Spelling(phrases).correct(normalise(message)), "en")
    assert found in {None, ("en", "home")}
