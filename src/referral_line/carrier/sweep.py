"""Old records of texts and calls leave the carrier: found anew each time, deleted, only counted.

Nothing is kept between two runs, so that no list of records has to be guarded, and a run that
breaks off is resumed by the next one. A record's id lives as long as the run, and is never shown.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import takewhile
from typing import Any, Final

from referral_line.carrier.api import (
    GONE,
    Api,
    CarrierRefusedError,
    Outcome,
    carrier_errors,
    delete,
)
from referral_line.errors import CarrierError

PAGE_SIZE: Final = 1000
"""The most that the API puts on one page."""

STEP: Final = 100
"""How many records are deleted between two words of progress."""

LONGEST_TO_FINISH: Final = timedelta(days=14)
"""How long the carrier may take to finish a record (twilio.com/docs/errors/20009)."""

_WORKERS = 4
_PATIENCE = 8
"""So many refusals of one kind in a row, and its rest waits: it is not one record's matter."""


class Kind(StrEnum):
    """What is swept. Files belong to messages: pictures that callers sent."""

    MESSAGES = "messages"
    MEDIA = "files"
    CALLS = "calls"


_ENDED: Final = {
    Kind.MESSAGES: frozenset(
        {
            *("delivered", "undelivered", "partially_delivered", "sent", "received"),
            *("failed", "canceled", "read"),
        }
    ),
    Kind.CALLS: frozenset({"completed", "busy", "failed", "no-answer", "canceled"}),
}
"""The statuses after which a record can be deleted (the API's description of both resources)."""


_SENDER: Final = {Kind.MESSAGES: "from_", Kind.CALLS: "_from"}
"""The library's name of "from", which is different for each."""


class Reason(StrEnum):
    """Why a record is still there."""

    YOUNG = "too young"
    NOT_FINISHED = "not finished"
    STUCK = "never finished"
    UNDATED = "without date"
    REFUSED = "refused"
    NOT_REACHED = "not reached"


@dataclass(frozen=True, slots=True)
class Record:
    """A message or a call. ``age`` is unknown where the carrier gave no date."""

    kind: Kind
    sid: str = field(repr=False)
    age: timedelta | None
    has_media: bool


@dataclass(frozen=True, slots=True)
class Left:
    """Where a record that stays is counted: how old it may be at most, and why it is there."""

    up_to: timedelta | None
    """The upper end of its class of age; none for what is older than the last, or undated."""
    reason: Reason


@dataclass(frozen=True, slots=True)
class Backlog:
    """What the carrier holds of the line: the records to delete, and how many stay."""

    due: tuple[Record, ...]
    left: Counter[Left]
    older_than: timedelta
    number: str = field(repr=False)
    now: datetime

    def count(self, kind: Kind) -> int:
        """Return how many records of a kind are to be deleted."""
        return sum(record.kind is kind for record in self.due)


@dataclass(frozen=True, slots=True)
class Report:
    """What a sweep did. ``codes`` counts the carrier's codes of what it refused."""

    deleted: Counter[Kind]
    left: Counter[Left]
    codes: Counter[int]
    fault: CarrierError | None

    @property
    def is_clean(self) -> bool:
        """Whether nothing stays but what time will deal with."""
        reasons = {left.reason for left in self.left}
        waiting = {Reason.YOUNG, Reason.NOT_FINISHED}
        return self.fault is None and reasons <= waiting


def age_classes(older_than: timedelta) -> tuple[timedelta, ...]:
    """Return the upper ends of the classes that records are counted in.

    >>> [str(end) for end in age_classes(timedelta(minutes=60))]
    ['1:00:00', '1 day, 0:00:00', '7 days, 0:00:00', '30 days, 0:00:00']
    """
    days = (timedelta(days=number) for number in (1, 7, 30))
    return (older_than, *(end for end in days if end > older_than))


def _class_of(age: timedelta | None, older_than: timedelta) -> timedelta | None:
    if age is None:
        return None
    return next((end for end in age_classes(older_than) if age < end), None)


def _never() -> bool:
    return False


