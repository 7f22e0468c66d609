"""How many segments a text message costs, and how to spare some without losing a letter.

Rules and figures from Twilio's encoding pages and its own calculator (sms-segments-calculator
1.3.0): GSM-7 carries 160 septets alone and 153 a part, UCS-2 70 and 67 UTF-16 units. A character
of two units never straddles two parts, so dividing the length undercounts.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

import gsm0338

MAX_BODY = 1600
"""Characters in one message (twilio.com/docs/messaging/twiml/message, error 14103)."""

_GSM = gsm0338.Codec()

_TYPOGRAPHY = str.maketrans(
    {
        "‘": "'",
        "’": "'",
        "‚": "'",
        "‛": "'",
        "“": '"',
        "”": '"',
        "„": '"',
        "«": '"',
        "»": '"',
        "–": "-",
        "—": "-",
        "‐": "-",
        "‑": "-",
        "…": "...",
        "•": "-",
        "\u00a0": " ",
        "\u202f": " ",
        "\u2009": " ",
        "\u200b": None,
        "\u200c": None,
        "\u200d": None,
        "\u2060": None,
        "\ufeff": None,
        "\u00ad": None,
    }
)


class Encoding(StrEnum):
    """The two encodings the carrier documents."""

    GSM_7 = "GSM-7"
    UCS_2 = "UCS-2"


_CAPACITY = {Encoding.GSM_7: (160, 153), Encoding.UCS_2: (70, 67)}


@dataclass(frozen=True, slots=True)
class SegmentCount:
    """What one message costs: its encoding, its length in units of it, and its segments."""

    encoding: Encoding
    units: int
    segments: int


def count_segments(text: str) -> SegmentCount:
    """Count the segments of a message exactly.

    >>> count_segments("a" * 160).segments, count_segments("a" * 161).segments
    (1, 2)
    >>> count_segments("a" * 152 + "€" + "b" * 152)
    SegmentCount(encoding=<Encoding.GSM_7: 'GSM-7'>, units=306, segments=3)
    """
    encoding = find_encoding(text)
    widths = [_width(character, encoding) for character in text]
    alone, part = _CAPACITY[encoding]
    units = sum(widths)
    return SegmentCount(encoding, units, 1 if units <= alone else _parts(widths, part))


def find_encoding(text: str) -> Encoding:
    """One character outside the GSM alphabet makes the whole message UCS-2."""
    return Encoding.GSM_7 if all(map(_is_gsm, text)) else Encoding.UCS_2


@cache
def _is_gsm(character: str) -> bool:
    try:
        _GSM.encode(character)
    except UnicodeEncodeError:
        return False
    return True


def spare_typography(text: str) -> str:
    """Replace curly quotes, long dashes and the like where that alone makes the text GSM-7.

    Where a letter needs UCS-2 anyway, the text is returned as it is: nothing is gained, and marks
    such as the zero-width non-joiner of Persian are part of the spelling.

    >>> spare_typography("It’s not your fault…"), spare_typography("Tŷ’r")
    ("It's not your fault...", 'Tŷ’r')
    """
    plain = text.translate(_TYPOGRAPHY)
    return plain if find_encoding(plain) is Encoding.GSM_7 else text


@cache
def _width(character: str, encoding: Encoding) -> int:
    if encoding is Encoding.GSM_7:
        return len(_GSM.encode(character)[0])
    return len(character.encode("utf-16-be")) // 2


def _parts(widths: Iterable[int], capacity: int) -> int:
    parts, used = 1, 0
    for width in widths:
        if used + width > capacity:
            parts, used = parts + 1, 0
        used += width
    return parts
