"""Daily totals: how many were helped, and nothing that says who.

A total that grows while somebody writes could be laid beside a phone company's records. So totals
stay in memory until the day is over or the process ends, each stands by itself, and none is broken
down by another. Then they become one line of a file, the process' share of that day::

    {"day":"2026-11-24","conversations":{"sms":31},"languages":{"en":29,"pl":2},"services":{…}}
"""

import errno
import logging
import os
import stat
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from referral_line.errors import Fault, FaultsFound

FLOOR = 5
"""A smaller number than this could be somebody: it is neither given out nor acted upon."""

LOCK_SECONDS = 1.0
LOCK_TRIES = 20
"""How long, and how often, the file is tried that another process is appending to."""

_SETTING = "REFERRAL_LINE_COUNTS_FILE"
_LINE_END = b"\n"

_log = logging.getLogger(__name__)


class Period(StrEnum):
    """What totals are summed over."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"

    def of(self, day: date) -> str:
        """Return the period that a day is in; periods sort as they follow each other.

        >>> Period.MONTH.of(date(2026, 11, 24))
        '2026-11'
        """
        parts = {Period.DAY: 3, Period.MONTH: 2, Period.YEAR: 1}[self]
        return "-".join(day.isoformat().split("-")[:parts])


@dataclass(frozen=True, slots=True)
class Totals:
    """How many, each by itself: a total by language knows nothing of channels."""

    conversations: Counter[str] = field(default_factory=Counter)
    """By channel."""
    languages: Counter[str] = field(default_factory=Counter)
    """By language tag."""
    services: Counter[str] = field(default_factory=Counter)
    """By service id."""

    def __add__(self, other: Self) -> "Totals":
        """Sum the totals of two processes, or of two days."""
        return Totals(
            self.conversations + other.conversations,
            self.languages + other.languages,
            self.services + other.services,
        )

    def __bool__(self) -> bool:
        """Whether anything was counted."""
        return bool(self.conversations or self.languages or self.services)


_Numbers = dict[str, Annotated[int, Field(ge=0)]]


class _Line(BaseModel):
    """A line of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    day: date
    conversations: _Numbers
    languages: _Numbers
    services: _Numbers


def _write_line(day: date, totals: Totals) -> bytes:
    # In the order of names: in the order of counting, it would say what was asked for first.
    line = _Line(
        day=day,
        conversations=dict(sorted(totals.conversations.items())),
        languages=dict(sorted(totals.languages.items())),
        services=dict(sorted(totals.services.items())),
    )
    return line.model_dump_json().encode() + _LINE_END


class Counts:
    """Counts in memory, and writes a day once it is over.

    Counting never touches the disk, so that a disk that hangs keeps no caller waiting: ``tick``
    and ``close`` do. They may run in another thread than the one that counts.
    """

    def __init__(self, file: Path | None, today: Callable[[], date]) -> None:
        """Begin at nought.

        Args:
            file: Where finished days are appended; without one they are dropped.
            today: The date, as ``date.today``; an argument, so that a day can pass in a test.
        """
        self._file = file
        self._today = today
        self._day = today()
        self._totals = Totals()
        self._finished: list[bytes] = []
        self._has_failed = False
        self._counting = Lock()
        """Held for an addition, never while a file is written."""
        self._writing = Lock()

    def conversation(self, channel: str) -> None:
        """Count a conversation, by text or by call, when it begins."""
        with self._counting:
            self._turn_page()
            self._totals.conversations[str(channel)] += 1

    def language(self, tag: str) -> None:
        """Count a conversation that goes on in a language, once for each that it goes on in."""
        with self._counting:
            self._turn_page()
            self._totals.languages[tag] += 1

    def signposted(self, service_ids: Iterable[str]) -> None:
        """Count each service that a reply has named."""
        with self._counting:
            self._turn_page()
            self._totals.services.update(service_ids)

    def is_common(self, tag: str) -> bool:
        """Whether ``FLOOR`` conversations or more were in a language today, in this process.

        A language that is named in a log line beside a time must not single anyone out.
        """
        with self._counting:
            self._turn_page()
            return self._totals.languages[tag] >= FLOOR

    def tick(self) -> None:
        """Write the days that are over; to be called every minute or so. Never raises."""
        with self._counting:
            self._turn_page()
        self._write()

    def close(self) -> None:
        """Write what there is, since the process ends. Never raises."""
        with self._counting:
            self._set_aside()
        self._write()
        with self._counting:
            if self._finished:
                _log.error("daily totals could not be written before the end: they are lost")

    def _turn_page(self) -> None:
        """Set a day aside that is over; the caller holds ``_counting``."""
        today = self._today()
        if today != self._day:
            self._set_aside()
            self._day = today

    def _set_aside(self) -> None:
        if self._totals and self._file is not None:
            self._finished.append(_write_line(self._day, self._totals))
        self._totals = Totals()

    def _write(self) -> None:
        with self._writing:
            with self._counting:
                waiting, self._finished = self._finished, []
            if self._file is None or not waiting:
                return
            try:
                _append(self._file, b"".join(waiting))
            except OSError as error:
                with self._counting:
                    self._finished[:0] = waiting
                if not self._has_failed:
                    _log.error(
                        "daily totals can't be written: they are kept and tried again",
                        extra={"error": type(error).__name__},
                    )
                self._has_failed = True
            else:
                if self._has_failed:
                    _log.warning("daily totals are written again")
                self._has_failed = False


