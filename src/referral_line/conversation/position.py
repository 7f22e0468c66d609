"""Where a caller is, and what they did: the two values that the engine reads."""

import re
from dataclasses import dataclass

from referral_line.content.model import Channel

MAX_TURN = 4
"""Turns a node waits without a choice before the replies give the numbers: the first prompt, then
at most three reprompts. A position never counts beyond it, so the table has an end."""

_STORED = re.compile(r"(?P<language>[A-Za-z0-9-]{2,35})/(?P<node>[a-z0-9-]{1,80})/(?P<turn>[0-9])")


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the conversation.

    ``turn`` counts the turns this node has waited without a choice, 0 on arrival.
    """

    language: str
    node: str
    turn: int = 0

    def __str__(self) -> str:
        """Return the stored form, in sessions and in the path of a call: ``pl/paid/0``."""
        return f"{self.language}/{self.node}/{self.turn}"


def parse_position(stored: str) -> Position | None:
    """Read the stored form back; ``None`` for anything else. Whether it exists is for the engine.

    >>> parse_position("pl/paid/0")
    Position(language='pl', node='paid', turn=0)
    >>> parse_position("pl/../0") is None
    True
    """
    found = _STORED.fullmatch(stored)
    return Position(found["language"], found["node"], int(found["turn"])) if found else None


@dataclass(frozen=True, slots=True)
class Input:
    """What a caller did in one turn: the words or keys they sent, and whether a picture came along.

    Empty text without a picture is silence. The channel says which keys they were offered.
    """

    text: str = ""
    has_picture: bool = False
    channel: Channel = Channel.SMS
