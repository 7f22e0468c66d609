"""The command tree, and what every command does with faults."""

import sys
from collections.abc import Mapping
from importlib import import_module
from io import TextIOWrapper

import click

from referral_line import __version__
from referral_line.errors import CarrierError, FaultsFound, SettingsError
from referral_line.telemetry.process import keep_no_core

FAULTS_FOUND = 1
WRONG_USE = 2

_MODULES: Mapping[str, str] = {
    "demo": "serving",
    "serve": "serving",
    "text": "conversing",
    "call": "conversing",
    "leaflet": "conversing",
    "languages": "translating",
    "catalogue": "translating",
    "recordings": "recording",
    "script": "checking",
    "services": "checking",
    "fallback": "exporting",
    "number": "numbering",
    "sweep": "sweeping",
    "doctor": "doctoring",
    "stats": "counting",
}
"""Each command with its module, imported when it is asked for: so the process that answers callers
has nothing in it that speaks to the carrier's API."""


class _Commands(click.Group):
    """A group whose commands may raise faults: they are printed, a line each, never a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _MODULES:
            return None
        module = import_module(f"referral_line.cli.{_MODULES[cmd_name]}")
        found: click.Command = getattr(module, cmd_name)
        return found

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


def main() -> None:
    """Run the command line, with UTF-8 whatever the terminal says: callers' languages need it."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    keep_no_core()  # what callers sent, or the carrier keeps of them, may be in memory
    line(prog_name="referral-line")
