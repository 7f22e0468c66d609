"""Every fact the line exists to carry is where a caller reaches it, in every language."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from referral_line.content.model import Channel
from referral_line.conversation.position import Input, Position
from referral_line.replies.line import Line

FOLDER = Path(__file__).with_name("mission")
KEYS = {
    "home": "",
    "blackmailed": "1",
    "adult": "11",
    "paid": "111",
    "evidence": "112",
    "images": "13",
    "report": "15",
    "force": "151",
    "support": "16",
    "under-18": "2",
    "someone-else": "3",
    "crimestoppers": "31",
    "distress": "4",
    "danger": "41",
    "staying-safe": "5",
    "about": "51",
    "privacy": "52",
}
TAGS = ["en", "cy", "pl"]


def read(name: str) -> dict[str, Any]:
    """Read a file of tests/mission."""
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


ROWS = read("rows")
WORDS = {tag: read(tag) for tag in TAGS}


def walk(line: Line, tag: str, node: str, channel: Channel = Channel.SMS) -> Position:
    """Press the keys that lead to a node from the first menu."""
    position = line.conversation.start(tag)
    for key in KEYS[node]:
        position = line.conversation.advance(position, Input(key, channel=channel))
    assert position == Position(tag, node)
    return position


def reply(line: Line, position: Position, channel: Channel) -> str:
    """Return what a caller reads or hears, in small letters."""
    if channel is Channel.SMS:
        return line.table.message(position).text.casefold()
    return " ".join(say.text for say in line.table.call(position).spoken).casefold()


CASES = [(row, node) for row, facts in ROWS.items() for node in facts["at"]]


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("channel", list(Channel), ids=str)
@pytest.mark.parametrize(("row", "node"), CASES, ids=[f"{row}-{node}" for row, node in CASES])
def test_mission_row(line: Line, row: str, node: str, channel: Channel, tag: str) -> None:
    """The words that carry a fact are in the reply at its place."""
    words = WORDS[tag][row][node][channel]
    assert words, "a row needs words to look for"
    said = reply(line, walk(line, tag, node, channel), channel)
    lacking = [phrase for phrase in words if phrase.casefold() not in said]
    assert not lacking


@pytest.mark.parametrize("tag", TAGS)
def test_mission_words_have_no_row_of_their_own(tag: str) -> None:
    """A language's file has exactly the rows and places of rows.toml, so none is forgotten."""
    expected = {row: set(facts["at"]) for row, facts in ROWS.items()}
    assert {row: set(places) for row, places in WORDS[tag].items()} == expected


@pytest.mark.parametrize("tag", TAGS)
def test_distress_is_one_key_away_from_every_menu(line: Line, tag: str) -> None:
    """Key 4 leads to crisis support wherever there is a menu, by text and by phone."""
    for node in line.script.nodes.values():
        if node.ends or node.action is not None or node.id == "distress":
            continue
        for channel in Channel:
            given = Input("4", channel=channel)
            after = line.conversation.advance(Position(tag, node.id), given)
            assert after == Position(tag, "distress"), node.id


@pytest.mark.parametrize("tag", TAGS)
def test_safe_order(line: Line, tag: str) -> None:
    """Evidence first, then silence, then block: an early block can lose the evidence."""
    said = reply(line, walk(line, tag, "blackmailed"), Channel.SMS)
    evidence, quiet, block = (
        said.index(WORDS[tag][row]["blackmailed"]["sms"][0].casefold())
        for row in ("evidence-first", "rules", "block")
    )
    assert evidence < quiet < block


@pytest.mark.parametrize("tag", ["cy", "pl"])
@pytest.mark.parametrize("node", ["danger", "report"])
def test_english_words_get_an_interpreter(line: Line, tag: str, node: str) -> None:
    """Outside English, the caller is told the English words, spoken by an English voice."""
    name = {"cy": "Welsh", "pl": "Polish"}[tag]
    position = walk(line, tag, node)
    assert f"\nPolice. Help, {name}.\n" in line.table.message(position).text
    said = line.table.call(position).spoken
    assert ("en", f"Police. Help, {name}.") in [(say.tag, say.text) for say in said]
