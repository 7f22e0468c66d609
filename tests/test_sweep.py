"""Sweeping: what of the line's records goes at the carrier, what stays, and what is told."""

import os
import pty
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner, Result

from carrier_api import HTML, Answer, CarrierApi, Closed, Slow, refusal
from referral_line.carrier.api import RETRY, Api, connect
from referral_line.carrier.sweep import (
    STEP,
    Backlog,
    Kind,
    Left,
    Reason,
    Report,
    age_classes,
    delete_records,
    find_records,
)
from referral_line.cli.commands import line as commands
from referral_line.cli.sweeping import Round, run_rounds
from referral_line.errors import CarrierError
from referral_line.settings import load_settings

LINE = "+447700900999"
CALLER = "+447700900123"
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ALWAYS = 999
QUICK = RETRY.new(backoff_factor=0, backoff_jitter=0, retry_after_max=0)


@pytest.fixture
def carrier() -> Iterator[CarrierApi]:
    """An account with the line's number and another one."""
    with CarrierApi() as api:
        api.add_number(LINE)
        yield api


def open_api(carrier: CarrierApi) -> Api:
    """Return the account's API, with no waits between tries."""
    return connect(load_settings(carrier.environ), retry=QUICK)


def find(carrier: CarrierApi, older_than: timedelta = HOUR) -> Backlog:
    """Look at the carrier at three in the morning."""
    return find_records(open_api(carrier), LINE, older_than, NOW)


def swept(carrier: CarrierApi) -> Report:
    """Sweep at three in the morning."""
    return delete_records(open_api(carrier), find(carrier))


def run(carrier: CarrierApi, *arguments: str, given: str | None = None, **environ: str) -> Result:
    """Run ``sweep``; whatever it prints tells nothing of anyone."""
    known = {**carrier.environ, **environ}
    result = CliRunner().invoke(commands, ["sweep", *arguments], input=given, env=known)
    assert not carrier.leaks(result.output)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def fill(carrier: CarrierApi, now: datetime) -> None:
    """Add two texts and a call that are over, and one of each that is too young."""
    carrier.add_message(LINE, CALLER, now - 2 * HOUR)
    carrier.add_message(
        CALLER, LINE, now - 2 * HOUR, status="delivered", direction="outbound-reply"
    )
    carrier.add_call(LINE, CALLER, now - 2 * HOUR)
    carrier.add_message(LINE, CALLER, now)
    carrier.add_call(LINE, CALLER, now)


def test_ended_records_go_and_the_young_stay(carrier: CarrierApi) -> None:
    """What is over and old enough goes, in both directions; an hour-old limit is a limit."""
    fill(carrier, NOW)
    carrier.add_message(LINE, CALLER, NOW - HOUR)
    carrier.add_message(LINE, CALLER, NOW - HOUR + timedelta(seconds=1))
    report = swept(carrier)
    assert report.deleted == {Kind.MESSAGES: 3, Kind.CALLS: 1}
    assert report.left == {Left(HOUR, Reason.YOUNG): 3}
    assert report.is_clean
    assert len(carrier.messages) == 2
    assert len(carrier.calls) == 1


@pytest.mark.parametrize(
    ("status", "is_over"),
    [
        *[
            (status, True)
            for status in ("delivered", "undelivered", "sent", "received", "failed", "canceled")
        ],
        ("read", True),
        ("partially_delivered", True),
        *[
            (status, False)
            for status in ("queued", "sending", "receiving", "accepted", "scheduled")
        ],
    ],
)
def test_statuses_of_messages(carrier: CarrierApi, status: str, *, is_over: bool) -> None:
    """A message goes once it has ended, however it ended."""
    carrier.add_message(CALLER, LINE, NOW - 2 * HOUR, status=status)
    report = swept(carrier)
    assert carrier.messages == ([] if is_over else carrier.messages)
    assert report.deleted.total() == is_over
    assert report.left == ({} if is_over else {Left(DAY, Reason.NOT_FINISHED): 1})


