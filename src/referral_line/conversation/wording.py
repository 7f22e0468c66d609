"""Making what people type comparable: capitals, accents, digits of any script, keycaps."""

import re
import unicodedata

_UNDECOMPOSED = str.maketrans(
    {"ł": "l", "đ": "d", "ø": "o", "ı": "i", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th"}
)
_APOSTROPHES = str.maketrans(dict.fromkeys("'’‘ʼ`´", None))
_INHERENT = 9
"""Combining classes up to the virama (9) are part of a letter in Indic scripts; accents and
vowel points come after it (Unicode, section 4.3)."""
_UNSPACED = 0x2E80
"""From here on are the scripts written without spaces: CJK and its neighbours."""


def normalise(text: str) -> str:
    """Fold a text for matching: words with one space between, no capitals, accents or punctuation.

    >>> normalise("  Dw i’n  BLACMÊL... "), normalise("Zapłaciłam!"), normalise("３️⃣")
    ('dw in blacmel', 'zaplacilam', '3')
    """
    folded = unicodedata.normalize("NFKD", text.translate(_APOSTROPHES)).casefold()
    letters = "".join(
        character if unicodedata.category(character)[0] in "LNM" else " "
        for character in unicodedata.normalize("NFKC", _without_accents(folded))
    )
    return " ".join(_western_digits(letters.translate(_UNDECOMPOSED)).split())


def is_unspaced(text: str) -> bool:
    """Whether a text has a script without spaces, where a phrase may stand anywhere.

    >>> is_unspaced("我想死"), is_unspaced("umrzeć")
    (True, False)
    """
    return any(ord(character) >= _UNSPACED for character in text)


def find_number(text: str) -> str | None:
    """Return the only number in a normalised text, as typed; ``None`` where there is none or two.

    >>> find_number("2 please"), find_number("1 or 2"), find_number("999")
    ('2', None, '999')
    """
    numbers = re.findall(r"[0-9]+", text)
    return numbers[0] if len(numbers) == 1 else None


def _without_accents(text: str) -> str:
    return "".join(
        character
        for character in text
        if unicodedata.combining(character) <= _INHERENT
        and unicodedata.category(character) not in {"Me", "Cf"}
        and not 0xFE00 <= ord(character) <= 0xFE0F  # noqa: PLR2004 - variation selectors
    )


def _western_digits(text: str) -> str:
    """Any script's digits as 0-9; a Chinese numeral counts only where it stands alone."""
    alone = text.strip()
    if len(alone) == 1 and alone.isnumeric() and not alone.isdigit():
        value = unicodedata.numeric(alone)
        return str(int(value)) if value in range(10) else text
    return "".join(
        str(unicodedata.digit(character)) if character.isdigit() else character
        for character in text
    )
