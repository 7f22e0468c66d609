"""Commands that look for faults before callers meet them."""

import os
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import click

from referral_line.content.checks import check_script, check_services
from referral_line.content.drawing import draw
from referral_line.content.loader import PACKAGED, load_directory, load_script
from referral_line.errors import CatalogueError, Fault, Severity
from referral_line.replies.line import compile_today
from referral_line.settings import Settings, load_settings

_folder = click.option(
    "--content",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Another folder with script.toml and services.toml.",
)
_strict = click.option("--strict", is_flag=True, help="Treat warnings as faults: exit 1.")


def _settings(content: Path | None) -> Settings:
    environ = dict(os.environ)
    if content is not None:
        environ["REFERRAL_LINE_CONTENT"] = str(content)
    return load_settings(environ)


def report(faults: Iterable[Fault], summary: str, *, is_strict: bool) -> None:
    """Print faults to stderr and a summary to stdout; exit 1 where there are any that count.

    Args:
        faults: What was found.
        summary: What was looked at.
        is_strict: Whether warnings count.
    """
    found = list(faults)
    for fault in found:
        click.echo(fault, err=True)
    errors = sum(fault.severity is Severity.ERROR for fault in found)
    warnings = len(found) - errors
    click.echo(f"{summary}; faults: {errors}, warnings: {warnings}")
    if errors or (is_strict and warnings):
        click.get_current_context().exit(1)


@click.group()
def script() -> None:
    """The conversation: check it, draw it."""


@script.command("check")
@_folder
@_strict
def check(content: Path | None, *, strict: bool) -> None:
    """Look for faults in the script, and in every reply of every language made from it.

    Dead ends, unknown nodes, keys used twice, a referral too far away, numbers typed by hand,
    messages that cost too much or tell too much on a locked screen, faulty catalogues.
    """
    settings = _settings(content)
    folder = settings.content or PACKAGED
    written, directory = load_script(folder), load_directory(folder)
    faults = check_script(written, directory)
    replies = 0
    languages: tuple[str, ...] = ()
    if not any(fault.severity is Severity.ERROR for fault in faults):
        try:
            line = compile_today(settings)
        except CatalogueError as error:
            faults += error.faults
        else:
            languages = line.languages
            replies = len(line.table.sms) + len(line.table.voice)
            faults += (fault for found in line.left_out.values() for fault in found)
            faults += (fault for fault in line.warnings if fault.file != directory.file)
    summary = f"{len(written.nodes)} nodes, {replies} replies in {', '.join(languages) or 'none'}"
    report(faults, summary, is_strict=strict)


@script.command("draw")
@_folder
def draw_script(content: Path | None) -> None:
    """Print the conversation as a Mermaid flowchart."""
    folder = _settings(content).content or PACKAGED
    click.echo(draw(load_script(folder)), nl=False)


@click.group()
def services() -> None:
    """The directory of services that callers are told of."""


@services.command("check")
@_folder
@_strict
def check_directory(content: Path | None, *, strict: bool) -> None:
    """Look for faults in the directory, and list what is due for confirmation after 200 days."""
    directory = load_directory(_settings(content).content or PACKAGED)
    hidden = sum(not service.is_confirmed for service in directory.services.values())
    hidden += sum(not force.is_confirmed for force in directory.forces.values())
    summary = (
        f"{len(directory.services)} services and {len(directory.forces)} police forces, "
        f"of which {hidden} not confirmed and not given to callers"
    )
    faults = check_services(directory, today=date.today())  # noqa: DTZ011
    report(faults, summary, is_strict=strict)
