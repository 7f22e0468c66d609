"""Daily totals: written once a day is over, never lost, and never telling of anybody."""

import json
import logging
import os
import resource
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from referral_line.cli.counting import FEWER, stats
from referral_line.content.loader import load_directory
from referral_line.content.model import Channel
from referral_line.errors import FaultsFound, SettingsError
from referral_line.languages.language import known_languages
from referral_line.telemetry.counts import (
    FLOOR,
    LOCK_SECONDS,
    Counts,
    Period,
    check_counts_file,
    read_counts,
)

MONDAY = date(2026, 11, 23)
EMPTY: dict[str, Any] = {"conversations": {}, "languages": {}, "services": {}}


class Calendar:
    """A date that passes when told to."""

    def __init__(self) -> None:
        """Begin on a Monday."""
        self.today = MONDAY

    def __call__(self) -> date:
        """Return the date, as ``date.today`` does."""
        return self.today

    def pass_a_day(self) -> None:
        """Let it be tomorrow."""
        self.today += timedelta(days=1)


@pytest.fixture
def calendar() -> Calendar:
    """A calendar that begins on a Monday."""
    return Calendar()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where totals go; not there yet."""
    return tmp_path / "totals.jsonl"


@pytest.fixture
def counts(file: Path, calendar: Calendar) -> Counts:
    """The counts of one process."""
    return Counts(file, calendar)


def lines(file: Path) -> list[dict[str, Any]]:
    """What is in the file."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@contextmanager
