"""The English is plain: short words and short sentences, for someone of nine or someone in a panic.

Measured with textstat's automated readability index, which needs no word list: a school grade, to
which five is added for an age.
"""

import re
import statistics
from collections.abc import Iterator

import textstat

from referral_line.content.model import Channel
from referral_line.replies.line import Line

AGE_OF_FIRST_GRADE = 5
AIM = 9
HARDEST = 12


def prose(text: str) -> str:
    """The sentences of a reply, less links, numbers and the menu; a line is a sentence."""
    lines = [re.sub(r"https?:\S+|[0-9]+( [0-9]+)*", "", line) for line in text.splitlines()]
    return " ".join(f"{line.strip(' .:,')}." for line in lines if len(line.split()) > 1)


def ages(line: Line) -> Iterator[tuple[str, float]]:
    """The reading age of every prompt in English."""
    for node in line.script.nodes.values():
        if node.language or node.id.startswith("force-"):
            continue
        for channel in Channel:
            prompt = node.prompt(channel)
            if prompt:
                text = prose(re.sub(r"\{[a-z0-9-]+\}", "", prompt.text))
                grade = textstat.automated_readability_index(text)
                yield f"{node.id}/{channel}", AGE_OF_FIRST_GRADE + grade


def test_english_is_plain(line: Line) -> None:
    """A reading age of nine or less on average, and none that a child of twelve can't read."""
    found = dict(ages(line))
    assert statistics.mean(found.values()) <= AIM
    hard = {place: age for place, age in found.items() if age > HARDEST}
    assert not hard