@pytest.mark.parametrize(
    ("status", "is_over"),
    [
        *[(status, True) for status in ("completed", "busy", "failed", "no-answer", "canceled")],
        *[(status, False) for status in ("queued", "ringing", "in-progress")],
    ],
)
def test_statuses_of_calls(carrier: CarrierApi, status: str, *, is_over: bool) -> None:
    """A call goes once it has ended, never while someone speaks."""
    carrier.add_call(LINE, CALLER, NOW - 2 * HOUR, status=status)
    assert swept(carrier).deleted.total() == is_over
    assert len(carrier.calls) == 1 - is_over


@pytest.mark.parametrize("heeds_filters", [True, False])
def test_other_numbers_are_not_touched(carrier: CarrierApi, *, heeds_filters: bool) -> None:
    """Another number's records stay, even where a carrier ignores the filter and lists them."""
    carrier.filters = heeds_filters
    carrier.add_message("+447700900998", CALLER, NOW - DAY)
    carrier.add_message(LINE + "1", CALLER, NOW - DAY)
    carrier.add_message(f"whatsapp:{LINE}", CALLER, NOW - DAY)
    carrier.add_call("+447700900998", CALLER, NOW - DAY)
    carrier.add_call(LINE, CALLER, NOW - DAY)
    report = swept(carrier)
    assert report.deleted == {Kind.CALLS: 1}
    assert report.left == {}
    assert len(carrier.messages) == 3
    assert len(carrier.calls) == 1
    assert carrier.counted("DELETE") == 1


def test_every_page_is_read(carrier: CarrierApi) -> None:
    """Records beyond the first page are found and deleted."""
    carrier.page_size = 4
    for _ in range(11):
        carrier.add_message(LINE, CALLER, NOW - DAY)
        carrier.add_call(CALLER, LINE, NOW - DAY)
    assert swept(carrier).deleted == {Kind.MESSAGES: 11, Kind.CALLS: 11}
    assert carrier.counted("GET", "/Messages.json") == 3 + 1
    assert carrier.messages == carrier.calls == []


def test_message_of_the_line_to_itself_counts_once(carrier: CarrierApi) -> None:
    """A record in both lists is deleted once."""
    carrier.add_message(LINE, LINE, NOW - DAY)
    assert swept(carrier).deleted == {Kind.MESSAGES: 1}
    assert carrier.counted("DELETE") == 1


def test_files_go_before_their_message(carrier: CarrierApi) -> None:
    """A picture that a caller sent is deleted first: not every carrier deletes it with the text."""
    carrier.add_message(LINE, CALLER, NOW - DAY, files=2)
    report = swept(carrier)
    assert report.deleted == {Kind.MESSAGES: 1, Kind.MEDIA: 2}
    deletions = [path for method, path in carrier.requests if method == "DELETE"]
    assert ["/Media/" in path for path in deletions] == [True, True, False]
    assert list(carrier.media.values()) == [[]]


def test_odd_record_keeps_no_other_from_going(carrier: CarrierApi) -> None:
    """A count of files that is no number is looked into, and the sweep goes on."""
    carrier.add_message(LINE, CALLER, NOW - 3 * HOUR, num_media="some")
    carrier.add_message(LINE, CALLER, NOW - 2 * HOUR)
    assert swept(carrier).deleted == Counter({Kind.MESSAGES: 2})


def test_message_stays_until_its_files_are_gone(carrier: CarrierApi) -> None:
    """Without the message nobody would find its files again."""
    carrier.add_message(LINE, CALLER, NOW - DAY, files=2)
    carrier.fail(refusal(409, 20009), method="DELETE", path="/Media/")
    report = swept(carrier)
    assert report.left == {Left(7 * DAY, Reason.NOT_FINISHED): 1}
    assert len(carrier.messages) == 1
    assert swept(carrier).deleted == {Kind.MESSAGES: 1, Kind.MEDIA: 2}