def disk_with_room_for(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size: the rest of a write is left out."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_day_becomes_a_line_once_it_is_over(counts: Counts, file: Path, calendar: Calendar) -> None:
    """Nothing is written while a day goes on; then one line has its totals, each by itself."""
    counts.conversation(Channel.SMS)
    counts.conversation(Channel.SMS)
    counts.conversation("voice")
    counts.language("pl")
    counts.signposted(["samaritans", "childline"])
    counts.signposted(frozenset({"samaritans"}))
    counts.tick()
    assert not file.exists()
    calendar.pass_a_day()
    counts.tick()
    assert lines(file) == [
        {
            "day": "2026-11-23",
            "conversations": {"sms": 2, "voice": 1},
            "languages": {"pl": 1},
            "services": {"childline": 1, "samaritans": 2},
        }
    ]


def test_line_is_in_the_order_of_names(counts: Counts, file: Path) -> None:
    """In the order of counting it would say what was asked for first."""
    for tag in ("pl", "cy", "en"):
        counts.language(tag)
    counts.close()
    assert list(lines(file)[0]["languages"]) == ["cy", "en", "pl"]


def test_what_is_counted_after_midnight_is_of_the_new_day(
    counts: Counts, file: Path, calendar: Calendar
) -> None:
    """A day ends at its date, whether or not it has been written yet."""
    counts.conversation("sms")
    calendar.pass_a_day()
    counts.conversation("voice")
    counts.close()
    assert [(line["day"], line["conversations"]) for line in lines(file)] == [
        ("2026-11-23", {"sms": 1}),
        ("2026-11-24", {"voice": 1}),
    ]


def test_day_without_counts_has_no_line(counts: Counts, file: Path, calendar: Calendar) -> None:
    """A process that nobody calls writes nothing, neither at midnight nor when it ends."""
    calendar.pass_a_day()
    assert not counts.is_common("en")
    counts.tick()
    counts.close()
    counts.close()
    assert not file.exists()


def test_processes_append_to_one_file(file: Path, calendar: Calendar) -> None:
    """Each process has a line of its own, and reading sums them."""
    for number in (3, 4):
        counts = Counts(file, calendar)
        for _ in range(number):
            counts.conversation("sms")
        counts.close()
    assert len(lines(file)) == 2
    totals, faults = read_counts(file, Period.DAY)
    assert totals["2026-11-23"].conversations == {"sms": 7}
    assert faults == []


def test_language_is_common_from_five_conversations_of_the_day(
    counts: Counts, calendar: Calendar
) -> None:
    """Four don't suffice to name a language in a log line, and yesterday's don't count."""
    for _ in range(FLOOR - 1):
        counts.language("pl")
    assert not counts.is_common("pl")
    counts.language("pl")
    assert counts.is_common("pl")
    assert not counts.is_common("cy")
    calendar.pass_a_day()
    assert not counts.is_common("pl")


def test_without_a_file_nothing_is_kept(tmp_path: Path, calendar: Calendar) -> None:
    """Without a file it counts for ``is_common`` alone; yesterday's totals are dropped."""
    counts = Counts(None, calendar)
    for _ in range(FLOOR):
        counts.language("pl")
    assert counts.is_common("pl")
    calendar.pass_a_day()
    counts.tick()
    counts.close()
    assert not counts.is_common("pl")
    assert list(tmp_path.iterdir()) == []


def test_file_is_its_owners_alone(counts: Counts, file: Path) -> None:
    """The file holds small numbers: nobody else may read it, whatever the umask allows."""
    before = os.umask(0)
    try:
        counts.conversation("sms")
        counts.close()
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_failure_loses_nothing(
    counts: Counts, file: Path, calendar: Calendar, caplog: pytest.LogCaptureFixture
) -> None:
    """What can't be written is tried again; the log says so once, with the class of the error."""
    file.mkdir()
    counts.conversation("sms")
    calendar.pass_a_day()
    counts.tick()
    counts.conversation("voice")
    calendar.pass_a_day()
    counts.tick()
    assert [record.getMessage() for record in caplog.records] == [
        "daily totals can't be written: they are kept and tried again"
    ]
    assert vars(caplog.records[0])["error"] == "IsADirectoryError"
    assert caplog.records[0].exc_info is None
    file.rmdir()
    counts.tick()
    assert caplog.records[-1].getMessage() == "daily totals are written again"
    counts.tick()
    assert [line["day"] for line in lines(file)] == ["2026-11-23", "2026-11-24"]


def test_what_is_lost_at_the_end_is_told(
    counts: Counts, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A process that can't write when it ends says that its totals are lost."""
    file.mkdir()
    counts.conversation("sms")
    counts.close()
    assert caplog.messages[-1] == "daily totals could not be written before the end: they are lost"


def test_full_disk_leaves_no_torn_line(
    counts: Counts, file: Path, calendar: Calendar, caplog: pytest.LogCaptureFixture
) -> None:
    """A line that the disk takes only a part of is taken back, and written whole later."""
    counts.conversation("sms")
    calendar.pass_a_day()
    counts.tick()
    whole = file.read_bytes()
    counts.conversation("voice")
    calendar.pass_a_day()
    with disk_with_room_for(len(whole) + 10):
        counts.tick()
    assert file.read_bytes() == whole
    assert vars(caplog.records[0])["error"] == "OSError"
    counts.tick()
    assert [line["day"] for line in lines(file)] == ["2026-11-23", "2026-11-24"]


@pytest.mark.parametrize("torn", [b'{"day":"2026-11-22","conv', b"\x00\xff", b'{"day":1}'])
def test_torn_last_line_of_another_process_swallows_nothing(
    counts: Counts, file: Path, torn: bytes
) -> None:
    """Ours begins on a line of its own; the torn one is told with its number, without numbers."""
    file.write_bytes(b"\n" + torn)
    counts.conversation("sms")
    counts.close()
    totals, (fault,) = read_counts(file, Period.DAY)
    assert {day: total.conversations for day, total in totals.items()} == {"2026-11-23": {"sms": 1}}
    assert str(fault).startswith(f"{file}:2: error: totals: ")
    assert str(fault).endswith("This line is left out; mend it or delete it")


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"day": "2026-11-23"}, "conversations: Field required; languages: Field required"),
        ({"day": "24 November", **EMPTY}, "day: Input should be a valid date"),
        (
            {"day": "2026-11-23", **EMPTY, "languages": {"pl": -1}},
            "languages.pl: Input should be greater than or equal to 0",
        ),
        (
            {"day": "2026-11-23", **EMPTY, "services": {"shout": "4"}},
            "services.shout: Input should be a valid integer",
        ),
        ({"day": "2026-11-23", **EMPTY, "host": "a"}, "host: Extra inputs are not permitted"),
        ([], "Input should be an object"),
    ],
    ids=["missing", "date", "negative", "text", "unknown", "list"],
)
def test_line_of_another_shape_is_told(file: Path, row: object, text: str) -> None:
    """What is no line of totals is a fault that says why."""
    file.write_text(json.dumps(row), encoding="utf-8")
    totals, (fault,) = read_counts(file, Period.YEAR)
    assert totals == {}
    assert text in fault.text


def test_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    """A file that isn't there is told with its name."""
    with pytest.raises(FaultsFound, match=r"gone.jsonl: error: totals: can't be read \(No such"):
        read_counts(tmp_path / "gone.jsonl", Period.DAY)


def test_counting_goes_on_while_the_disk_hangs(file: Path, calendar: Calendar) -> None:
    """A write that takes for ever keeps nobody who is counted, and close writes all the same."""
    counts = Counts(file, calendar)
    counts.conversation("sms")
    calendar.pass_a_day()
    with counts._writing:  # as while another thread waits for the disk
        waits = threading.Thread(target=counts.tick)
        waits.start()
        for _ in range(FLOOR):
            counts.language("pl")
        assert counts.is_common("pl")
        assert waits.is_alive()
    waits.join(10)
    counts.close()
    assert [line["day"] for line in lines(file)] == ["2026-11-23", "2026-11-24"]


