"""Commands that write files for other hosts."""

import os
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import click

from referral_line.errors import FaultsFound, Severity
from referral_line.replies.fallback import (
    README,
    FallbackFile,
    check_fallback,
    compile_fallback,
    write_fallback,
)
from referral_line.replies.line import Line, compile_today
from referral_line.replies.reply import SmsReply
from referral_line.settings import load_settings


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--languages",
    metavar="TAGS",
    help="Languages of sms.xml and voice.xml, such as en,pl,ur. Default: the menu as far as it "
    "fits.",
)
def fallback(folder: Path, languages: str | None) -> None:
    """Write static TwiML that answers while this server is away.

    Into DIR: sms.xml and voice.xml in several languages, sms-TAG.xml and voice-TAG.xml in one, and
    a README.txt. They hold 999, 101, Crimestoppers and crisis numbers and need nothing else. Put
    them into TwiML Bins or on another host (docs/fallback.md), and write them anew after every
    change. Files of languages not served any more are removed.
    """
    line = compile_today(load_settings(os.environ))
    files = compile_fallback(line, _chosen(languages, line.languages))
    faults = check_fallback(files, line)
    if any(fault.severity is Severity.ERROR for fault in faults):
        raise FaultsFound(faults)
    for fault in faults:
        click.echo(fault, err=True)
    removed = write_fallback(folder, files, today=date.today())  # noqa: DTZ011 - the operator's day
    for printed in (*_rows(files), *_summary(folder, line, files, removed)):
        click.echo(printed)


def _chosen(languages: str | None, served: Sequence[str]) -> list[str]:
    """Return tags as they are served, whatever their capitals; one that is not is wrong use."""
    if languages is None:
        return []
    known = {tag.casefold(): tag for tag in served}
    given = [tag.strip() for tag in languages.split(",")]
    unknown = [tag for tag in given if tag.casefold() not in known]
    if unknown:
        message = f"{', '.join(map(repr, unknown))} not served; choose from {', '.join(served)}"
        raise click.BadParameter(message, param_hint="--languages")
    return [known[tag.casefold()] for tag in given]


def _rows(files: Sequence[FallbackFile]) -> Iterator[str]:
    """Yield a line a file: its name, its size, what a text costs, its languages."""
    width = max(len(file.name) for file in files)
    for file in files:
        segments = file.reply.count.segments if isinstance(file.reply, SmsReply) else 0
        plural = "" if segments == 1 else "s"
        cost = f"{segments:2} segment{plural}" if segments else ""
        size = len(file.reply.twiml)
        languages = ", ".join(file.languages)
        yield f"{file.name:{width}}  {size:5} bytes  {cost:11}  {languages}"


def _summary(
    folder: Path, line: Line, files: Sequence[FallbackFile], removed: Sequence[str]
) -> Iterator[str]:
    for name in removed:
        yield f"{name}  removed: this language is not served any more"
    names = {file.name for file in files}
    mute = [tag for tag in line.languages if f"voice-{tag}.xml" not in names]
    if mute:
        yield f"No calls, for want of a voice: {', '.join(mute)}"
    yield f"{len(files)} files and {README} in {folder}"
