"""The commands: parse, call a room below, print, exit. Results on stdout, faults on stderr."""

from referral_line.cli.commands import main

__all__ = ["main"]
