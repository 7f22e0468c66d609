"""Log lines with an allow-list of fields, so that nothing of a caller can reach one by accident.

Rooms log with the standard library: a constant sentence, and what varies as named fields::

    _log.warning("session store away", extra={"error": "TimeoutError"})

The formatter here is the gate. It takes the sentence without its arguments, the fields of
``ALLOWED``, and of an exception its class and the places in the code that it passed: never its
message, its locals or the request. Other libraries put values into their sentences and fields: of
their lines it says which library and where, and of the server's the beginning that is known.
"""

import logging
import re
import sys
import threading
from collections.abc import Mapping
from traceback import walk_tb
from types import TracebackType
from typing import Any

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor

FIELDS: Mapping[str, str] = {
    "channel": "sms or voice",
    "node": "the node of a turn that failed or was slow",
    "language": "its language, if five conversations or more were in it that day",
    "milliseconds": "how long that turn took",
    "error": "the class of an exception, with those that caused it",
    "where": "the places in the code that an exception passed, the innermost first",
    "fault": "what is wrong with a setting, a file, a catalogue or this machine, at start",
    "languages": "language tags, at start",
    "count": "how many, at start: workers, faults, facts",
    "address": "where the server will listen",
}
"""What a line may hold beside time, level, logger and event, and what it means."""
_ALWAYS = ("time", "level", "event", "logger")
ALLOWED = frozenset({*_ALWAYS, *FIELDS})
"""Every field that a log line can have."""

SERVER = "uvicorn.error"
SERVER_SAYS = (
    "Started server process",
    "Waiting for application startup",
    "Application startup complete",
    "Application startup failed",
    "Uvicorn running on",
    "Started parent process",
    "Waiting for child process",
    "Terminated child process",
    "Child process",
    "Stopping parent process",
    "Received SIG",
    "Shutting down",
    "Waiting for connections to close",
    "Waiting for background tasks to complete",
    "Waiting for application shutdown",
    "Application shutdown complete",
    "Application shutdown failed",
    "Finished server process",
    "Cancel",
    "Exception in ASGI application",
    "Invalid HTTP request received",
    "Unsupported upgrade request",
    "Exceeded concurrency limit",
)
"""How the server's own sentences begin. So much of them is written: some go on with values, and one
of them is a whole traceback."""
FOREIGN = "a library has logged something"
PLACES = 6
"""How many places of a traceback are kept."""

_PACKAGE = "referral_line"


def describe(error: BaseException) -> dict[str, str]:
    """Return what may be logged of an exception: its class, its causes' classes, places in code.

    >>> describe(ValueError("+447700900123"))
    {'error': 'ValueError', 'where': ''}
    """
    names: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(names) < PLACES:
        names.append(type(cause).__name__)
        cause = cause.__cause__ or cause.__context__
    return {"error": " from ".join(names), "where": _places(error.__traceback__)}


def _places(trace: TracebackType | None) -> str:
    frames = [
        f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_name}:{line}"
        for frame, line in walk_tb(trace)
    ]
    # The innermost place says what broke; ours say on which way it was reached.
    kept = [place for place in frames[:-1] if place.startswith(_PACKAGE)] + frames[-1:]
    return " < ".join(reversed(kept[-PLACES:]))


def make_formatter(*, is_read_by_people: bool | None = None) -> logging.Formatter:
    """Make the formatter of every log line: JSON, or plain lines where a person reads along.

    Args:
        is_read_by_people: By default whether stderr is a terminal.
    """
    if is_read_by_people is None:
        is_read_by_people = sys.stderr.isatty()
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=False, timestamp_key="time")
        if is_read_by_people
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    return ProcessorFormatter(
        use_get_message=False,
        foreign_pre_chain=[
            _keep_sentence,
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        ],
        processors=[_keep_allowed, renderer],
    )


def _keep_sentence(_: object, __: str, event: EventDict) -> EventDict:
    record: logging.LogRecord = event["_record"]
    is_ours = record.name == _PACKAGE or record.name.startswith(f"{_PACKAGE}.")
    said = event["event"] if isinstance(record.msg, str) else ""
    if not is_ours:
        said = next((says for says in SERVER_SAYS if said.startswith(says)), "")
        said = said if record.name == SERVER else ""
    event["logger"] = record.name if is_ours else record.name.partition(".")[0]
    event["event"] = re.sub(r"%[a-z]", "…", said) if "\n" not in said else ""
    if is_ours:
        event.update({name: vars(record)[name] for name in FIELDS if name in vars(record)})
    if not event["event"]:
        event["event"] = FOREIGN
        event["where"] = f"{record.module}.{record.funcName}:{record.lineno}"
    if isinstance(info := event.get("exc_info"), tuple) and info[1] is not None:
        event.update(describe(info[1]))
    return event


def _keep_allowed(_: object, __: str, event: EventDict) -> EventDict:
    """Let nothing through that is not on the list, nor in plain form, whoever put it there."""
    return {
        name: event[name]
        for name in (*_ALWAYS, *FIELDS)
        if name in event and _is_plain(event[name])
    }


def _is_plain(value: object) -> bool:
    """Whether a value says no more than one sees: no object with a text of its own."""
    if isinstance(value, list):
        return all(isinstance(each, str) for each in value)
    return isinstance(value, str | int | float)


def configuration(level: str = "INFO") -> dict[str, Any]:
    """Return the logging configuration of a server process, for ``logging.config.dictConfig``.

    There is no access log: a request's line holds a path, and with some carriers more.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"gate": {"()": f"{__name__}.make_formatter"}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "gate",
                "stream": "ext://sys.stderr",
            }
        },
        "root": {"handlers": ["stderr"], "level": "ERROR" if level == "ERROR" else "WARNING"},
        "loggers": {
            "referral_line": {"level": level},
            "uvicorn": {"level": level},
            "uvicorn.access": {"level": "CRITICAL", "propagate": False},
        },
    }


def log_what_nobody_caught() -> None:
    """Send warnings, and exceptions that end a thread or the process, through the gate too.

    Python would print them with their messages, which may hold what a caller sent.
    """
    log = logging.getLogger(_PACKAGE)
    logging.captureWarnings(capture=True)
    logging.raiseExceptions = False  # else a line that can't be written is printed, values and all

    def process(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        del trace
        if not issubclass(kind, KeyboardInterrupt):
            log.critical("the process ends by an exception", extra=describe(error))

    def thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            log.critical("a thread ended by an exception", extra=describe(args.exc_value))

    def unraisable(args: "sys.UnraisableHookArgs") -> None:
        if args.exc_value is not None:
            log.error("an exception nobody could catch", extra=describe(args.exc_value))

    sys.excepthook = process
    threading.excepthook = thread
    sys.unraisablehook = unraisable