def test_file_that_somebody_holds_is_tried_again(
    counts: Counts, file: Path, calendar: Calendar
) -> None:
    """Another program's lock keeps no process from ending, and no total is lost by it."""
    file.touch()
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        holder.stdout.readline()
        counts.conversation("sms")
        calendar.pass_a_day()
        began = time.monotonic()
        counts.tick()
        assert time.monotonic() - began < 5 * LOCK_SECONDS
        assert file.read_bytes() == b""
        holder.stdin.close()
    counts.tick()
    assert b'"sms":1' in file.read_bytes()


HOLDER = """
import os, sys
held = os.open(sys.argv[1], os.O_RDWR)
os.lockf(held, os.F_LOCK, 0)
print("held", flush=True)
sys.stdin.read()
"""


def test_threads_lose_no_count(counts: Counts, file: Path, calendar: Calendar) -> None:
    """Counting, and writing in another thread, at once: each count is in one line, once."""
    over = threading.Event()

    def write() -> None:
        while not over.is_set():
            calendar.pass_a_day()
            counts.tick()

    writer = threading.Thread(target=write)
    writer.start()
    for _ in range(2000):
        counts.conversation("sms")
    over.set()
    writer.join(30)
    counts.close()
    totals, faults = read_counts(file, Period.DAY)
    assert faults == []
    assert sum(total.conversations["sms"] for total in totals.values()) == 2000


def test_fit_file_is_made_and_has_no_fault(file: Path) -> None:
    """Whether a file can be written to is found out by opening it; it stays as it is."""
    assert check_counts_file(file) == []
    assert file.read_bytes() == b""
    file.write_bytes(b"{}\n")
    assert check_counts_file(file) == []
    assert file.read_bytes() == b"{}\n"


def make_folder(path: Path) -> None:
    """A folder where the file should be."""
    path.mkdir()


def make_public(path: Path) -> None:
    """A file that everyone may read."""
    path.touch()
    path.chmod(0o644)


@pytest.mark.parametrize(
    ("spoil", "name", "text"),
    [
        (make_folder, "totals", "can't be written to (Is a directory)"),
        (os.mkfifo, "totals", "is no regular file; name one"),
        (make_public, "totals", "can be read by everyone on this machine; chmod it to 600"),
        (lambda path: None, "gone/totals", "can't be written to (No such file or directory)"),  # noqa: ARG005
    ],
    ids=["folder", "pipe", "public", "no-folder"],
)
def test_unfit_file_is_told_before_the_start(
    tmp_path: Path, spoil: Callable[[Path], None], name: str, text: str
) -> None:
    """A file that totals can't go to is told under the variable's name, with its path."""
    path = tmp_path / name
    spoil(path)
    (fault,) = check_counts_file(path)
    assert fault.place == "REFERRAL_LINE_COUNTS_FILE"
    assert fault.text.startswith(text)
    assert fault.text.endswith(f"(is {str(path)!r})")


def run(*arguments: str, **environ: str) -> Result:
    """Run ``stats`` in this process."""
    return CliRunner().invoke(stats, arguments, env=environ)


def write(file: Path, day: str, **kinds: dict[str, int]) -> None:
    """Append a line."""
    with file.open("a", encoding="utf-8") as out:
        out.write(json.dumps({"day": day, **EMPTY, **kinds}) + "\n")


@pytest.mark.parametrize(
    ("by", "periods"),
    [
        ("day", ["2024-12-31", "2025-01-01", "2025-01-02"]),
        ("month", ["2024-12", "2025-01"]),
        ("year", ["2024", "2025"]),
    ],
)
def test_days_are_summed_by_period(file: Path, by: str, periods: list[str]) -> None:
    """``--by`` sums days, months or years, in order."""
    for day in ("2025-01-02", "2024-12-31", "2025-01-01"):
        write(file, day, conversations={"voice": 6})
    found = json.loads(run(str(file), "--by", by, "--json").stdout)
    assert [row["period"] for row in found] == periods
    assert sum(row["conversations"]["voice"] for row in found) == 18


