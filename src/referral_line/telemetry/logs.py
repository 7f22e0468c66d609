"""Log lines with an allow-list of fields, so that nothing of a caller can reach one by accident.

Rooms log with the standard library: a constant sentence, and what varies as named fields::

    _log.warning("session store away", extra={"error": "TimeoutError"})

The formatter here is the gate. It takes the sentence without its arguments, the fields of
``ALLOWED``, and of an exception its class and the places in the code that it passed: never its
message, its locals or the request. Of other libraries' lines only those of ``PLAIN_SPOKEN`` keep
their sentence, since the others put values into it.
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
from structlog.stdlib import ExtraAdder, ProcessorFormatter
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

PLAIN_SPOKEN = ("referral_line", "uvicorn.error")
"""Loggers whose sentences are constant; values are in their arguments, which are left out."""
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
            ExtraAdder(allow=FIELDS),
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        ],
        processors=[_keep_allowed, renderer],
    )


def _keep_sentence(_: object, __: str, event: EventDict) -> EventDict:
    record: logging.LogRecord = event["_record"]
    event["logger"] = record.name
    event["event"] = re.sub(r"%[a-z]", "…", str(event["event"])).strip()
    if not any(record.name == name or record.name.startswith(f"{name}.") for name in PLAIN_SPOKEN):
        event["event"] = FOREIGN
        event["where"] = f"{record.module}.{record.funcName}:{record.lineno}"
    if isinstance(info := event.get("exc_info"), tuple) and info[1] is not None:
        event.update(describe(info[1]))
    return event


def _keep_allowed(_: object, __: str, event: EventDict) -> EventDict:
    """Let nothing through that is not on the list, whoever put it there."""
    return {name: event[name] for name in (*_ALWAYS, *FIELDS) if name in event}


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
