"""Commands for whoever keeps the words right in every language."""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import click

from referral_line.cli.checking import report
from referral_line.content.loader import PACKAGED, load_script
from referral_line.content.model import Script
from referral_line.errors import CatalogueError
from referral_line.languages.catalogue import (
    catalogue_path,
    find_tags,
)
from referral_line.languages.editing import new_catalogue, update_catalogue, write_template
from referral_line.languages.language import SOURCE_LANGUAGE
from referral_line.replies.line import compile_today, compile_unfinished, locales_folder
from referral_line.replies.overview import Overview, compile_overview
from referral_line.replies.preview import render_html, render_text
from referral_line.settings import Settings, load_settings

_locales = click.option(
    "--locales",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Another folder of catalogues.",
)


def _settings(locales: Path | None) -> Settings:
    environ = dict(os.environ)
    if locales is not None:
        environ["REFERRAL_LINE_LOCALES"] = str(locales)
    return load_settings(environ)


def _script(settings: Settings) -> Script:
    return load_script(settings.content or PACKAGED)


def _find(tags: Sequence[str], folder: Path) -> list[str]:
    """Return the tags that were given, as the folder writes them, or else all but English."""
    present = {tag.casefold().replace("_", "-"): tag for tag in find_tags(folder)}
    found = []
    for tag in tags:
        known = present.get(tag.casefold().replace("_", "-"))
        if known is None:
            message = f"{tag!r} has no catalogue in {folder}; there are {', '.join(present)}"
            raise click.BadParameter(message, param_hint="TAG")
        found.append(known)
    return found or [tag for tag in present.values() if tag != SOURCE_LANGUAGE]


def find_catalogue(tag: str, settings: Settings) -> str:
    """Return a tag as its catalogue is named; one that has none is wrong use."""
    (known,) = _find([tag], locales_folder(settings))
    return known


@click.group()
def catalogue() -> None:
    """The translations: check them, update them, begin one, see every reply of one.

    The files are gettext's: Poedit, Weblate and pybabel open them unaided.
    """


@catalogue.command("check")
@click.argument("tags", nargs=-1, metavar="[TAG]...")
@_locales
def check(tags: tuple[str, ...], locales: Path | None) -> None:
    """Refuse what would harm a caller, naming file, line, language and place.

    Lost numbers and placeholders, digits and links typed by hand, the carrier's words, messages
    over budget, letters a voice can't speak, missing and fuzzy messages, a header without its
    review status. With TAG only these languages. Exit code 1 if anything is found.
    """
    settings = _settings(locales)
    wanted = _find(tags, locales_folder(settings))
    _, faults = compile_unfinished(settings, wanted)
    found = [fault for tag in wanted for fault in faults.get(tag, ())]
    report(found, f"{len(wanted)} catalogues: {', '.join(wanted)}", is_strict=True)


@catalogue.command("update")
@click.argument("tags", nargs=-1, metavar="[TAG]...")
@_locales
def update(tags: tuple[str, ...], locales: Path | None) -> None:
    """Bring the template and the catalogues up to the script; nothing is lost.

    A translation whose English changed turns fuzzy and keeps the old English beside it. A message
    the script no longer has stays at the end of the file, out of use.
    """
    settings = _settings(locales)
    folder = locales_folder(settings)
    messages = list(_script(settings).messages())
    click.echo(f"{write_template(folder, messages)}: {len(messages)} messages")
    for tag in _find(tags, folder):
        if tag == SOURCE_LANGUAGE:
            continue
        path = catalogue_path(folder, tag)
        changes = update_catalogue(path, messages)
        click.echo(f"{path}: {_told(changes.added, changes.fuzzy, changes.removed)}")


def _told(added: Sequence[str], fuzzy: Sequence[str], removed: Sequence[str]) -> str:
    parts = [
        f"{len(contexts)} {name} ({', '.join(contexts)})"
        for name, contexts in (("new", added), ("fuzzy", fuzzy), ("out of use", removed))
        if contexts
    ]
    return "; ".join(parts) or "up to date"


@catalogue.command("new")
@click.argument("tag")
@_locales
def new(tag: str, locales: Path | None) -> None:
    """Begin a catalogue for a language of languages.toml.

    The language is served once every message is translated and `catalogue check` is content.
    """
    settings = _settings(locales)
    path = new_catalogue(locales_folder(settings), tag, _script(settings).messages())
    click.echo(f"{path}: translate it, then run `referral-line catalogue check {tag}`")


@catalogue.command("preview")
@click.argument("tag")
@click.option("--text", "is_text", is_flag=True, help="Plain text instead of an HTML page.")
@_locales
def preview(tag: str, locales: Path | None, *, is_text: bool) -> None:
    """Print every reply of a language as a caller gets it, finished or not.

    Messages with their segments, spoken texts with their numbers read out, English beside it. What
    is missing or faulty stands there in English, in square brackets; its faults go to stderr.
    """
    settings = _settings(locales)
    known = find_catalogue(tag, settings)
    line, found = compile_unfinished(settings, [known])
    faults = found.get(known, ())
    for fault in faults:
        click.echo(fault, err=True)
    if known not in line.languages:
        raise CatalogueError(faults)
    page = render_text(line, known) if is_text else render_html(line, known, faults)
    click.echo(page, nl=False)


@click.command()
@click.option("--json", "is_json", is_flag=True, help="Print a list of objects instead.")
@_locales
def languages(locales: Path | None, *, is_json: bool) -> None:
    """Show what is served in each language, and what it costs.

    Segments are those of the first message, of the way from there to the police for an adult, and
    of the longest reply. Speakers: main language in England and Wales, Census 2021.
    """
    settings = _settings(locales)
    line = compile_today(settings)
    rows = compile_overview(line, _script(settings), locales_folder(settings))
    if is_json:
        click.echo(json.dumps([asdict(row) for row in rows], ensure_ascii=False, indent=2))
        return
    for printed in _table(rows):
        click.echo(printed)


_COLUMNS = (
    "tag",
    "code",
    "language",
    "served",
    "complete",
    "reviewed",
    "voice",
    "letters",
    "segments",
    "speakers",
)


def _table(rows: Iterable[Overview]) -> list[str]:
    """Set the rows in columns, and a line that sums them up."""
    listed = list(rows)
    cells = [_COLUMNS, *(_cells(row) for row in listed)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(_COLUMNS))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
    served = [row for row in listed if row.served]
    drafts = sum(not row.reviewed for row in served)
    complete = sum(row.complete for row in listed)
    summary = f"{complete} complete, {len(served)} served, of which {drafts} are drafts"
    return [*lines, "", f"{summary}; {sum(bool(row.voice) for row in served)} with a voice"]


def _cells(row: Overview) -> tuple[str, ...]:
    shown = ("opening", "blackmailed", "longest")
    return (
        row.tag,
        row.code,
        row.english_name,
        "yes" if row.served else "no",
        "yes" if row.complete else f"{row.translated} of {row.messages}",
        "yes" if row.reviewed else "draft",
        row.voice or "none",
        row.encoding or "",
        "/".join(str(row.segments[name]) for name in shown) if row.segments else "",
        f"{row.speakers:,}" if row.speakers is not None else "",
    )
