"""Reading phone numbers aloud: digit by digit, in groups, in each language's words."""

import re
from collections.abc import Sequence

_NUMBER = re.compile(r"[0-9]+( [0-9]+)*")


def is_number(value: str) -> bool:
    """Whether a placeholder's value is digits and spaces only, to be read digit by digit."""
    return _NUMBER.fullmatch(value) is not None


LEFT_TO_RIGHT = "\u200e"
"""The left-to-right mark: invisible, and strong enough to hold the groups behind it in order."""


def write_for(direction: str, number: str) -> str:
    """Write a number so that its groups stand in order, in text that runs right to left too.

    There the bidirectional algorithm (Unicode Annex 9, rules W7 and N1) takes each group for a
    number of its own and shows the last one first: "111 555 0800". Behind the mark they are one
    run.

    >>> write_for("rtl", "0800 555 111").encode("ascii", "backslashreplace").decode()[5:]
    'e0800 555 111'
    >>> write_for("rtl", "999"), write_for("ltr", "0800 1111")
    ('999', '0800 1111')
    """
    return LEFT_TO_RIGHT + number if direction == "rtl" and " " in number else number


def read_aloud(number: str, digits: Sequence[str]) -> str:
    """Spell a number with a pause between its groups.

    Args:
        number: Digits with spaces between groups, as people write it.
        digits: The words for zero to nine in the language of the voice.

    >>> read_aloud("0800 11", ["nought", "one", "2", "3", "4", "5", "6", "7", "eight", "9"])
    'nought eight nought nought, one one'
    """
    return ", ".join(" ".join(digits[int(digit)] for digit in group) for group in number.split())
