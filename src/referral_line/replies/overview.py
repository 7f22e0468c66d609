"""What is served in each language, and what it costs: the table of the `languages` command."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from referral_line.content.model import Script
from referral_line.conversation.position import Position
from referral_line.errors import CatalogueError, Severity
from referral_line.languages.catalogue import find_tags, read_catalogue
from referral_line.languages.language import SOURCE_LANGUAGE, known_languages
from referral_line.replies.line import Line

JOURNEYS: Mapping[str, tuple[str, ...]] = {
    "opening": ("home",),
    "blackmailed": ("home", "blackmailed", "adult", "report"),
    "child": ("home", "under-18"),
    "distress": ("distress",),
}
"""What callers read on the commonest ways through the conversation."""


@dataclass(frozen=True, slots=True)
class Overview:
    """One row of the table."""

    tag: str
    code: str
    name: str
    """The language's own name."""
    english_name: str
    served: bool
    complete: bool
    translated: int
    """Messages with a translation that can be used."""
    messages: int
    """Messages there are."""
    reviewed: bool
    status: str
    """The review status as its catalogue has it; empty for English, the source."""
    voice: str | None
    """The carrier's voice in calls."""
    encoding: str | None
    """That of the first message."""
    segments: Mapping[str, int] = field(default_factory=dict)
    """Segments of each journey of ``JOURNEYS``, and of the longest single reply."""
    speakers: int | None = None
    """People in England and Wales with this main language, Census 2021."""
    faults: int = 0
    """Errors that keep it out of service."""


def compile_overview(line: Line, script: Script, folder: Path) -> list[Overview]:
    """Make the rows: languages served, in menu order, then the others in the folder.

    Args:
        line: The compiled line.
        script: The script as written, whose messages are counted.
        folder: The folder of catalogues.
    """
    others = [tag for tag in find_tags(folder) if tag not in line.languages]
    return [_row(line, script, folder, tag) for tag in (*line.languages, *others)]


def _row(line: Line, script: Script, folder: Path, tag: str) -> Overview:
    language = known_languages().get(tag)
    messages = list(script.messages())
    status, translated, is_draft = "", len(messages), False
    if tag != SOURCE_LANGUAGE:
        try:
            catalogue = read_catalogue(folder, tag, messages)
        except CatalogueError:
            status, translated, is_draft = "can't be read", 0, True
        else:
            status, is_draft = catalogue.status, catalogue.is_draft
            translated = len(catalogue.entries)
    is_served = tag in line.languages
    left_out = [f for f in line.left_out.get(tag, ()) if f.severity is Severity.ERROR]
    return Overview(
        tag=tag,
        code=language.code if language else "",
        name=language.shown_name if language else tag,
        english_name=language.english_name if language else tag,
        served=is_served,
        complete=translated == len(messages),
        translated=translated,
        messages=len(messages),
        reviewed=not is_draft,
        status=status,
        voice=language.voice.name if language and language.voice else None,
        encoding=_opening(line, tag) if is_served else None,
        segments=dict(_segments(line, tag)) if is_served else {},
        speakers=language.speakers if language else None,
        faults=len(left_out),
    )


def _opening(line: Line, tag: str) -> str:
    start = Position(tag, line.script.roles["start"])
    return str(line.table.sms[start].count.encoding)


def _segments(line: Line, tag: str) -> Iterator[tuple[str, int]]:
    for name, nodes in JOURNEYS.items():
        known = [Position(tag, node) for node in nodes if Position(tag, node) in line.table.sms]
        yield name, sum(line.table.sms[position].count.segments for position in known)
    replies = (reply for position, reply in line.table.sms.items() if position.language == tag)
    yield "longest", max(reply.count.segments for reply in replies)