def test_message_that_went_while_its_files_were_listed(carrier: CarrierApi) -> None:
    """Somebody else may delete too; the message counts as gone."""
    carrier.add_message(LINE, CALLER, NOW - DAY, files=1)
    backlog = find(carrier)
    carrier.messages.clear()
    report = delete_records(open_api(carrier), backlog)
    assert report.deleted == {Kind.MESSAGES: 1}
    assert report.is_clean


def test_fault_while_files_are_listed(carrier: CarrierApi) -> None:
    """The message stays with its files, and the others go."""
    carrier.add_message(LINE, CALLER, NOW - DAY, files=1)
    carrier.add_message(LINE, CALLER, NOW - DAY)
    carrier.fail(refusal(500, 20500), path="/Media", times=ALWAYS)
    report = swept(carrier)
    assert report.left == {Left(7 * DAY, Reason.REFUSED): 1}
    assert report.deleted == {Kind.MESSAGES: 1}
    assert len(carrier.messages) == 1


def test_credentials_that_end_while_files_are_listed(carrier: CarrierApi) -> None:
    """That would fail for all others too, and ends the sweep."""
    carrier.add_message(LINE, CALLER, NOW - DAY, files=1)
    carrier.fail(refusal(401, 20003), path="/Media", times=ALWAYS)
    report = swept(carrier)
    assert report.left == {Left(7 * DAY, Reason.NOT_REACHED): 1}
    assert "refused the credentials" in str(report.fault)


@pytest.mark.parametrize("status", [403, 500])
def test_one_record_that_is_refused_keeps_no_other(carrier: CarrierApi, status: int) -> None:
    """It stays, it is told, and everything younger than it goes."""
    oldest = carrier.add_message(LINE, CALLER, NOW - 9 * DAY)
    for age in range(1, 30):
        carrier.add_message(LINE, CALLER, NOW - 2 * HOUR * age)
        carrier.add_call(LINE, CALLER, NOW - 2 * HOUR * age)
    carrier.fail(refusal(status, 20999), method="DELETE", path=oldest["sid"], times=ALWAYS)
    report = swept(carrier)
    assert report.deleted == {Kind.MESSAGES: 29, Kind.CALLS: 29}
    assert report.left == {Left(30 * DAY, Reason.REFUSED): 1}
    assert report.codes == {20999: 1}
    assert not report.is_clean


def test_kind_that_is_refused_throughout_is_given_up(carrier: CarrierApi) -> None:
    """Eight refusals of texts one after the other: the rest of them waits, the calls go."""
    for age in range(1, 40):
        carrier.add_message(LINE, CALLER, NOW - 2 * HOUR * age)
        carrier.add_call(LINE, CALLER, NOW - 2 * HOUR * age)
    carrier.fail(refusal(403, 70051), method="DELETE", path="/Messages/", times=ALWAYS)
    report = swept(carrier)
    assert report.deleted == {Kind.CALLS: 39}
    reasons = Counter({left.reason: 0 for left in report.left})
    for left, number in report.left.items():
        reasons[left.reason] += number
    assert 8 <= reasons[Reason.REFUSED] < 16
    assert reasons.total() == 39
    assert "messages one after the other" in str(report.fault)


def test_gone_that_is_still_listed_is_not_gone(carrier: CarrierApi) -> None:
    """A gateway may answer 404 to every deletion: nobody is told that anything was erased."""
    carrier.add_message(LINE, CALLER, NOW - 2 * HOUR)
    carrier.add_call(LINE, CALLER, NOW - 2 * HOUR)
    carrier.fail(refusal(404, 20404), method="DELETE", times=ALWAYS)
    report = swept(carrier)
    assert report.deleted.total() == 0
    assert report.left == {Left(DAY, Reason.REFUSED): 2}
    assert not report.is_clean


def test_gone_is_looked_for_though_others_are_refused(carrier: CarrierApi) -> None:
    """That the calls are given up is no reason to believe what is said of the texts."""
    carrier.add_message(LINE, CALLER, NOW - 2 * HOUR)
    for age in range(1, 20):
        carrier.add_call(LINE, CALLER, NOW - 2 * HOUR * age)
    carrier.fail(refusal(404, 20404), method="DELETE", path="/Messages/", times=ALWAYS)
    carrier.fail(refusal(403, 70051), method="DELETE", path="/Calls/", times=ALWAYS)
    report = swept(carrier)
    assert report.deleted.total() == 0
    assert report.left.total() == 20
    assert "calls one after the other" in str(report.fault)


