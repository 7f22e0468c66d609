"""Messages as people type them, in every language: recognised, and taken seriously.

The messages in tests/messages were made up for each language by a hand that had not seen its word
lists: first messages, messages of despair and of danger, harmless ones. Every second one was kept
apart while rules and lists were made, and measured on: docs/architecture.md has the figures, and
what they don't say. What is asserted here is a little below what was reached, to guard it.
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from referral_line.conversation.position import Input
from referral_line.replies.line import Line

FOLDER = Path(__file__).with_name("messages")
URGENT = {"distress", "danger"}
TAGS = sorted(path.stem for path in FOLDER.glob("*.json"))


def messages(tag: str, kind: str) -> list[str]:
    """The messages of a kind that were kept apart: every second one."""
    found = json.loads((FOLDER / f"{tag}.json").read_text(encoding="utf-8"))[kind]
    return list(found[1::2])


def all_messages(kind: str) -> Iterator[tuple[str, str]]:
    """Every message of a kind that was kept apart, with its language."""
    for tag in TAGS:
        yield from ((tag, message) for message in messages(tag, kind))


def share(outcomes: Iterator[bool]) -> float:
    """The share of true ones, in per cent."""
    counted = Counter(outcomes)
    return 100 * counted[True] / counted.total()


def test_there_are_messages_in_every_language(whole_line: Line) -> None:
    """No translation is served unmeasured; English has tests/test_crisis.py."""
    assert set(TAGS) == set(whole_line.languages) - {"en"}


def test_language_of_a_first_message_is_recognised(whole_line: Line) -> None:
    """By far most first messages are answered in the language they are written in."""
    right = (
        whole_line.conversation.begin(Input(text)).language == tag
        for tag, text in all_messages("opening")
    )
    assert share(right) >= LEAST_RECOGNISED


@pytest.mark.parametrize("kind", ["distress", "danger"])
def test_words_of_crisis_are_known(whole_line: Line, kind: str) -> None:
    """Most first messages of despair or danger lead to help at once."""
    known = (
        whole_line.conversation.begin(Input(text)).node in URGENT for _, text in all_messages(kind)
    )
    assert share(known) >= LEAST_KNOWN[kind]


def test_harmless_messages_are_left_alone(whole_line: Line) -> None:
    """Few messages that mean no harm are taken for a crisis."""
    alarmed = (
        whole_line.conversation.begin(Input(text)).node in URGENT
        for kind in ("harmless", "opening")
        for _, text in all_messages(kind)
    )
    assert share(alarmed) <= MOST_ALARMS


LEAST_RECOGNISED = 94.0
LEAST_KNOWN = {"distress": 73.0, "danger": 74.0}
MOST_ALARMS = 4.0
