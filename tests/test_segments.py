"""Counting segments as the carrier does, and sparing them without losing a letter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from referral_line.replies.segments import Encoding, count_segments, spare_typography

# Rows of the carrier's own calculator, sms-segments-calculator 1.3.0.
ROWS = [
    ("empty", "", "GSM-7", 0, 1),
    ("gsm-160", "a" * 160, "GSM-7", 160, 1),
    ("gsm-161", "a" * 161, "GSM-7", 161, 2),
    ("gsm-306", "a" * 306, "GSM-7", 306, 2),
    ("gsm-307", "a" * 307, "GSM-7", 307, 3),
    ("euro-80", "€" * 80, "GSM-7", 160, 1),
    ("euro-81", "€" * 81, "GSM-7", 162, 2),
    ("euro-straddles", "a" * 152 + "€" + "b" * 152, "GSM-7", 306, 3),
    ("euro-fits", "a" * 153 + "€" + "a" * 151, "GSM-7", 306, 2),
    ("extension", "^{}\\[~]|€\f" * 8, "GSM-7", 160, 1),
    ("capital-cedilla", "Ç", "GSM-7", 1, 1),
    ("small-cedilla", "ç", "UCS-2", 1, 1),
    ("backtick", "`", "UCS-2", 1, 1),
    ("welsh-70", "ŵ" * 70, "UCS-2", 70, 1),
    ("welsh-71", "ŵ" * 71, "UCS-2", 71, 2),
    ("welsh-201", "ŵ" * 201, "UCS-2", 201, 3),
    ("welsh-202", "ŵ" * 202, "UCS-2", 202, 4),
    ("emoji-straddles", "a" * 66 + "😀" + "a" * 66, "UCS-2", 134, 3),
    ("emoji-fits", "a" * 67 + "😀" + "a" * 65, "UCS-2", 134, 2),
    ("polish", "Zażółć gęślą jaźń", "UCS-2", 17, 1),
    ("greek-capitals", "ΓΔΘΛΞΠΣΦΨΩ", "GSM-7", 10, 1),
]


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [row[1:] for row in ROWS],
    ids=[row[0] for row in ROWS],
)
def test_count(text: str, encoding: str, units: int, segments: int) -> None:
    """Encoding, units and segments are those the carrier's calculator gives."""
    count = count_segments(text)
    assert (count.encoding, count.units, count.segments) == (encoding, units, segments)


@given(st.text(max_size=500))
def test_parts_are_never_fewer_than_the_length_needs(text: str) -> None:
    """No count is below the length divided by a part, nor more than one part above it in ten."""
    text = text.encode("utf-16", errors="ignore").decode("utf-16", errors="ignore")
    count = count_segments(text)
    part = 153 if count.encoding is Encoding.GSM_7 else 67
    assert count.segments >= -(-count.units // part) - (count.units <= 160)
    assert count.segments <= -(-count.units // (part - 1)) + 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It’s “fine” – really…", 'It\'s "fine" - really...'),
        ("no\u00a0break\u200b", "no break"),
        ("plain", "plain"),
        ("Mae’n ddrwg ŵ", "Mae’n ddrwg ŵ"),
        ("می\u200cشود", "می\u200cشود"),
        ("„Nie płać”", "„Nie płać”"),
    ],
    ids=["english", "spaces", "plain", "welsh", "persian", "polish"],
)
def test_typography_is_spared_only_where_that_saves(text: str, expected: str) -> None:
    """Marks change where that alone makes GSM-7; otherwise not one character does."""
    assert spare_typography(text) == expected


@given(st.text(max_size=200))
def test_no_letter_is_ever_dropped(text: str) -> None:
    """Whatever the script, every letter and digit comes through."""
    kept = [character for character in text if character.isalnum()]
    assert [character for character in spare_typography(text) if character.isalnum()] == kept