def _open(file: Path) -> int:
    return os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)


def _append(file: Path, lines: bytes) -> None:
    """Append lines, all of them or none. Raises ``OSError``."""
    descriptor = _open(file)
    try:
        # Other processes append too, and what a full disk has torn is taken back below.
        _lock(descriptor)
        end = os.fstat(descriptor).st_size
        if end and os.pread(descriptor, 1, end - 1) != _LINE_END:
            lines = _LINE_END + lines  # somebody's last line is torn; ours must not end it
        try:
            _write_at_once(descriptor, lines)
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, end)
            raise
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    """Take the file for ourselves; who holds it for longer than a moment is not waited for."""
    for _ in range(LOCK_TRIES):
        try:
            os.lockf(descriptor, os.F_TLOCK, 0)
        except BlockingIOError:
            time.sleep(LOCK_SECONDS / LOCK_TRIES)
        else:
            return
    raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))


def _write_at_once(descriptor: int, lines: bytes) -> None:
    if os.write(descriptor, lines) < len(lines):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def check_counts_file(path: Path, *, may_create: bool = True) -> list[Fault]:
    """Return why totals could not be written to a file.

    Args:
        path: The file. An empty one is made if there is none,
        may_create: unless another user than the one who will write it asks.
    """
    if not may_create and not path.exists() and path.parent.is_dir():
        return []
    try:
        descriptor = _open(path)
    except OSError as error:
        remedy = "name a file in a folder that exists and that this process may write to"
        return [_unfit(path, f"can't be written to ({error.strerror}); {remedy}")]
    try:
        mode = os.fstat(descriptor).st_mode
    finally:
        os.close(descriptor)
    if not stat.S_ISREG(mode):
        return [_unfit(path, "is no regular file; name one")]
    if mode & stat.S_IROTH:
        return [_unfit(path, "can be read by everyone on this machine; chmod it to 600")]
    return []


def _unfit(path: Path, text: str) -> Fault:
    return Fault("environment", None, _SETTING, f"{text} (is {str(path)!r})")


def read_counts(path: Path, by: Period) -> tuple[dict[str, Totals], list[Fault]]:
    """Sum the lines of a file over processes, and over the days of each period.

    Returns:
        The totals of each period that has a line, in order; and a fault for each line that can't
        be read, with its number: the others are summed.

    Raises:
        FaultsFound: the file can't be read.
    """
    try:
        rows = path.read_bytes().split(_LINE_END)
    except OSError as error:
        text = f"can't be read ({error.strerror}); name the file that totals are appended to"
        raise FaultsFound([Fault(str(path), None, "totals", text)]) from error
    found: dict[str, Totals] = {}
    faults = []
    for number, row in enumerate(rows, start=1):
        if not row.strip():
            continue
        try:
            line = _Line.model_validate_json(row)
        except ValidationError as error:
            faults.append(Fault(str(path), number, "totals", _explain(error)))
            continue
        period = by.of(line.day)
        found[period] = found.get(period, Totals()) + Totals(
            Counter(line.conversations), Counter(line.languages), Counter(line.services)
        )
    return dict(sorted(found.items())), faults


def _explain(error: ValidationError) -> str:
    """Say what is wrong with a line, without its numbers."""
    wrong = [
        f"{'.'.join(map(str, item['loc']))}: {item['msg']}" if item["loc"] else item["msg"]
        for item in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    return f"{'; '.join(wrong)}. This line is left out; mend it or delete it"