def find_records(
    api: Api,
    number: str,
    older_than: timedelta,
    now: datetime,
    is_stopped: Callable[[], bool] = _never,
) -> Backlog:
    """Look through all records of the line's number, and sort out which are to be deleted.

    Args:
        api: The account's API.
        number: The line's own number, such as ``+447700900123``; nothing of others is looked at.
        older_than: Younger records stay.
        now: The time, with its zone.
        is_stopped: Whether to end early, with what was found so far.

    Raises:
        CarrierError: the carrier failed; nothing was deleted.
    """
    due: list[Record] = []
    left: Counter[Left] = Counter()
    for kind in _ENDED:
        seen: set[str] = set()
        for listed in takewhile(lambda _: not is_stopped(), _list(api, kind, number)):
            with carrier_errors():
                record = _read(kind, listed, now)
                status = listed.status
            if record.sid in seen:  # a message of the line to itself is in both lists
                continue
            seen.add(record.sid)
            if (reason := _why_left(record, status, older_than)) is None:
                due.append(record)
            else:
                left[Left(_class_of(record.age, older_than), reason)] += 1
    return Backlog(tuple(due), left, older_than, number, now)


def _list(api: Api, kind: Kind, number: str) -> Iterator[Any]:
    """Give every record to or from the number, and no other, whatever the carrier lists."""
    for direction in ("to", "from_"):
        with carrier_errors():
            resource = api.records.messages if kind is Kind.MESSAGES else api.records.calls
            stream = resource.stream(**{direction: number}, page_size=PAGE_SIZE)
        for record in _guarded(stream):
            if number in {record.to, getattr(record, _SENDER[kind])}:
                yield record


def _guarded(stream: Iterable[Any]) -> Iterator[Any]:
    """Give what the library reads page by page; its failures only, not those of who looks at it."""
    pages = iter(stream)
    while True:
        with carrier_errors():
            try:
                record = next(pages)
            except StopIteration:
                return
        yield record


def _read(kind: Kind, listed: Any, now: datetime) -> Record:  # noqa: ANN401 - the library's own
    """Take what is needed: of the caller's number and words, nothing."""
    second = "date_sent" if kind is Kind.MESSAGES else "start_time"
    date = listed.date_created or getattr(listed, second)
    # Whatever is not plainly none is looked for: no odd record may keep the others from going.
    has_media = kind is Kind.MESSAGES and str(listed.num_media) != "0"
    return Record(kind, listed.sid, now - date if date else None, has_media)


def _why_left(record: Record, status: str, older_than: timedelta) -> Reason | None:
    if record.age is None:
        return Reason.UNDATED
    if record.age < older_than:
        return Reason.YOUNG
    return None if status.lower() in _ENDED[record.kind] else _unfinished(record)


def _unfinished(record: Record) -> Reason:
    is_stuck = record.age is not None and record.age >= LONGEST_TO_FINISH
    return Reason.STUCK if is_stuck else Reason.NOT_FINISHED


def delete_records(
    api: Api,
    backlog: Backlog,
    *,
    is_stopped: Callable[[], bool] = _never,
    tell: Callable[[int], None] = lambda _: None,
) -> Report:
    """Delete what is due, oldest first, each message after its files.

    A record that the carrier refuses to delete stays, and the others go on. A failure that the next
    one would meet too ends the sweep; what was deleted until then stays deleted, and is counted.
    Whatever was "already gone" is looked for once more, since not every 404 tells the truth.

    Args:
        api: The account's API.
        backlog: What ``find_records`` found.
        is_stopped: Asked before each deletion; once true, the rest is left.
        tell: Given how many records were dealt with, after every ``STEP`` of them.
    """
    work = _Work(api, is_stopped)
    ordered = sorted(backlog.due, key=lambda record: record.age or timedelta(), reverse=True)
    deleted: Counter[Kind] = Counter()
    left = Counter(backlog.left)
    codes: Counter[int] = Counter()
    gone: set[str] = set()
    with ThreadPoolExecutor(_WORKERS) as pool:
        for start in range(0, len(ordered), STEP):
            step = ordered[start : start + STEP]
            is_over = work.is_over
            for record, done in zip(step, pool.map(work.delete, step), strict=True):
                deleted[Kind.MEDIA] += done.media
                if done.code is not None:
                    codes[done.code] += 1
                if done.reason is None:
                    deleted[record.kind] += 1
                    if done.is_gone:
                        gone.add(record.sid)
                else:
                    left[Left(_class_of(record.age, backlog.older_than), done.reason)] += 1
            if len(step) == STEP and not is_over:
                tell(start + STEP)
    fault = work.fault
    if gone and fault is None and not is_stopped():
        still_there, fault = _look_again(api, backlog, gone)
        for record in still_there:
            deleted[record.kind] -= 1
            left[Left(_class_of(record.age, backlog.older_than), Reason.REFUSED)] += 1
    return Report(+deleted, left, codes, fault or work.gave_up())