def test_fault_while_it_is_looked_again_loses_no_count(carrier: CarrierApi) -> None:
    """What was deleted is told, and that the carrier failed then."""
    carrier.add_message(LINE, CALLER, NOW - 2 * HOUR)
    backlog = find(carrier)
    carrier.fail(refusal(404, 20404), method="DELETE")
    carrier.fail(refusal(401, 20003), method="GET", times=ALWAYS)
    report = delete_records(open_api(carrier), backlog)
    assert report.deleted == {Kind.MESSAGES: 1}
    assert "refused the credentials" in str(report.fault)


def test_404_of_somebody_else_is_a_refusal(carrier: CarrierApi) -> None:
    """Without the carrier's code it was not the carrier who knows no such record."""
    carrier.add_message(LINE, CALLER, NOW - 2 * HOUR)
    page = Answer(404, b"<html>", {"Content-Type": "text/html"})
    carrier.fail(page, method="DELETE", times=ALWAYS)
    assert swept(carrier).left == {Left(DAY, Reason.REFUSED): 1}


def test_record_that_never_finishes_is_told(carrier: CarrierApi) -> None:
    """After 14 days no time will heal it: whoever runs the line should ask the carrier."""
    carrier.add_message(LINE, CALLER, NOW - 15 * DAY, status="queued")
    carrier.add_message(LINE, CALLER, NOW - 13 * DAY, status="queued")
    report = swept(carrier)
    assert report.left == {
        Left(30 * DAY, Reason.STUCK): 1,
        Left(30 * DAY, Reason.NOT_FINISHED): 1,
    }
    assert not report.is_clean


def test_files_are_looked_for_where_their_number_is_missing(carrier: CarrierApi) -> None:
    """A carrier that does not count them has them all the same."""
    carrier.add_message(LINE, CALLER, NOW - DAY, files=1)["num_media"] = None
    assert swept(carrier).deleted == {Kind.MESSAGES: 1, Kind.MEDIA: 1}


@pytest.mark.parametrize("wait", ["soon", "1.5", "-5", ""])
def test_unreadable_wait_is_none(carrier: CarrierApi, wait: str) -> None:
    """A Retry-After that makes no sense is left out, and the request is made again."""
    carrier.add_message(LINE, CALLER, NOW - DAY)
    carrier.fail(refusal(429, 20429, Retry_After=wait), method="DELETE")
    assert swept(carrier).deleted == {Kind.MESSAGES: 1}


@pytest.mark.parametrize("status", [400, 409])
def test_not_finished_yet_is_left_for_later(carrier: CarrierApi, status: int) -> None:
    """Error 20009, whatever its HTTP status, is no fault: the next sweep tries again."""
    fill(carrier, NOW)
    carrier.fail(refusal(status, 20009), method="DELETE", path="/Calls/")
    report = swept(carrier)
    assert report.deleted == {Kind.MESSAGES: 2}
    assert report.left[Left(DAY, Reason.NOT_FINISHED)] == 1
    assert report.is_clean
    assert swept(carrier).deleted == {Kind.CALLS: 1}


def test_gone_already_counts_as_gone(carrier: CarrierApi) -> None:
    """404 for a deletion is what was wanted."""
    fill(carrier, NOW)
    backlog = find(carrier)
    carrier.messages.clear()
    report = delete_records(open_api(carrier), backlog)
    assert report.deleted == {Kind.MESSAGES: 2, Kind.CALLS: 1}
    assert report.is_clean


@pytest.mark.parametrize("header", [{}, {"Retry_After": "1"}], ids=["plain", "with a wait"])
def test_too_many_requests_are_tried_again(carrier: CarrierApi, header: dict[str, str]) -> None:
    """The carrier's "too many requests" loses no record."""
    fill(carrier, NOW)
    carrier.fail(refusal(429, 20429, **header), times=5)
    report = swept(carrier)
    assert report.deleted == {Kind.MESSAGES: 2, Kind.CALLS: 1}
    assert report.is_clean


