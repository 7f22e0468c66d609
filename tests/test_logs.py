"""Log lines: an allow-list of fields, exceptions without what they say, for people or machines."""

import ast
import json
import logging
import logging.config
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO

import pytest

from conftest import ROOT
from referral_line.telemetry.logs import (
    ALLOWED,
    FIELDS,
    FOREIGN,
    configuration,
    describe,
    make_formatter,
)

SECRET = "+447700900461"


@pytest.fixture
def stream() -> Iterator[StringIO]:
    """What is written by the loggers ``referral_line.test``, ``uvicorn.error`` and ``other``."""
    written = StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(make_formatter(is_read_by_people=False))
    loggers = [logging.getLogger(name) for name in ("referral_line.test", "uvicorn.error", "other")]
    for logger in loggers:
        logger.addHandler(handler)
    yield written
    for logger in loggers:
        logger.removeHandler(handler)


def lines(stream: StringIO) -> list[dict[str, object]]:
    """The lines written, each a JSON object."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_fields_on_the_list_are_kept_and_no_other(stream: StringIO) -> None:
    """Whoever logs a number by accident logs nothing."""
    extra = {"node": "paid", "milliseconds": 12, "From": SECRET, "caller": SECRET, "body": SECRET}
    logging.getLogger("referral_line.test").warning("a turn was slow", extra=extra)
    (line,) = lines(stream)
    assert line.pop("time")
    assert line == {
        "level": "warning",
        "event": "a turn was slow",
        "logger": "referral_line.test",
        "node": "paid",
        "milliseconds": 12,
    }


def test_arguments_of_a_sentence_are_left_out(stream: StringIO) -> None:
    """What stands in a sentence's gaps is not written."""
    logging.getLogger("referral_line.test").warning("serving %s on %d", SECRET, 7700900461)
    (line,) = lines(stream)
    assert line["event"] == "serving … on …"


@pytest.mark.parametrize(
    ("sentence", "event"),
    [
        ("Started server process [%d]", "Started server process"),
        ("Uvicorn running on %s://%s:%d (Press CTRL+C to quit)", "Uvicorn running on"),
        (f"Child process [{SECRET}] died", "Child process"),
        (f"Traceback (most recent call last):\n  {SECRET}", FOREIGN),
        (f"Error loading {SECRET}", FOREIGN),
    ],
    ids=["constant", "with gaps", "put together", "a traceback", "unknown"],
)
def test_server_says_only_what_is_known_of_it(stream: StringIO, sentence: str, event: str) -> None:
    """Its own sentences are cut before the first value; it logs some with values, one traceback."""
    logging.getLogger("uvicorn.error").error(sentence)
    (line,) = lines(stream)
    assert line["event"] == event
    assert SECRET not in stream.getvalue()


def test_fields_of_other_libraries_are_left_out(stream: StringIO) -> None:
    """A library's own ``error`` or ``address`` may be a caller's."""
    values = dict.fromkeys(FIELDS, SECRET)
    for name in ("other", "uvicorn.error"):
        logging.getLogger(name).error("Shutting down", extra=values)
    assert len(lines(stream)) == 2
    assert SECRET not in stream.getvalue()


class Telling:
    """An object that tells a caller's number when it is printed."""

    def __repr__(self) -> str:
        """Tell it."""
        return SECRET


def test_objects_are_not_written(stream: StringIO) -> None:
    """Neither as a field nor as the sentence: an exception would be its message."""
    log = logging.getLogger("referral_line.test")
    log.error("it failed", extra={"fault": Telling(), "error": ValueError(SECRET), "node": "paid"})
    log.error(ValueError(SECRET))
    log.error(f"one line\n{SECRET}")  # noqa: G004 - as a careless change would
    first, second, third = lines(stream)
    assert first["node"] == "paid"
    assert "fault" not in first
    assert second["event"] == third["event"] == FOREIGN
    assert SECRET not in stream.getvalue()


def test_other_libraries_say_only_where(stream: StringIO) -> None:
    """A library may have put values into its sentence; its line says who and where."""
    logging.getLogger("other").error(f"could not send to {SECRET}")  # noqa: G004 - as they do
    (line,) = lines(stream)
    assert line["event"] == FOREIGN
    assert line["logger"] == "other"
    assert str(line["where"]).startswith("test_logs.test_other_libraries")
    assert SECRET not in stream.getvalue()


def fail_within() -> None:
    """Fail with a caller's number in both messages."""
    try:
        int(SECRET + "x")
    except ValueError as error:
        raise KeyError(SECRET) from error


