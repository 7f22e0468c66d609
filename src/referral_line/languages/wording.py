"""Making what people type comparable: capitals, accents, digits of any script, keycaps."""

import re
import unicodedata
from functools import cache

_UNDECOMPOSED = {"ł": "l", "đ": "d", "ø": "o", "ı": "i", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th"}
_UNDECOMPOSED |= {"ك": "ک", "ي": "ی", "ى": "ی", "ہ": "ه", "ھ": "ه", "ة": "ه", "ە": "ه"}
"""Arabic keyboards have one form of these letters, Persian, Urdu and Kurdish ones another."""
_APOSTROPHES = frozenset("'’‘ʼ`´")
_INHERENT = 9
"""Combining classes up to the virama (9) are part of a letter in Indic scripts; accents and
vowel points come after it (Unicode, section 4.3)."""
_OVERLAY = 1
"""The class of strokes through a character, such as that of "not equal"."""
_UNSPACED = "\u2e80"
"""From here on are the scripts written without spaces: CJK and its neighbours."""


def normalise(text: str) -> str:
    """Fold a text for matching: words with one space between, no capitals, accents or punctuation.

    >>> normalise("  Dw i’n  BLACMÊL... "), normalise("Zapłaciłam!"), normalise("３️⃣")
    ('dw in blacmel', 'zaplacilam', '3')
    """
    folded = unicodedata.normalize("NFKC", "".join(map(_fold, text)))
    return " ".join(_western_numeral(folded).split())


@cache
def _fold(character: str) -> str:
    """Fold one character: nothing for an accent, a space for punctuation. Kept by character."""
    if character in _APOSTROPHES:
        return ""
    letters = "".join(
        part
        for part in unicodedata.normalize("NFKD", character).casefold()
        if _OVERLAY != unicodedata.combining(part) <= _INHERENT
        and unicodedata.category(part) not in {"Me", "Cf"}
        and not 0xFE00 <= ord(part) <= 0xFE0F  # noqa: PLR2004 - variation selectors
    )
    return "".join(map(_plain, letters))


def _plain(part: str) -> str:
    if part.isdigit():
        return str(unicodedata.digit(part))
    return _UNDECOMPOSED.get(part, part) if unicodedata.category(part)[0] in "LNM" else " "


def is_unspaced(text: str) -> bool:
    """Whether a text has a script without spaces, where a phrase may stand anywhere.

    >>> is_unspaced("我想死"), is_unspaced("umrzeć")
    (True, False)
    """
    return max(text, default="") >= _UNSPACED


def find_number(text: str) -> str | None:
    """Return the only number in a normalised text, as typed; ``None`` where there is none or two.

    >>> find_number("2 please"), find_number("1 or 2"), find_number("999")
    ('2', None, '999')
    """
    numbers = re.findall(r"[0-9]+", text)
    return numbers[0] if len(numbers) == 1 else None


def _western_numeral(text: str) -> str:
    """A Chinese numeral as 0-9 where it stands alone; elsewhere it is part of a word."""
    alone = text.strip()
    if len(alone) == 1 and alone.isnumeric():
        value = unicodedata.numeric(alone)
        return str(int(value)) if value in range(10) else text
    return text
