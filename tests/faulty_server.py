"""The real server with faults inside, provoked by words: run as ``serve`` is, for the canaries.

Each fault quotes what the caller sent as loudly as it can, in the exception's message, its cause,
its locals and a log line of its own, as a careless change of ours might one day.
"""

import logging
import os
import sys
import warnings
from pathlib import Path
from unittest.mock import patch

from starlette.applications import Starlette

from referral_line.cli import main, serving
from referral_line.conversation.engine import Conversation
from referral_line.conversation.position import Input, Position
from referral_line.replies.reply import SmsReply
from referral_line.replies.table import Table
from referral_line.web.serving import app_from_environment

HANDLER_FAILS = "Krakatindel"
REPLY_IS_MISSING = "Ombrelune"
LACKING = "about"
"""The node whose reply is not in the table."""

_log = logging.getLogger("referral_line.web")

TROUBLE = "CANARY_TROUBLE"
"""Names the file where it is told what the server writes to, or speaks to, that it has no business
with; and ``CANARY_ALLOWED`` the folder and the ports that it has."""

_advance = Conversation.advance
_message = Table.message


def _failing_step(self: Conversation, position: Position, given: Input) -> Position:
    words = given.text
    if HANDLER_FAILS in words:
        _log.error("a careless line", extra={"From": words, "body": words})
        logging.getLogger("asyncio").error("task %s failed", words, exc_info=ValueError(words))
        warnings.warn(words, stacklevel=2)
        try:
            logging.Logger.manager.loggerDict[words]
        except KeyError as error:
            raise RuntimeError(words) from error
    if REPLY_IS_MISSING in words:
        return Position(position.language, LACKING, 0)
    return _advance(self, position, given)


def _missing_reply(self: Table, position: Position) -> SmsReply:
    if position.node == LACKING:
        raise KeyError(position)
    return _message(self, position)


def make_app() -> Starlette:
    """Make the app, then break it."""
    app = app_from_environment()
    patch.object(Conversation, "advance", _failing_step).start()
    patch.object(Table, "message", _missing_reply).start()
    return app


def watch(environ: "os._Environ[str]") -> None:
    """Tell of every file that is opened for writing, and every address that is spoken to."""
    if TROUBLE not in environ:
        return
    told = os.open(environ[TROUBLE], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    known = {environ[TROUBLE], os.devnull}
    folder, *ports = environ["CANARY_ALLOWED"].split(":")

    def audit(event: str, arguments: tuple[object, ...]) -> None:
        trouble = ""
        if event == "open":
            path, mode, flags = arguments
            writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            place = os.fsdecode(path) if isinstance(path, str | bytes) else ""
            is_allowed = place in known or Path(place).is_relative_to(folder)
            if place and writes and not is_allowed:
                trouble = f"writes to {place} ({mode})"
        elif event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
            address = arguments[1] if len(arguments) > 1 else None
            if isinstance(address, tuple) and str(address[1]) not in ports:
                trouble = f"speaks to {address}"
        if trouble:
            os.write(told, f"{trouble}\n".encode())

    sys.addaudithook(audit)


watch(os.environ)

if __name__ == "__main__":
    serving._FACTORY = "faulty_server:make_app"
    main()
