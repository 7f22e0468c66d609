"""Recorded speech, for languages that no voice of the carrier's reads.

A recording belongs to one text: the end of its file name is a digest of the words, so that a
recording of words that have changed, or of a number that has, can't be played.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

ENDINGS = (".wav", ".mp3")
_DIGEST = 10
_NAME = re.compile(rf"(?:.*-)?([0-9a-f]{{{_DIGEST}}})")


@dataclass(frozen=True, slots=True)
class Recording:
    """One text to read aloud, and the name of its file without the ending."""

    name: str
    text: str


def recording_name(place: str, text: str) -> str:
    """Name the recording of a text by where it is first said and by its words.

    >>> recording_name("home", "You are not alone.")
    'home-4dcf9ef158'
    """
    return f"{place}-{digest(text)}"


def digest(text: str) -> str:
    """Return the part of a name that stands for the words; spaces and line ends don't count."""
    return sha256(" ".join(text.split()).encode()).hexdigest()[:_DIGEST]


def find_recordings(folder: Path) -> Mapping[str, str]:
    """Map the digests of the recordings in a language's folder to their file names."""
    if not folder.is_dir():
        return {}
    found: dict[str, str] = {}
    for path in sorted(folder.iterdir()):
        named = _NAME.fullmatch(path.stem)
        if named and path.suffix.lower() in ENDINGS:
            found.setdefault(named[1], path.name)
    return found