def test_table_names_what_reaches_five(file: Path) -> None:
    """The table has names and numbers, and one row for all others; the whole of it is this."""
    write(
        file,
        "2025-01-02",
        conversations={"sms": 12, "voice": 4},
        languages={"pl": 5, "en": 10, "cy": 1},
        services={"samaritans": 16, "closed-since": 7},
    )
    write(file, "2025-02-03", conversations={"sms": 4})
    result = run(str(file))
    assert result.stderr == ""
    assert result.exit_code == 0
    assert result.stdout == (
        "2025-01\n"
        "  conversations\n"
        "    by text       12\n"
        "    each other: fewer than 5\n"
        "  languages\n"
        "    English (en)       10\n"
        "    Polish (pl)         5\n"
        "    each other: fewer than 5\n"
        "  services\n"
        "    Samaritans         16\n"
        "    closed-since        7\n"
        "    each other: fewer than 5\n"
        "\n"
        "each other month: fewer than 5 of everything\n"
    )


def test_json_lists_every_language_service_and_channel(file: Path) -> None:
    """A program finds each of them with a number or "fewer than 5", whatever the file has."""
    write(file, "2025-01-02", languages={"pl": 5})
    (row,) = json.loads(run(str(file), "--json").stdout)
    assert row["conversations"] == {"sms": FEWER, "voice": FEWER}
    assert row["languages"] == {**dict.fromkeys(known_languages(), FEWER), "pl": 5}
    assert row["services"] == dict.fromkeys(load_directory().services, FEWER)
    assert row["is_over"] is True


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["table", "json"])
@pytest.mark.parametrize(
    "few",
    [
        {"languages": {"cy": 3}},
        {"languages": {"removed": 4}},
        {"services": {"shout": 1, "removed": 4}},
        {"conversations": {"voice": 4}},
    ],
    ids=["language", "unknown-language", "service", "channel"],
)
def test_few_and_none_look_alike(
    tmp_path: Path, few: dict[str, dict[str, int]], form: tuple[str, ...]
) -> None:
    """Whether there was nobody or somebody can't be told, neither of a day nor within one."""
    none, some = tmp_path / "none", tmp_path / "some"
    for file in (none, some):
        write(file, "2025-01-02", conversations={"sms": 9})
    for day in ("2025-01-01", "2025-01-02", "2025-01-03"):
        write(some, day, **few)
    told = run(str(none), *form, "--by", "day").stdout
    assert "2025-01-02" in told
    assert run(str(some), *form, "--by", "day").stdout == told


def test_period_that_is_not_over_is_marked(file: Path) -> None:
    """A number that still grows would tell of single days: it is shown with a warning."""
    write(file, "2999-01-02", conversations={"sms": 9})
    assert run(str(file)).stdout.startswith("2999-01 (not over; don't give it out yet)\n")
    assert json.loads(run(str(file), "--json").stdout)[0]["is_over"] is False


def test_empty_file_tells_nothing(file: Path) -> None:
    """Before the first day is over there is nothing to tell, and no fault."""
    file.touch()
    assert run(str(file)).stdout == "each other month: fewer than 5 of everything\n"
    assert json.loads(run(str(file), "--json").stdout) == []


def test_file_comes_from_the_environment(file: Path) -> None:
    """Without an argument the file of the setting is read."""
    write(file, "2025-01-02", conversations={"sms": 9})
    assert "by text" in run(REFERRAL_LINE_COUNTS_FILE=str(file)).stdout


def test_faulty_line_is_told_and_the_rest_summed(file: Path) -> None:
    """A line that can't be read goes to stderr with exit code 1; stdout has the others."""
    file.write_text("{\n", encoding="utf-8")
    write(file, "2025-01-02", conversations={"sms": 9})
    result = run(str(file))
    assert result.exit_code == 1
    assert result.stderr.startswith(f"{file}:1: error: totals: Invalid JSON")
    assert "by text" in result.stdout


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("", "is not set; set it, or give the file: referral-line stats FILE"),
        ("/nowhere/totals", "is no file that can be read"),
        ("/", "is no file that can be read"),
    ],
    ids=["unset", "gone", "folder"],
)
def test_no_file_is_wrong_use(value: str, text: str) -> None:
    """Without a file it is said how to name one."""
    result = run(REFERRAL_LINE_COUNTS_FILE=value)
    assert isinstance(result.exception, SettingsError)
    (fault,) = result.exception.faults
    assert fault.place == "REFERRAL_LINE_COUNTS_FILE"
    assert fault.text.startswith(text)


def test_argument_that_is_no_file_is_wrong_use(tmp_path: Path) -> None:
    """A file that isn't there, and a folder, are told as wrong arguments."""
    for path in (tmp_path / "gone", tmp_path):
        result = run(str(path))
        assert result.exit_code == 2
        assert str(path) in result.stderr


def test_log_has_no_total(counts: Counts, file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Counting and writing say nothing in the log while all is well."""
    caplog.set_level(logging.DEBUG)
    counts.conversation("sms")
    counts.language("pl")
    counts.close()
    assert file.exists()
    assert caplog.records == []
