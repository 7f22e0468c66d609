"""What is counted of a turn, and what isn't: totals that say how many, never who."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from starlette.testclient import TestClient

from handset import ACCOUNT, PUBLIC_URL, TOKEN, Handset
from referral_line.content.model import Channel
from referral_line.conversation.position import Position
from referral_line.replies.line import Line
from referral_line.sessions.store import MemoryStore
from referral_line.telemetry.counts import Counts, Period, Totals, read_counts
from referral_line.telemetry.metrics import Metrics
from referral_line.web.app import Webhooks, create_app
from referral_line.web.observing import SLOW_SECONDS, Observer, Outcome, Turn, log_turn
from referral_line.web.signature import SignatureVerifier

DAY = date(2026, 11, 24)


class Scene:
    """A line that counts into a file, and phones that reach it."""

    def __init__(self, line: Line, file: Path) -> None:
        """Make the app, with metrics of its own."""
        self.registry = CollectorRegistry()
        self.counts = Counts(file, lambda: DAY)
        self._file = file
        store = MemoryStore(lambda: 0.0)
        webhooks = Webhooks(
            line,
            store,
            SignatureVerifier(PUBLIC_URL, account_sid=ACCOUNT, auth_tokens=[TOKEN]),
            session_time=timedelta(seconds=1800),
            observe=Observer(line, self.counts, Metrics(self.registry)),
        )
        self.client = TestClient(create_app(webhooks, store, counts=self.counts))

    def totals(self) -> Totals:
        """End the day and read what was counted."""
        self.counts.close()
        if not self._file.exists():
            return Totals()
        found, faults = read_counts(self._file, Period.DAY)
        assert faults == []
        return found[DAY.isoformat()]


@pytest.fixture
def scene(line: Line, tmp_path: Path) -> Iterator[Scene]:
    """A fresh day."""
    scene = Scene(line, tmp_path / "counts.jsonl")
    with scene.client:
        yield scene


def test_conversation_by_text_is_counted_once(scene: Scene) -> None:
    """However many messages it has; in its language, with each service that a reply named."""
    handset = Handset(scene.client)
    for body in ("hello", "1", "1", "nonsense", "0"):
        handset.text(body)
    totals = scene.totals()
    assert totals.conversations == Counter(sms=1)
    assert totals.languages == Counter(en=1)
    assert totals.services["police-999"] >= 1


def test_service_is_counted_when_a_reply_names_it(scene: Scene) -> None:
    """Not again when the same menu is repeated for want of a key."""
    handset = Handset(scene.client)
    handset.text("I can't cope")
    handset.text("nonsense")
    totals = scene.totals()
    assert totals.services["samaritans"] == 1
    assert "crimestoppers" not in totals.services


def test_changed_language_counts_in_both(scene: Scene) -> None:
    """Who is first answered in English and goes on in Polish was helped in both."""
    handset = Handset(scene.client)
    for body in ("hello", "polski", "1", "0"):
        handset.text(body)
    assert scene.totals().languages == Counter(en=1, pl=1)


def test_call_counts_once_a_language_is_chosen(scene: Scene) -> None:
    """A call is counted when it comes in, its language when it goes on in one."""
    first, second = Handset(scene.client), Handset(scene.client)
    first.call()
    second.call()
    for key in ("2", "1", "4"):
        second.press(key)
    totals = scene.totals()
    assert totals.conversations == Counter(voice=2)
    assert totals.languages == Counter(cy=1)
    assert totals.services["samaritans"] == 1


def test_call_to_a_number_of_one_language_counts_in_it(scene: Scene) -> None:
    """Nothing needs to be chosen there."""
    Handset(scene.client).call("/voice/pl")
    assert scene.totals().languages == Counter(pl=1)


def test_repeated_delivery_counts_nothing(scene: Scene) -> None:
    """The carrier's second try is the same message."""
    handset = Handset(scene.client)
    handset.text("hello")
    handset.text("1", delivery="same")
    before = Counter(scene.counts._totals.services)
    handset.text("1", delivery="same")
    assert scene.counts._totals.services == before
    assert scene.totals().conversations == Counter(sms=1)


def test_finish_alone_and_refused_requests_are_no_conversations(scene: Scene) -> None:
    """So the doctor's own questions, and strangers' requests, are not counted as people helped."""
    Handset(scene.client).text("9")
    scene.client.post("/sms", data={"Body": "hello"})
    scene.client.post("/voice", data={})
    assert not scene.totals()
    exposed = generate_latest(scene.registry).decode()
    assert 'turns_total{channel="sms",outcome="answered"} 1.0' in exposed
    assert 'turns_total{channel="sms",outcome="refused"} 1.0' in exposed
    assert 'turns_total{channel="voice",outcome="refused"} 1.0' in exposed


def test_language_we_lack_is_counted_in_none(scene: Scene) -> None:
    """Who is told that their language is not spoken here was not helped in English."""
    assert "Kiswahili" in Handset(scene.client).text("Kiswahili")
    totals = scene.totals()
    assert totals.conversations == Counter(sms=1)
    assert totals.languages == Counter()


def test_every_confirmed_service_that_is_named_can_be_counted(line: Line, scene: Scene) -> None:
    """Each service that some reply names is known to the observer by its own id."""
    observer = Observer(line, scene.counts, Metrics(CollectorRegistry()))
    named = {service for services in observer._signposts.values() for service in services}
    assert {"police-999", "police-101", "samaritans", "childline", "crimestoppers"} <= named
    assert named <= set(line.directory.services)


@pytest.mark.parametrize(
    ("turn", "event"),
    [
        pytest.param(
            Turn(Channel.SMS, outcome=Outcome.FAILED, failure={"error": "KeyError"}, seconds=0.012),
            "a turn failed, the caller got the numbers",
            id="failed",
        ),
        pytest.param(Turn(Channel.VOICE, seconds=SLOW_SECONDS + 1), "a turn was slow", id="slow"),
    ],
)
def test_failed_and_slow_turns_are_logged(
    turn: Turn, event: str, caplog: pytest.LogCaptureFixture
) -> None:
    """With node and time; the language only where it is common."""
    turn.after = Position("pl", "paid", 1)
    log_turn(turn)
    log_turn(turn, may_name=lambda tag: tag == "pl")
    rare, common = (vars(record) for record in caplog.records)
    assert caplog.messages == [event, event]
    assert rare["node"] == common["node"] == "paid"
    assert "language" not in rare
    assert common["language"] == "pl"
    assert common["milliseconds"] == round(turn.seconds * 1000)


def test_answered_turns_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A line for every turn would be a record of who wrote when."""
    log_turn(Turn(Channel.SMS, after=Position("en", "paid"), seconds=0.1))
    assert caplog.records == []
