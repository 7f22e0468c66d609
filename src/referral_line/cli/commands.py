"""The command tree, and what every command does with faults."""

import sys
from io import TextIOWrapper

import click

from referral_line import __version__
from referral_line.cli.checking import script, services
from referral_line.cli.conversing import call, leaflet, text
from referral_line.cli.counting import stats
from referral_line.cli.doctoring import doctor
from referral_line.cli.exporting import fallback
from referral_line.cli.numbering import number
from referral_line.cli.recording import recordings
from referral_line.cli.serving import demo, serve
from referral_line.cli.sweeping import sweep
from referral_line.cli.translating import catalogue, languages
from referral_line.errors import CarrierError, FaultsFound, SettingsError

FAULTS_FOUND = 1
WRONG_USE = 2


class _Commands(click.Group):
    """A group whose commands may raise faults: they are printed, a line each, never a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except FaultsFound as found:
            for fault in found.faults:
                click.echo(fault, err=True)
            ctx.exit(WRONG_USE if isinstance(found, SettingsError) else FAULTS_FOUND)
        except CarrierError as error:
            click.echo(f"error: {error}", err=True)
            ctx.exit(FAULTS_FOUND)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="referral-line")
def line() -> None:
    """A free, open helpline for anyone blackmailed with intimate images.

    It answers text messages and calls behind a carrier's number, in the caller's own language,
    and keeps nothing that tells who called.

    Exit codes: 0 good, 1 faults found, 2 wrong use. Results go to stdout, faults to stderr.
    """


for command in (
    demo,
    serve,
    text,
    call,
    leaflet,
    languages,
    catalogue,
    recordings,
    script,
    services,
    fallback,
    number,
    sweep,
    doctor,
    stats,
):
    line.add_command(command)


def main() -> None:
    """Run the command line, with UTF-8 whatever the terminal says: callers' languages need it."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    line(prog_name="referral-line")
