"""The conversations of tests/conversations go exactly as they are written there."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from referral_line.content.model import Channel
from referral_line.conversation.position import Input, Position
from referral_line.replies.line import Line
from referral_line.sessions.session import Session, parse_session

FOLDER = Path(__file__).with_name("conversations")


@dataclass
class Turn:
    """One thing the caller does, where that leads, and words of the reply."""

    line: int
    given: str
    place: str = ""
    words: list[str] = field(default_factory=list)


@dataclass
class Golden:
    """A conversation as written."""

    by: str
    language: str | None
    turns: list[Turn]


def read_golden(text: str) -> Golden:
    """Read a file of the form that conversations/README.md describes."""
    golden = Golden(by="", language=None, turns=[])
    for number, row in enumerate(text.splitlines()[1:], start=2):
        if row.startswith("by: "):
            golden.by = row.removeprefix("by: ")
        elif row.startswith("number for: "):
            golden.language = row.removeprefix("number for: ")
        elif row.startswith("> "):
            golden.turns.append(Turn(number, row.removeprefix("> ")))
        elif row.startswith("= "):
            golden.turns[-1].place = row.removeprefix("= ")
        elif row.startswith("  "):
            golden.turns[-1].words.append(row.strip())
        elif row.strip():
            pytest.fail(f"line {number} is none of the forms of README.md: {row!r}")
    return golden


def step(line: Line, golden: Golden, position: Position | None, given: str) -> Position:
    """Take one turn as the webhooks do."""
    conversation = line.conversation
    if given == "(calls)":
        if golden.language:
            return conversation.start(golden.language)
        return conversation.offer_languages()
    told = Input(
        "" if given in {"(silence)", "(a picture)"} else given,
        has_picture=given == "(a picture)",
        channel=Channel.SMS if golden.by == "text" else Channel.VOICE,
    )
    if position is None:
        return conversation.begin(told, golden.language)
    return conversation.advance(position, told)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_golden_conversation(path: Path, line: Line) -> None:
    """Each turn leads where the file says, and the reply holds the words that stand there."""
    golden = read_golden(path.read_text(encoding="utf-8"))
    assert golden.by in {"text", "phone"}
    assert golden.turns
    position: Position | None = None
    for turn in golden.turns:
        position = step(line, golden, position, turn.given)
        kept = parse_session(str(Session(position)))
        assert kept is not None
        position = kept.position
        language, node, *waited = turn.place.split()
        expected = Position(language, node, int(waited[0]) if waited else 0)
        assert position == expected, f"{path.name}:{turn.line}"
        if golden.by == "text":
            reply = line.table.message(position).text
        else:
            reply = "\n".join(say.text for say in line.table.call(position).spoken)
        for words in turn.words:
            assert words in reply, f"{path.name}:{turn.line}"
        if line.conversation.has_ended(position):
            position = None


def test_every_node_is_met_in_some_conversation(line: Line) -> None:
    """The conversations visit every node that is written in the script, but the last resort."""
    written = "\n".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.txt"))
    visited = set(re.findall(r"^= \S+ (\S+)", written, re.MULTILINE))
    nodes = {
        node.id
        for node in line.script.nodes.values()
        if not node.values and node.action is None and not node.id.startswith("force-")
    }
    assert nodes - visited == {"numbers"}
