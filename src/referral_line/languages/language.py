"""The languages the line knows about: names, scripts, voices. Facts: languages.toml."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

LANGUAGES_FILE = Path(__file__).with_name("languages.toml")

SOURCE_LANGUAGE = "en"
"""The language the script is written in. It needs no catalogue."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A carrier's voice: the ``language`` and ``voice`` attributes of TwiML ``<Say>``."""

    language: str
    name: str


@dataclass(frozen=True, slots=True)
class Language:
    """One language, by BCP 47 tag."""

    tag: str
    english_name: str
    endonym: str
    menu_name: str
    direction: str
    voice: Voice | None
    emergency_words: str
    """The English words to say to a 999 or 101 operator to be given an interpreter."""

    @property
    def shown_name(self) -> str:
        """The name a speaker looks for in a menu."""
        return self.menu_name or self.endonym


@cache
def known_languages() -> Mapping[str, Language]:
    """Every language of languages.toml, by tag, in its order."""
    rows = tomllib.loads(LANGUAGES_FILE.read_text(encoding="utf-8"))
    languages = {
        tag: Language(
            tag=tag,
            english_name=row["english_name"],
            endonym=row["endonym"],
            menu_name=row.get("menu_name", ""),
            direction=row["direction"],
            voice=(
                Voice(row["twilio_language"], row["twilio_voice"]) if row["twilio_voice"] else None
            ),
            emergency_words=row["emergency_words"],
        )
        for tag, row in rows.items()
    }
    return MappingProxyType(languages)
