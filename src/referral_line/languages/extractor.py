"""The Babel extractor for script.toml, so that ``pybabel extract`` works unaided.

Registered under ``babel.extractors``; see ``babel.cfg`` at the top of the project.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import BinaryIO

from referral_line.content.loader import SCRIPT_FILE, parse_script

Extracted = tuple[int, str, tuple[str, str], list[str]]
"""Line, gettext function, (context, msgid), translator comments: what Babel expects."""


def extract_script(
    file: BinaryIO,
    _keywords: Collection[str],
    _comment_tags: Collection[str],
    options: Mapping[str, str],  # noqa: ARG001 - Babel passes it by this name
) -> Iterator[Extracted]:
    """Yield every message of a script file with its context and translator comments.

    Raises:
        ContentError: the script can't be read; every fault with its line.
    """
    source = file.read().decode("utf-8")
    for message in parse_script(source, file=SCRIPT_FILE).messages():
        yield message.line, "pgettext", (message.context, message.msgid), list(message.comments)