def test_exception_is_its_class_and_its_places(stream: StringIO) -> None:
    """Neither message, nor locals, nor source lines of a traceback are written."""
    caller = SECRET
    try:
        fail_within()
    except KeyError:
        logging.getLogger("referral_line.test").exception("it failed", stack_info=True)
    (line,) = lines(stream)
    assert line["error"] == "KeyError from ValueError"
    assert str(line["where"]).startswith("test_logs.fail_within:")
    assert caller[3:] not in stream.getvalue()


def test_places_are_the_innermost_and_our_own() -> None:
    """A deep traceback is cut to the place that broke and the way through our rooms."""
    with pytest.raises(AttributeError) as caught:
        describe("no exception")  # type: ignore[arg-type]
    places = describe(caught.value)["where"].split(" < ")
    assert places[0].startswith("referral_line.telemetry.logs.describe:")
    assert len(places) == 1


def test_long_chain_of_causes_is_cut() -> None:
    """An exception that is its own cause, in a ring, is described all the same."""
    first, second = ValueError(), KeyError()
    first.__context__, second.__context__ = second, first
    assert describe(first)["error"].count("from") == 5


def test_people_read_plain_lines() -> None:
    """At a terminal a line is for reading, with the same gate in front."""
    record = logging.makeLogRecord(
        {"name": "referral_line.x", "msg": "serving", "levelname": "INFO", "languages": ["en"]}
    )
    record.caller = SECRET
    line = make_formatter(is_read_by_people=True).format(record)
    assert "serving" in line
    assert "languages=['en']" in line
    assert SECRET not in line


def test_configuration_has_no_access_log() -> None:
    """The server's own access log is shut, and no other handler is there than the gate's."""
    given = configuration()
    assert given["loggers"]["uvicorn.access"] == {"level": "CRITICAL", "propagate": False}
    assert list(given["handlers"]) == ["stderr"]
    assert given["handlers"]["stderr"]["formatter"] == "gate"
    logging.config.DictConfigurator(given).configure_formatter(given["formatters"]["gate"])


UNCAUGHT = """
import logging.config, sys, threading, warnings
from referral_line.telemetry.logs import configuration, log_what_nobody_caught
logging.config.dictConfig(configuration())
log_what_nobody_caught()
def fail(): raise ValueError("{secret}")
thread = threading.Thread(target=fail, name="{secret}"); thread.start(); thread.join()
class Leaving:
    def __del__(self): raise KeyError("{secret}")
leaving = Leaving(); del leaving
warnings.warn("{secret}")
class Broken:
    def __str__(self): raise TypeError("{secret}")
logging.getLogger("other").error(Broken(), "{secret}", extra=dict(x="{secret}"))
fail()
"""


def test_exceptions_that_nobody_catches_pass_the_gate() -> None:
    """A thread's, a destructor's, a warning and the one that ends the process: no message."""
    done = subprocess.run(
        [sys.executable, "-c", UNCAUGHT.format(secret=SECRET)],
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 1
    written = [json.loads(line) for line in done.stderr.splitlines()]
    errors = [line.get("error") for line in written]
    assert errors == ["ValueError", "KeyError", None, "ValueError"]
    assert SECRET not in done.stderr + done.stdout


def log_calls() -> Iterator[tuple[str, ast.Call]]:
    """Every call of a log method in the source, with its place."""
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id in {"_log", "log", "logger"}
                and node.func.attr in {"debug", "info", "warning", "error", "exception", "critical"}
            ):
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node


@pytest.mark.parametrize(
    ("place", "call"), [pytest.param(*each, id=each[0]) for each in log_calls()]
)
def test_every_log_line_is_a_constant_sentence_with_known_fields(
    place: str, call: ast.Call
) -> None:
    """No sentence is put together, none has arguments; literal fields are on the list."""
    assert len(call.args) == 1, place
    assert isinstance(call.args[0], ast.Constant), place
    assert {keyword.arg for keyword in call.keywords} <= {"extra"}, place
    for keyword in call.keywords:
        if isinstance(keyword.value, ast.Dict):
            for key in keyword.value.keys:
                assert isinstance(key, ast.Constant), place
                assert key.value in FIELDS, place


def test_there_are_log_lines_to_look_at() -> None:
    """The search above finds our log lines."""
    assert len(list(log_calls())) > 10


def test_every_field_has_its_meaning() -> None:
    """Each field that a line can have, beside the four that all have, says what it means."""
    assert set(FIELDS) < ALLOWED
    assert all(FIELDS.values())
