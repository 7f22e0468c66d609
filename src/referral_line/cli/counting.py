"""The command that tells how many were helped, with every small number hidden."""

import json
import os
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import click

from referral_line.content.loader import PACKAGED, load_directory
from referral_line.content.model import Channel
from referral_line.errors import Fault, SettingsError
from referral_line.languages.language import known_languages
from referral_line.settings import Settings, load_settings
from referral_line.telemetry.counts import FLOOR, Period, Totals, read_counts

FEWER = f"fewer than {FLOOR}"
"""Stands for none as well as for one to four, which must look alike."""

_Names = Mapping[str, Mapping[str, str]]
"""For each kind of total, what may be counted: the names by tag or id."""
_Shown = Mapping[str, Mapping[str, int | str]]
"""For each kind of total, a number or ``FEWER`` by tag or id."""


@click.command()
@click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--by",
    type=click.Choice([period.value for period in Period]),
    default=Period.MONTH.value,
    show_default=True,
    help="What to sum over. Give out one of them only.",
)
@click.option("--json", "is_json", is_flag=True, help="For programs: every language and service.")
def stats(file: Path | None, by: str, *, is_json: bool) -> None:
    """Tell how many were helped: conversations, languages, services signposted.

    Reads FILE, or that of REFERRAL_LINE_COUNTS_FILE. Every number below 5 reads "fewer than 5", and
    so does none; a day, month or year of which nothing reaches 5 is not listed.
    """
    settings = load_settings(os.environ)
    period = Period(by)
    totals, faults = read_counts(file or _configured(settings), period)
    names = _names(settings)
    today = period.of(date.today())  # noqa: DTZ011 - days are those of the place, as when counted
    shown = {name: _hide(total, names) for name, total in totals.items() if _has_any(total)}
    if is_json:
        rows = [{"period": name, "is_over": name < today, **row} for name, row in shown.items()]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        for name, row in shown.items():
            click.echo(name if name < today else f"{name} (not over; don't give it out yet)")
            for line in _lines(row, names):
                click.echo(line)
            click.echo()
        click.echo(f"each other {period}: {FEWER} of everything")
    for fault in faults:
        click.echo(fault, err=True)
    if faults:
        click.get_current_context().exit(1)


def _configured(settings: Settings) -> Path:
    file = settings.counts_file
    if file is not None and file.is_file():
        return file
    text = "is not set; set it, or give the file: referral-line stats FILE"
    if file is not None:
        text = f"is no file that can be read; `serve` makes it when it starts (is {str(file)!r})"
    raise SettingsError([Fault("environment", None, "REFERRAL_LINE_COUNTS_FILE", text)])


def _names(settings: Settings) -> _Names:
    directory = load_directory(settings.content or PACKAGED)
    return {
        "conversations": {Channel.SMS.value: "by text", Channel.VOICE.value: "by call"},
        "languages": {
            tag: f"{language.english_name} ({tag})" for tag, language in known_languages().items()
        },
        "services": {service.id: service.name for service in directory.services.values()},
    }


def _kinds(totals: Totals) -> Mapping[str, Mapping[str, int]]:
    return {
        "conversations": totals.conversations,
        "languages": totals.languages,
        "services": totals.services,
    }


def _has_any(totals: Totals) -> bool:
    return any(number >= FLOOR for kind in _kinds(totals).values() for number in kind.values())


def _hide(totals: Totals, names: _Names) -> _Shown:
    """Put ``FEWER`` for every small number, and for whatever could have been counted and was not.

    What the file has and we don't know, such as a service since removed, shows from ``FLOOR`` on.
    """
    shown: dict[str, dict[str, int | str]] = {}
    for kind, numbers in _kinds(totals).items():
        enough = {name: number for name, number in numbers.items() if number >= FLOOR}
        shown[kind] = {**dict.fromkeys(names[kind], FEWER), **dict(sorted(enough.items()))}
    return shown


def _lines(row: _Shown, names: _Names) -> Iterator[str]:
    for kind, numbers in row.items():
        yield f"  {kind}"
        told = sorted(
            (names[kind].get(name, name), number)
            for name, number in numbers.items()
            if isinstance(number, int)
        )
        width = max((len(name) for name, _ in told), default=0)
        for name, number in told:
            yield f"    {name:<{width}}  {number:>7}"
        if len(told) < len(numbers):
            yield f"    each other: {FEWER}"
