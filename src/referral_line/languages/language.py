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


_QUOTABLE = frozenset({"ts024", "secondary"})
"""Sources of the census figures that may be shown; "unconfirmed" ones may not (languages.toml)."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A carrier's voice: the ``language`` and ``voice`` attributes of TwiML ``<Say>``."""

    language: str
    name: str


@dataclass(frozen=True, slots=True)
class Language:
    """One language, by BCP 47 tag."""

    tag: str
    code: str
    """Two digits that choose this language, printed on leaflets."""
    english_name: str
    endonym: str
    menu_name: str
    script: str
    """ISO 15924 code."""
    direction: str
    sms_encoding: str
    """``gsm7`` where every letter is in the GSM alphabet, else ``ucs2``."""
    other_names: tuple[str, ...]
    """What else its speakers call it."""
    not_names: frozenset[str]
    """Names of other languages that are common words of this one, normalised."""
    speakers: int | None
    """People in England and Wales with this main language, Census 2021, where a figure that may
    be quoted is at hand."""
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
            code=row["code"],
            english_name=row["english_name"],
            endonym=row["endonym"],
            menu_name=row.get("menu_name", ""),
            script=row["script"],
            direction=row["direction"],
            sms_encoding=row["sms_encoding"],
            other_names=tuple(row.get("other_names", ())),
            not_names=frozenset(row.get("not_names", ())),
            speakers=(
                row.get("speakers_england_wales_2021")
                if row.get("speakers_source") in _QUOTABLE
                else None
            ),
            voice=(
                Voice(row["twilio_language"], row["twilio_voice"]) if row["twilio_voice"] else None
            ),
            emergency_words=row["emergency_words"],
        )
        for tag, row in rows.items()
    }
    return MappingProxyType(languages)
