"""The command that deletes the line's old records at the carrier."""

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import FrameType

import click

from referral_line.carrier.api import Api, connect, warn_of_credentials
from referral_line.carrier.number import find_number
from referral_line.carrier.sweep import (
    Backlog,
    Kind,
    Left,
    Reason,
    Report,
    age_classes,
    delete_records,
    find_records,
)
from referral_line.cli.numbering import warn
from referral_line.errors import CarrierError
from referral_line.settings import Settings, load_settings

FAULTS_FOUND = 1
_MOST_MINUTES = 60 * 24 * 400


class _Stop:
    """Becomes true when the process is asked to end.

    A plain attribute, since a signal may arrive while a lock that an event needs is held.
    """

    def __init__(self) -> None:
        self.is_asked = False

    def ask(self, number: int, frame: FrameType | None) -> None:
        """Take a signal."""
        del number, frame
        if self.is_asked:
            raise KeyboardInterrupt  # asked twice: whoever waits for a silent carrier is let go
        self.is_asked = True

    def __call__(self) -> bool:
        """Tell whether to end."""
        return self.is_asked

    def wait(self, seconds: float) -> None:
        """Sleep, waking each second to look."""
        end = time.monotonic() + seconds
        while not self.is_asked and (rest := end - time.monotonic()) > 0:
            time.sleep(min(1.0, rest))

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take SIGTERM and SIGINT as a wish to end in order."""
        signals = (signal.SIGTERM, signal.SIGINT)
        before = {number: signal.signal(number, self.ask) for number in signals}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@dataclass(frozen=True, slots=True)
class Round:
    """One look at the carrier after another, each with the same wishes."""

    settings: Settings
    api: Api
    older_than: timedelta
    is_stopped: Callable[[], bool]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def find(self) -> Backlog:
        """See what there is."""
        _, digits = find_number(self.api, self.settings)
        return find_records(self.api, digits, self.older_than, self.now(), self.is_stopped)

    def sweep(self, backlog: Backlog) -> bool:
        """Delete what is due and print what became of it; tell whether all went well."""
        due = len(backlog.due)

        def tell(done: int) -> None:
            click.echo(f"{done} of {due} records dealt with", err=True)

        report = delete_records(self.api, backlog, is_stopped=self.is_stopped, tell=tell)
        click.echo("deleted: " + _counts(report.deleted))
        _print_left(report.left, backlog.older_than)
        _print_faults(report)
        return report.is_clean


def run_rounds(one: Round, wait: Callable[[float], None], every: timedelta) -> None:
    """Sweep again and again until asked to stop; a fault is told, and the next round tries again.

    Args:
        one: What each round does.
        wait: Waits so many seconds, or until asked to stop.
        every: The time between the end of a round and the next.
    """
    while not one.is_stopped():
        try:
            one.sweep(one.find())
        except CarrierError as error:
            click.echo(f"error: {error}", err=True)
        wait(every.total_seconds())


@click.command()
@click.option(
    "--older-than",
    type=click.IntRange(0, _MOST_MINUTES),
    default=60,
    show_default=True,
    metavar="MINUTES",
    help="Younger records stay.",
)
@click.option(
    "--every",
    type=click.IntRange(1, _MOST_MINUTES),
    metavar="MINUTES",
    help="Go on until stopped by a signal; needs --yes.",
)
@click.option("--once", is_flag=True, help="Sweep once; the default.")
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@click.option("--yes", "is_sure", is_flag=True, help="Don't ask.")
def sweep(older_than: int, every: int | None, *, once: bool, dry_run: bool, is_sure: bool) -> None:
    """Delete the line's own ended texts, their files, and calls at the carrier.

    What others of the account hold is not touched. A record that the carrier has not finished yet
    stays until a later sweep. Exit code 1 if anything is left that no time will heal.
    """
    _check_use(every, once=once, dry_run=dry_run, is_sure=is_sure)
    settings = load_settings(os.environ)
    api = connect(settings)
    warn(warn_of_credentials(settings))
    stop = _Stop()
    one = Round(settings, api, timedelta(minutes=older_than), stop)
    if every is not None:
        with stop.listening():
            run_rounds(one, stop.wait, timedelta(minutes=every))
        return
    with stop.listening():
        backlog = one.find()
    if dry_run:
        click.echo("would delete: " + _counts(_due(backlog)) + _files(backlog))
        _print_left(backlog.left, backlog.older_than)
        return
    if not stop() and backlog.due and not is_sure:
        question = f"Delete {_counts(_due(backlog))}{_files(backlog)} for good?"
        if not click.confirm(question, err=True):
            click.echo("Nothing was deleted.", err=True)
            click.get_current_context().exit(FAULTS_FOUND)
    with stop.listening():
        is_clean = one.sweep(backlog)
    if stop():
        click.echo("stopped by a signal; the next sweep goes on", err=True)
    if stop() or not is_clean:
        click.get_current_context().exit(FAULTS_FOUND)


def _check_use(every: int | None, *, once: bool, dry_run: bool, is_sure: bool) -> None:
    if every is not None and once:
        message = "--every goes on and --once does not; leave out one of them"
    elif every is not None and dry_run:
        message = "--dry-run looks once; leave out --every"
    elif every is not None and not is_sure:
        message = "--every can't ask each time; add --yes"
    elif not is_sure and not dry_run and (sys.stdin is None or not sys.stdin.isatty()):
        message = "nobody is there to be asked; add --yes to delete, or --dry-run to look"
    else:
        return
    raise click.UsageError(message)


_ONE = {Kind.MESSAGES: "message", Kind.MEDIA: "file", Kind.CALLS: "call"}


def _counts(numbers: Counter[Kind]) -> str:
    """Write as in "2 messages, 0 files, 1 call"."""
    kinds = [kind for kind in Kind if kind in numbers or kind is not Kind.MEDIA]
    return ", ".join(
        f"{numbers[kind]} {_ONE[kind] if numbers[kind] == 1 else kind}" for kind in kinds
    )


def _due(backlog: Backlog) -> Counter[Kind]:
    return Counter(record.kind for record in backlog.due)


def _files(backlog: Backlog) -> str:
    return ", with the files of messages" if any(r.has_media for r in backlog.due) else ""


def _print_left(left: Counter[Left], older_than: timedelta) -> None:
    """Print what stays: a row for each class of age, a column for each reason."""
    click.echo(f"left: {left.total()}")
    reasons = [reason for reason in Reason if any(one.reason is reason for one in left)]
    ends: list[timedelta | None] = [*age_classes(older_than), None]
    rows = [["age", *reasons]]
    rows += [
        [_name(end), *(str(left[Left(end, reason)]) for reason in reasons)]
        for end in ends
        if any(one.up_to == end for one in left)
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows if left else []:
        cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        click.echo("  " + "  ".join([row[0].ljust(widths[0]), *cells[1:]]))


def _name(end: timedelta | None) -> str:
    if end is None:
        return "older"
    minutes = int(end.total_seconds() // 60)
    if minutes < 60 * 24:
        return f"up to {minutes} min"
    days = minutes / (60 * 24)
    return "up to 1 day" if days == 1 else f"up to {days:g} days"


def _print_faults(report: Report) -> None:
    """Print on stderr what time alone won't heal."""
    refused = sum(n for left, n in report.left.items() if left.reason is Reason.REFUSED)
    stuck = sum(n for left, n in report.left.items() if left.reason is Reason.STUCK)
    undated = sum(n for left, n in report.left.items() if left.reason is Reason.UNDATED)
    codes = ", ".join(str(code) for code in sorted(report.codes))
    if refused:
        why = f" (error {codes})" if codes else ""
        click.echo(f"error: the carrier refused to delete {refused} of them{why}", err=True)
    if stuck:
        text = f"{stuck} of them are not finished after 14 days; ask the carrier's support"
        click.echo(f"error: {text}", err=True)
    if undated:
        text = f"{undated} of them have no date, so that their age is unknown; delete them by hand"
        click.echo(f"error: {text}", err=True)
    if report.fault is not None:
        click.echo(f"error: {report.fault}", err=True)
        click.echo("What is not reached stays until the next sweep.", err=True)