def test_refusal_is_counted_and_the_rest_goes_on(carrier: CarrierApi) -> None:
    """One record that the carrier won't delete does not keep the others."""
    fill(carrier, NOW)
    carrier.fail(refusal(400, 20404), method="DELETE", path="/Calls/")
    report = swept(carrier)
    assert report.deleted == {Kind.MESSAGES: 2}
    assert report.left[Left(DAY, Reason.REFUSED)] == 1
    assert report.codes == {20404: 1}
    assert not report.is_clean


def test_page_of_a_proxy_deletes_nothing(carrier: CarrierApi) -> None:
    """Only 204 is a deletion: the library would take any page for one."""
    fill(carrier, NOW)
    carrier.fail(HTML, method="DELETE", times=ALWAYS)
    report = swept(carrier)
    assert report.deleted == {}
    assert report.left[Left(DAY, Reason.REFUSED)] == 3


def test_answers_of_several_threads_are_not_mixed_up(carrier: CarrierApi) -> None:
    """Deletions run side by side, and each record gets its own answer."""
    for _ in range(60):
        carrier.add_message(LINE, CALLER, NOW - 2 * HOUR)
        carrier.add_call(LINE, CALLER, NOW - 2 * HOUR)
    carrier.fail(refusal(409, 20009), method="DELETE", path="/Calls/", times=60)
    report = swept(carrier)
    assert report.deleted == {Kind.MESSAGES: 60}
    assert report.left == {Left(DAY, Reason.NOT_FINISHED): 60}
    assert len(carrier.calls) == 60


def test_threads_share_no_client(carrier: CarrierApi) -> None:
    """The library's client keeps its last answer in itself, so each thread has one of its own."""
    api = open_api(carrier)
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(lambda: api.client).result()
    assert api.client is api.client
    assert api.client is not other


@pytest.mark.parametrize(
    ("happens", "text"),
    [
        (refusal(429, 20429), "too many requests"),
        (refusal(401, 20003), "refused the credentials"),
        (Closed(), "broke off"),
    ],
    ids=["too many", "credentials", "closed"],
)
def test_fault_in_the_middle_tells_what_was_reached(
    carrier: CarrierApi, happens: Answer | Closed, text: str
) -> None:
    """What fails for one would fail for all: the sweep ends, and the next one goes on."""
    for age in range(3, 9):
        carrier.add_message(LINE, CALLER, NOW - age * HOUR)
        carrier.add_call(LINE, CALLER, NOW - (age + 10) * HOUR)
    carrier.fail(happens, method="DELETE", path="/Messages/", times=ALWAYS)
    report = swept(carrier)
    assert report.deleted == {Kind.CALLS: 6}
    assert report.left == {Left(DAY, Reason.NOT_REACHED): 6}
    assert text in str(report.fault)
    assert not report.is_clean
    carrier.fault_is_over()
    assert swept(carrier).deleted == {Kind.MESSAGES: 6}


def test_connection_that_breaks_while_listing(carrier: CarrierApi) -> None:
    """Half a list is no list: nothing is deleted."""
    fill(carrier, NOW)
    carrier.fail(Closed(), path="/Calls.json")
    with pytest.raises(CarrierError, match="broke off"):
        find(carrier)
    assert carrier.counted("DELETE") == 0


def test_records_without_any_date_stay(carrier: CarrierApi) -> None:
    """The second date counts where the first is missing; with neither the age is unknown."""
    sent = "Mon, 23 Nov 2026 03:00:00 +0000"
    carrier.add_message(LINE, CALLER, None, date_sent=sent)
    carrier.add_call(LINE, CALLER, None, start_time=sent)
    carrier.add_call(LINE, CALLER, None)
    report = swept(carrier)
    assert report.deleted == {Kind.MESSAGES: 1, Kind.CALLS: 1}
    assert report.left == {Left(None, Reason.UNDATED): 1}
    assert not report.is_clean


