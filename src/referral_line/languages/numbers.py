"""Reading phone numbers aloud: digit by digit, in groups, in each language's words."""

import re
from collections.abc import Sequence

_NUMBER = re.compile(r"[0-9]+( [0-9]+)*")


def is_number(value: str) -> bool:
    """Whether a placeholder's value is digits and spaces only, to be read digit by digit."""
    return _NUMBER.fullmatch(value) is not None


def read_aloud(number: str, digits: Sequence[str]) -> str:
    """Spell a number with a pause between its groups.

    Args:
        number: Digits with spaces between groups, as people write it.
        digits: The words for zero to nine in the language of the voice.

    >>> read_aloud("0800 11", ["nought", "one", "2", "3", "4", "5", "6", "7", "eight", "9"])
    'nought eight nought nought, one one'
    """
    return ", ".join(" ".join(digits[int(digit)] for digit in group) for group in number.split())
