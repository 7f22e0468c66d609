"""Messages as people type them: despair and danger are known, everyday messages are left alone.

The messages in crisis_messages.json are made up, without sight of the word lists; then the lists
were completed from them. So this guards what was reached and does not measure what a new message
would meet. docs/architecture.md has the figures from before.
"""

import json
from pathlib import Path

import pytest

from referral_line.conversation.position import Input, Position
from referral_line.replies.line import Line

MESSAGES = json.loads(Path(__file__).with_name("crisis_messages.json").read_text(encoding="utf-8"))
URGENT = {"distress", "danger"}


def lead(line: Line, messages: list[str]) -> list[tuple[str, Position]]:
    """Where each message leads from the first menu."""
    here = Position("en", "home")
    return [(message, line.conversation.advance(here, Input(message))) for message in messages]


@pytest.mark.parametrize("kind", ["distress", "danger"])
def test_messages_of_crisis_are_known(line: Line, kind: str) -> None:
    """At least 95 of 100 lead to crisis support or 999 at once."""
    missed = [m for m, position in lead(line, MESSAGES[kind]) if position.node not in URGENT]
    assert len(missed) <= 0.05 * len(MESSAGES[kind]), missed


def test_everyday_messages_are_left_alone(line: Line) -> None:
    """At most 3 of 100 harmless messages are taken for a crisis."""
    alarms = [m for m, position in lead(line, MESSAGES["harmless"]) if position.node in URGENT]
    assert len(alarms) <= 0.03 * len(MESSAGES["harmless"]), alarms


def test_who_is_not_understood_gets_help_all_the_same(line: Line) -> None:
    """Words of despair that nobody thought of still bring Samaritans and 999, with the menu."""
    for tag in line.languages:
        reply = line.table.message(Position(tag, "home", 1)).text
        assert "\n116 123\n" in reply
        assert "999" in reply