def test_stop_between_two_deletions(carrier: CarrierApi) -> None:
    """Asked to end, the sweep finishes what is begun and leaves the rest."""
    for _ in range(20):
        carrier.add_call(LINE, CALLER, NOW - 2 * HOUR)
    report = delete_records(
        open_api(carrier), find(carrier), is_stopped=lambda: carrier.counted("DELETE") >= 5
    )
    assert 5 <= report.deleted[Kind.CALLS] <= 8  # four at a time
    assert report.left[Left(DAY, Reason.NOT_REACHED)] == len(carrier.calls)
    assert report.fault is None


def test_stop_while_listing(carrier: CarrierApi) -> None:
    """A long list is left too."""
    carrier.page_size = 2
    for _ in range(20):
        carrier.add_call(LINE, CALLER, NOW - 2 * HOUR)
    backlog = find_records(
        open_api(carrier), LINE, HOUR, NOW, lambda: carrier.counted("GET", "/Calls") > 2
    )
    assert backlog.count(Kind.CALLS) < 10


def test_oldest_go_first(carrier: CarrierApi) -> None:
    """If the time is short, what is there longest has gone."""
    ages = (5, 9, 2, 7)
    sids = {age: carrier.add_call(LINE, CALLER, NOW - age * DAY)["sid"] for age in ages}
    carrier.fail(refusal(401, 20003), method="DELETE", path=sids[2], times=ALWAYS)
    carrier.fail(Slow(0.2), method="DELETE", path=sids[7])
    report = swept(carrier)
    assert report.left == {Left(7 * DAY, Reason.NOT_REACHED): 1}
    assert [call["sid"] for call in carrier.calls] == [sids[2]]


def test_progress_of_a_long_sweep(carrier: CarrierApi) -> None:
    """A word after every hundred records."""
    for _ in range(STEP + 3):
        carrier.add_call(LINE, CALLER, NOW - DAY)
    told: list[int] = []
    backlog = find(carrier)
    report = delete_records(open_api(carrier), backlog, tell=told.append)
    assert told == [STEP]
    assert report.deleted == {Kind.CALLS: STEP + 3}
    for _ in range(2 * STEP):
        carrier.add_call(LINE, CALLER, NOW - 365 * DAY)
    assert run(carrier, "--yes").stderr == (
        "100 of 200 records dealt with\n200 of 200 records dealt with\n"
    )


def test_classes_of_age_begin_with_the_limit() -> None:
    """A limit beyond a day leaves out the classes below it."""
    assert age_classes(HOUR) == (HOUR, DAY, 7 * DAY, 30 * DAY)
    assert age_classes(2 * DAY) == (2 * DAY, 7 * DAY, 30 * DAY)
    assert age_classes(60 * DAY) == (60 * DAY,)


def test_what_is_left_is_told_by_age_and_reason(carrier: CarrierApi) -> None:
    """A row for each class of age, a column for each reason, and nothing else of the records."""
    now = datetime.now(UTC)
    carrier.add_message(LINE, CALLER, now)
    carrier.add_call(LINE, CALLER, now - 3 * HOUR, status="in-progress")
    carrier.add_call(LINE, CALLER, now - 3 * DAY, status="in-progress")
    carrier.add_call(LINE, CALLER, now - 9 * DAY, status="in-progress")
    carrier.add_call(LINE, CALLER, now - 90 * DAY)
    carrier.fail(refusal(400, 20404), method="DELETE")
    result = run(carrier, "--yes")
    assert result.exit_code == 1
    assert result.stdout == (
        "deleted: 0 messages, 0 calls\n"
        "left: 5\n"
        "  age            too young  not finished  refused\n"
        "  up to 60 min           1             0        0\n"
        "  up to 1 day            0             1        0\n"
        "  up to 7 days           0             1        0\n"
        "  up to 30 days          0             1        0\n"
        "  older                  0             0        1\n"
    )
    assert result.stderr == "error: the carrier refused to delete 1 of them (error 20404)\n"