def _look_again(
    api: Api, backlog: Backlog, gone: set[str]
) -> tuple[list[Record], CarrierError | None]:
    """Return the records that were said to be gone and are listed all the same."""
    try:
        again = find_records(api, backlog.number, backlog.older_than, backlog.now)
    except CarrierError as error:
        return [], error
    return [record for record in again.due if record.sid in gone], None


@dataclass(frozen=True, slots=True)
class _Done:
    """What became of one record: why it is still there, if it is; the files deleted with it."""

    reason: Reason | None
    media: int = 0
    code: int | None = None
    is_gone: bool = False


_REASONS: Final = {
    Outcome.DELETED: None,
    Outcome.GONE: None,
    Outcome.NOT_FINISHED: Reason.NOT_FINISHED,
    Outcome.REFUSED: Reason.REFUSED,
}


class _Work:
    """Deletes records, several at a time, until something fails that would fail again."""

    def __init__(self, api: Api, is_stopped: Callable[[], bool]) -> None:
        self._api = api
        self._is_stopped = is_stopped
        self._lock = threading.Lock()
        self._refused: Counter[Kind] = Counter()
        """Refusals of each kind, one after the other."""
        self.fault: CarrierError | None = None

    def delete(self, record: Record) -> _Done:
        """Delete one record and what hangs on it, if the work still goes on."""
        media = 0
        is_gone = False
        try:
            for resource in self._parts(record):
                if self.is_over or self._refused[record.kind] >= _PATIENCE:
                    return _Done(Reason.NOT_REACHED, media)
                outcome, code = delete(resource)
                self._note(record.kind, outcome)
                if (reason := _REASONS[outcome]) is not None:
                    if reason is Reason.NOT_FINISHED:
                        reason = _unfinished(record)
                    return _Done(reason, media, code)
                media += 1
                is_gone = outcome is Outcome.GONE
        except CarrierRefusedError as refused:
            if not refused.is_general:  # a list of files that can't be had is this record's matter
                self._note(record.kind, Outcome.REFUSED)
                return _Done(Reason.REFUSED, media, refused.code)
            return self._end(refused, media)
        except CarrierError as error:
            return self._end(error, media)
        return _Done(None, media - 1, is_gone=is_gone)

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be deleted."""
        return self.fault is not None or self._is_stopped()

    def gave_up(self) -> CarrierError | None:
        """Return why a kind of record was given up, if one was."""
        kinds = [kind for kind in self._refused if self._refused[kind] >= _PATIENCE]
        if not kinds:
            return None
        text = (
            f"the carrier refused the last {_PATIENCE} {' and '.join(kinds)} one after the other; "
            "may the API key delete them? docs/sweeping.md lists what it needs"
        )
        return CarrierError(text)

    def _note(self, kind: Kind, outcome: Outcome) -> None:
        with self._lock:
            self._refused[kind] = self._refused[kind] + 1 if outcome is Outcome.REFUSED else 0

    def _end(self, error: CarrierError, media: int) -> _Done:
        with self._lock:
            self.fault = self.fault or error
        return _Done(Reason.NOT_REACHED, media)

    def _parts(self, record: Record) -> Iterator[Any]:
        """Give what is to be deleted for a record, itself last.

        Not every carrier deletes a message's files with it, and without the message nobody would
        find them again.
        """
        with carrier_errors():
            records = self._api.records
            if record.kind is Kind.CALLS:
                resource = records.calls(record.sid)
            else:
                resource = records.messages(record.sid)
        if record.has_media and not self.is_over:
            for file in _files(resource):
                with carrier_errors():
                    part = resource.media(file)
                yield part
        yield resource


def _files(message: Any) -> list[str]:  # noqa: ANN401 - the library has no types
    """Return the ids of a message's files; none if the message is gone meanwhile."""
    try:
        with carrier_errors():
            return [str(file.sid) for file in message.media.list(page_size=PAGE_SIZE)]
    except CarrierRefusedError as refused:
        if refused.status == GONE:
            return []
        raise
