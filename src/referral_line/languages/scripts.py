"""The script that a character belongs to, as far as our languages need it."""

import unicodedata
from functools import lru_cache

COMMON = "Zyyy"
"""Digits, punctuation, marks: what every script shares (ISO 15924, "undetermined")."""

_NAMES = {
    "LATIN": "Latn",
    "CYRILLIC": "Cyrl",
    "GREEK": "Grek",
    "ARABIC": "Arab",
    "HEBREW": "Hebr",
    "DEVANAGARI": "Deva",
    "BENGALI": "Beng",
    "GURMUKHI": "Guru",
    "GUJARATI": "Gujr",
    "TAMIL": "Taml",
    "ETHIOPIC": "Ethi",
    "CJK": "Hani",
}
"""The first word of a character's Unicode name, and its ISO 15924 code."""

HAN = frozenset({"Hans", "Hant"})
"""Simplified and traditional Chinese share most characters; both are Hani here."""


@lru_cache(maxsize=4096)
def script_of(character: str) -> str:
    """Return the ISO 15924 code of a letter's script; ``Zyyy`` for all that is no letter.

    Scripts that none of our languages has come back as the first word of their Unicode name.

    >>> script_of("ж"), script_of("漢"), script_of("7"), script_of("ก")
    ('Cyrl', 'Hani', 'Zyyy', 'THAI')
    """
    if not character.isalpha():
        return COMMON
    name = unicodedata.name(character, "").partition(" ")[0]
    return _NAMES.get(name, name)