def test_sweep_with_yes(carrier: CarrierApi) -> None:
    """Counts on stdout, nothing on stderr, exit code 0."""
    fill(carrier, datetime.now(UTC))
    carrier.add_message(LINE, CALLER, datetime.now(UTC) - DAY, files=1)
    result = run(carrier, "--yes", "--once")
    assert result.exit_code == 0
    assert result.stdout.startswith("deleted: 3 messages, 1 file, 1 call\nleft: 2\n")
    assert result.stderr == ""
    assert run(carrier, "--yes").stdout.startswith("deleted: 0 messages, 0 calls\nleft: 2\n")


def test_older_than(carrier: CarrierApi) -> None:
    """``--older-than`` is in minutes."""
    fill(carrier, datetime.now(UTC))
    assert run(carrier, "--yes", "--older-than", "180").stdout == (
        "deleted: 0 messages, 0 calls\nleft: 5\n"
        "  age            too young\n  up to 180 min          5\n"
    )
    assert run(carrier, "--yes", "--older-than", "0").stdout == (
        "deleted: 3 messages, 2 calls\nleft: 0\n"
    )


def test_dry_run_deletes_nothing(carrier: CarrierApi) -> None:
    """``--dry-run`` says what would go and what would stay."""
    fill(carrier, datetime.now(UTC))
    carrier.add_message(LINE, CALLER, datetime.now(UTC) - DAY, files=1)
    result = run(carrier, "--dry-run")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[:2] == [
        "would delete: 3 messages, 1 call, with the files of messages",
        "left: 2",
    ]
    assert carrier.counted("DELETE") == 0


def test_undated_record_is_a_fault(carrier: CarrierApi) -> None:
    """An operator has to know of what no sweep will ever delete."""
    carrier.add_call(LINE, CALLER, None)
    result = run(carrier, "--yes")
    assert result.exit_code == 1
    assert result.stdout.endswith("  age    without date\n  older             1\n")
    assert result.stderr.startswith("error: 1 of them have no date")


def test_fault_is_told_after_the_counts(carrier: CarrierApi) -> None:
    """The counts are printed all the same; the fault is on stderr."""
    fill(carrier, datetime.now(UTC))
    carrier.fail(refusal(401, 20003), method="DELETE", path="/Messages/", times=ALWAYS)
    result = run(carrier, "--yes")
    assert result.exit_code == 1
    assert result.stdout.startswith("deleted: 0 messages, ")
    assert "not reached" in result.stdout
    assert result.stderr.startswith("error: the carrier refused the credentials")
    assert result.stderr.endswith("What is not reached stays until the next sweep.\n")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--every", "5", "--once", "--yes"], "leave out one of them"),
        (["--every", "5", "--dry-run"], "leave out --every"),
        (["--every", "5"], "add --yes"),
        ([], "nobody is there to be asked"),
        (["--older-than", "-1", "--yes"], "not in the range"),
        (["--every", "0", "--yes"], "not in the range"),
    ],
    ids=["once", "dry", "sure", "nobody", "age", "pace"],
)
def test_wrong_use(carrier: CarrierApi, arguments: list[str], text: str) -> None:
    """Contradictions are told before anything is asked of the carrier."""
    result = run(carrier, *arguments)
    assert result.exit_code == 2
    assert text in " ".join(result.stderr.split())
    assert carrier.requests == []


def test_wrong_credentials(carrier: CarrierApi) -> None:
    """A wrong secret ends it at once, with nothing on stdout."""
    result = run(carrier, "--yes", TWILIO_API_SECRET="wrong")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "(HTTP 401, error 20003)" in result.stderr


class Answers:
    """Waits that are only counted, and a wish to stop after so many."""

    def __init__(self, rounds: int) -> None:
        """Stop after so many waits."""
        self.rounds = rounds
        self.waits: list[float] = []

    def __call__(self) -> bool:
        """Tell whether to stop."""
        return len(self.waits) >= self.rounds

    def wait(self, seconds: float) -> None:
        """Wait no time at all."""
        self.waits.append(seconds)


