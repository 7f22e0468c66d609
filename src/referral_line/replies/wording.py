"""Filling placeholders: numbers and links of the directory into a translated text."""

import re
from collections.abc import Mapping

from referral_line.content.model import PLACEHOLDER

_PARAGRAPH = re.compile(r"\n\s*\n")

Values = Mapping[str, str | None]
"""Placeholder values by name; ``None`` where a service is not confirmed yet."""


def fill(text: str, values: Values) -> str | None:
    """Fill every placeholder; ``None`` where one stands for a service not confirmed yet.

    Raises:
        KeyError: a placeholder that nothing stands for; the checks let none pass.

    >>> fill("Call {x}.", {"x": "101"}), fill("See {y}.", {"y": None})
    ('Call 101.', None)
    """
    found = {name: values[name] for name in re.findall(PLACEHOLDER, text)}
    if None in found.values():
        return None
    return re.sub(PLACEHOLDER, lambda match: found[match[1]] or "", text)


def fill_lines(text: str, values: Values) -> list[str]:
    """Fill a text message line by line, leaving out lines that need an unconfirmed service."""
    filled = (fill(line.strip(), values) for line in text.strip().splitlines())
    return [line for line in filled if line is not None]


def fill_paragraphs(text: str, values: Values) -> list[str]:
    """Fill a spoken text paragraph by paragraph, leaving out those as ``fill_lines`` does."""
    filled = (fill(" ".join(part.split()), values) for part in _PARAGRAPH.split(text.strip()))
    return [paragraph for paragraph in filled if paragraph is not None]