def test_rounds_go_on_after_a_fault(
    carrier: CarrierApi, capsys: pytest.CaptureFixture[str]
) -> None:
    """A fault is told, and the next round, after the wait, deletes what it kept."""
    fill(carrier, NOW)
    carrier.fail(refusal(500, 20500), times=1 + RETRY.total if RETRY.total else 1)
    answers = Answers(3)
    settings = load_settings(carrier.environ)
    one = Round(settings, open_api(carrier), HOUR, answers, lambda: NOW)
    run_rounds(one, answers.wait, timedelta(minutes=15))
    printed = capsys.readouterr()
    assert answers.waits == [900, 900, 900]
    assert printed.err.startswith("error: the carrier's API has a fault of its own")
    assert printed.err.count("\n") == 1
    assert printed.out.count("deleted: ") == 2
    assert printed.out.startswith("deleted: 2 messages, 1 call\n")
    assert not carrier.leaks(printed.out + printed.err)


def _started(
    carrier: CarrierApi, *arguments: str, stdin: int | None = None
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "referral_line", "sweep", *arguments],
        env={**os.environ, **carrier.environ, "NO_PROXY": "*"},
        stdin=subprocess.DEVNULL if stdin is None else stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _wait_for(fact: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_service_ends_in_order(carrier: CarrierApi, number: signal.Signals) -> None:
    """``--every`` sweeps, waits, and ends with exit code 0 when it is asked to."""
    fill(carrier, datetime.now(UTC))
    process = _started(carrier, "--every", "1", "--yes")
    _wait_for(lambda: len(carrier.messages) == 1 and not carrier.calls[1:])
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert out.startswith("deleted: 2 messages, 1 call\n")
    assert not carrier.leaks(out + err)


def test_single_sweep_that_is_stopped_says_so(carrier: CarrierApi) -> None:
    """A signal in the middle ends a single sweep with its counts, and exit code 1."""
    for _ in range(40):
        carrier.add_call(LINE, CALLER, datetime.now(UTC) - DAY)
    carrier.fail(Slow(0.2), method="DELETE", times=ALWAYS)
    process = _started(carrier, "--yes")
    _wait_for(lambda: carrier.counted("DELETE") > 4)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "not reached" in out
    assert err == "stopped by a signal; the next sweep goes on\n"
    assert len(carrier.calls) > 20


@pytest.mark.parametrize(("typed", "code", "left"), [("n", 1, 5), ("y", 0, 2)], ids=["no", "yes"])
def test_asked_in_a_terminal(carrier: CarrierApi, typed: str, code: int, left: int) -> None:
    """Without ``--yes`` one question names the counts; refused, nothing goes."""
    fill(carrier, datetime.now(UTC))
    ours, theirs = pty.openpty()
    process = _started(carrier, stdin=theirs)
    os.write(ours, f"{typed}\n".encode())
    out, err = process.communicate(timeout=20)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == code
    assert "Delete 2 messages, 1 call for good? [y/N]:" in err + out
    assert len(carrier.messages) + len(carrier.calls) == left
    assert (carrier.counted("DELETE") == 0) == (typed == "n")


def test_nothing_to_delete_asks_nothing(carrier: CarrierApi) -> None:
    """Where nothing is due there is no question."""
    ours, theirs = pty.openpty()
    out, err = _started(carrier, stdin=theirs).communicate(timeout=20)
    os.close(ours)
    os.close(theirs)
    assert out == "deleted: 0 messages, 0 calls\nleft: 0\n"
    assert err == ""


def test_nothing_kept_shows_who_called(carrier: CarrierApi) -> None:
    """Even in a traceback or a debugger, what the sweep holds shows no id."""
    fill(carrier, NOW)
    backlog = find(carrier)
    assert backlog.due
    assert not carrier.leaks(repr(backlog))
    assert Counter(record.kind for record in backlog.due) == {Kind.MESSAGES: 2, Kind.CALLS: 1}
