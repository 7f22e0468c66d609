"""The webhooks in one process: signatures, sessions, refusals, and a reply whatever fails."""

import base64
import hashlib
import hmac
import logging
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from urllib.parse import parse_qsl, urlencode
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient
from twilio.request_validator import HMAC_SHA256

from handset import ACCOUNT, FORM, PUBLIC_URL, TOKEN, Handset, read_message, sign, spoken
from referral_line.conversation.position import Position
from referral_line.errors import SessionStoreError
from referral_line.replies.line import Line
from referral_line.sessions.store import MemoryStore, SessionStore
from referral_line.telemetry.counts import Counts
from referral_line.web import app
from referral_line.web.app import Webhooks, create_app, leaflet_routes
from referral_line.web.observing import Turn, log_turn
from referral_line.web.signature import SignatureVerifier

MakeClient = Callable[..., TestClient]
Pairs = list[tuple[str, str]]


class Clock:
    """A clock that is moved by hand."""

    now = 0.0

    def __call__(self) -> float:
        """Tell the time in seconds."""
        return self.now


class Watched(MemoryStore):
    """A store that tells what is in it."""

    def values(self) -> list[str]:
        """Every value kept."""
        return [value for _, value in self._kept.values()]

    def keys(self) -> list[str]:
        """Every key kept."""
        return list(self._kept)


@pytest.fixture
def clock() -> Clock:
    """Time for the sessions of a test."""
    return Clock()


@pytest.fixture
def store(clock: Clock) -> Watched:
    """The sessions of a test."""
    return Watched(clock)


@pytest.fixture
def make_client(line: Line, store: Watched) -> Iterator[MakeClient]:
    """Make a client of an app with the parts a test speaks of."""
    clients: list[TestClient] = []

    def make(
        line: Line = line,
        store: SessionStore = store,
        public_url: str = PUBLIC_URL,
        path_prefix: str = "",
        observe: Callable[[Turn], None] = log_turn,
        **secrets_: list[str],
    ) -> TestClient:
        verifier = SignatureVerifier(
            public_url, account_sid=ACCOUNT, **(secrets_ or {"auth_tokens": [TOKEN]})
        )
        webhooks = Webhooks(
            line, store, verifier, session_time=timedelta(seconds=1800), observe=observe
        )
        client = TestClient(
            create_app(webhooks, store, path_prefix=path_prefix, more_routes=leaflet_routes(line))
        )
        client.__enter__()
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.__exit__()


@pytest.fixture
def client(make_client: MakeClient) -> TestClient:
    """A client of the app as it is shipped."""
    return make_client()


@pytest.fixture
def handset(client: TestClient) -> Handset:
    """A phone that reaches the app."""
    return Handset(client)


# --- text messages ------------------------------------------------------------------------------


def test_conversation_by_text(handset: Handset) -> None:
    """The cookie carries the place from one message to the next."""
    assert handset.text("hello").startswith("In danger now? Call 999.")
    assert "18 or over" in handset.text("1")
    assert "I have paid" in handset.text("1")
    assert "if the money was collected" in handset.text("1 please")


def test_cookie_has_the_contracts_form(handset: Handset, store: Watched) -> None:
    """One cookie with every reply: random, with an age, secure, not for scripts."""
    handset.text("hello")
    first = handset.last
    assert first is not None
    header = first.headers["set-cookie"]
    token, *attributes = header.split("; ")
    assert attributes == ["Max-Age=1800", "Path=/", "Secure", "HttpOnly"]
    assert len(token.removeprefix("session=")) * 6 >= 128
    assert len(first.headers.get_list("set-cookie")) == 1
    handset.text("1")
    assert handset.last is not None
    assert handset.last.headers["set-cookie"].startswith(token)
    assert token.removeprefix("session=") not in "".join(store.keys() + store.values())


def test_two_handsets_never_mix(client: TestClient) -> None:
    """Each phone has a place of its own, however their messages interleave."""
    one, two = Handset(client, "+447700900001"), Handset(client, "+447700900002")
    one.text("hello")
    two.text("polski")
    one.text("1")
    assert "0800 1111" in two.text("2")
    assert "I have paid" in one.text("1")
    assert one.cookie != two.cookie


def test_repeated_delivery_gives_the_same_reply_and_does_not_advance(handset: Handset) -> None:
    """When the carrier sends a message again, it gets the same answer, and 1 is pressed once."""
    handset.text("hello")
    delivery = secrets.token_hex(16)
    first = handset.text("1", delivery=delivery)
    assert handset.text("1", delivery=delivery) == first
    assert "I have paid" in handset.text("1")


def test_without_idempotency_token_each_message_counts(handset: Handset) -> None:
    """A carrier that sends no token simply has no protection against repeats."""
    handset.text("hello")
    form = [("Body", "1"), ("AccountSid", ACCOUNT)]
    first = handset.post("/sms", form).content
    assert handset.post("/sms", form).content != first


def test_finish_wipes_the_session_and_the_cookie(handset: Handset, store: Watched) -> None:
    """After 9 nothing is kept, and the carrier is told to forget its cookie."""
    handset.text("hello")
    assert len(store.keys()) == 1
    old = handset.cookie
    assert "We have wiped your place" in handset.text("9")
    assert store.keys() == []
    assert handset.last is not None
    header = handset.last.headers["set-cookie"]
    assert "Max-Age=0" in header
    assert old not in header


@pytest.mark.parametrize("last", ["9", "9 please", "stop", "Finish", "bye"])
def test_finish_repeated_is_finish_again(handset: Handset, store: Watched, last: str) -> None:
    """A repeated delivery of the last message does not open a new conversation."""
    handset.text("hello")
    cookie = handset.cookie
    first = handset.text(last, delivery="d1")
    handset.cookie = cookie
    assert handset.text(last, delivery="d1") == first
    assert store.keys() == []


def test_token_of_a_session_that_is_over_is_never_used_again(
    handset: Handset, clock: Clock
) -> None:
    """A new conversation gets a new token, so the carrier can't join the two."""
    handset.text("hello")
    old = handset.cookie
    clock.now += 1801
    handset.text("hello")
    assert handset.cookie not in {"", old}


def test_session_expires(handset: Handset, clock: Clock) -> None:
    """After half an hour the place is forgotten, and the first menu opens again."""
    handset.text("hello")
    handset.text("1")
    clock.now += 1801
    assert handset.text("1").startswith("In danger now? Call 999.")


def test_only_a_position_is_kept(handset: Handset, store: Watched) -> None:
    """What is stored is language, node, turn and a mark; no text, no number."""
    handset.text("polski")
    handset.text("moje zdanie 07700 900001")
    (value,) = store.values()
    assert value.startswith("pl/home/1 ")
    assert len(value) < 40


def test_picture_is_never_fetched_or_asked_for(handset: Handset) -> None:
    """A picture gets words on what to do instead; a crisis in the same message comes first."""
    assert "We did not open yours" in handset.text("", pictures=1)
    assert "116 123" in handset.text("I want to die", pictures=2)


def test_number_that_serves_one_language(client: TestClient) -> None:
    """``/sms/cy`` begins in Welsh; an unknown tag, or anything else there, begins in English."""
    assert "999" in Handset(client).text("helo", path="/sms/cy").splitlines()[0]
    welsh = Handset(client).text("helo", path="/sms/cy")
    assert "Cymraeg" not in welsh
    assert "0 English" in welsh
    for path in ("/sms/xx", "/sms/", "/sms/%FF%00", "/sms/x%0Ay", "/sms/" + "a" * 2000):
        assert Handset(client).text("hello", path=path).startswith("In danger now?")


@pytest.mark.parametrize(
    "cookie", ["session=", "session=short", "other=1", "session=" + "x" * 500, "=;;="]
)
def test_strange_cookie_begins_a_new_conversation(handset: Handset, cookie: str) -> None:
    """A cookie that is none of ours is as good as none."""
    handset.cookie = cookie
    assert handset.text("hello").startswith("In danger now?")


def test_huge_cookie_costs_no_time(handset: Handset) -> None:
    """A cookie made to be slow to parse is read in no time, and ours is found in front of it."""
    handset.text("hello")
    handset.cookie += '; x="' + '\\"' * 20_000 + '"'
    begun = time.monotonic()
    assert "18 or over" in handset.text("1")
    assert time.monotonic() - begun < 1


def test_session_of_a_node_that_is_gone_begins_anew(handset: Handset, store: Watched) -> None:
    """After an update that removed a node, or with a damaged value, the first menu opens."""
    handset.text("hello")
    for value in ("en/old-node/0 -", "xx/home/0 -", "damaged"):
        store._kept[store.keys()[-1]] = (9e9, value)
        assert handset.text("hello").startswith("In danger now?")


# --- calls --------------------------------------------------------------------------------------


def test_call_by_keys(handset: Handset) -> None:
    """A call goes where its signed paths lead; nothing is stored."""
    assert "For English, press one." in spoken(handset.call())
    assert "Don't panic" in spoken(handset.press("1"))
    assert "18 or over" in spoken(handset.press("1"))
    assert "Organised criminals" in spoken(handset.press("6"))
    assert handset.press("9").find("Gather") is not None
    assert "Again" in spoken(handset.press("4"))
    assert spoken(handset.press("*")).startswith("You matter.")


def test_call_needs_no_session(handset: Handset, store: Watched) -> None:
    """However long a call is, the store stays empty and no cookie is set."""
    handset.call()
    for key in "1161":
        handset.press(key)
        assert handset.last is not None
        assert "set-cookie" not in handset.last.headers
    assert store.keys() == []


def test_silent_call_hears_the_rules_then_the_numbers(handset: Handset) -> None:
    """Silence leads through the rules and three reprompts to the numbers and a goodbye."""
    handset.call()
    heard = [spoken(handset.press("")) for _ in range(5)]
    assert "Don't panic" in heard[0]
    assert all("Take your time" in text for text in heard[1:4])
    assert "Goodbye" in heard[4]


def test_call_to_a_number_of_one_language(handset: Handset) -> None:
    """``/voice/pl`` begins with the first menu in Polish."""
    assert "Polly.Ola-Neural" in ET.tostring(handset.call("/voice/pl")).decode()


@pytest.mark.parametrize(
    "path",
    [
        "/voice/en/nowhere/0",
        "/voice/en/home/9",
        "/voice/en/home/x",
        "/voice/xx/home/0",
        "/voice/en/home/0/more",
        "/voice/%2e%2e/etc/passwd",
        "/voice/en/%00/0",
        "/voice/%FF%FE/home/0",
        "/voice//",
        "/voice/x%0Ay",
        "/voice/" + "a" * 3000,
    ],
)
def test_tampered_state_gets_the_first_menu(handset: Handset, path: str) -> None:
    """A path that leads nowhere opens the first menu, in its language if that is served."""
    assert "Don't panic" in spoken(handset.call(path))


def test_tampered_state_keeps_its_language(handset: Handset) -> None:
    """A Polish caller with a path that is gone stays in Polish."""
    assert "Polly.Ola-Neural" in ET.tostring(handset.call("/voice/pl/old-node/0")).decode()


def test_path_of_a_node_speaks_it_from_the_beginning(handset: Handset) -> None:
    """After a transfer the call goes on at ``/voice/en/report``, whatever the carrier adds."""
    handset.action = "/voice/en/report"
    assert "every report seriously" in spoken(handset.press("1"))


# --- signatures ---------------------------------------------------------------------------------

MESSAGE: Pairs = [("AccountSid", ACCOUNT), ("From", "+447700900001"), ("Body", "hello")]


def post(
    client: TestClient,
    path: str = "/sms",
    form: Pairs | None = None,
    *,
    content: bytes | None = None,
    **headers: str,
) -> tuple[int, bytes]:
    """Post a form, signed unless a header says otherwise; return status and body."""
    pairs = MESSAGE if form is None else form
    given = {"content-type": FORM, "x-twilio-signature": sign(path, pairs)} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    body = urlencode(pairs).encode() if content is None else content
    response = client.post(path, content=body, headers={k: v for k, v in given.items() if v})
    return response.status_code, response.content


def test_unsigned_is_refused(client: TestClient) -> None:
    """No signature, a wrong one, or one for another body or path: 403."""
    assert post(client, x_twilio_signature="")[0] == 403
    assert post(client, x_twilio_signature="AAAA")[0] == 403
    assert post(client, x_twilio_signature=sign("/sms", [("Body", "other")]))[0] == 403
    assert post(client, x_twilio_signature=sign("/voice", MESSAGE))[0] == 403
    assert post(client, x_twilio_signature=sign("/sms", MESSAGE, token="other"))[0] == 403
    assert post(client)[0] == 200


def test_host_and_forwarded_headers_count_for_nothing(client: TestClient) -> None:
    """Only the configured public URL is signed, whatever a proxy or an attacker writes."""
    assert post(client, host="evil.example", x_forwarded_proto="http")[0] == 200
    forged = sign("/sms", MESSAGE, public_url="https://evil.example")
    refused = post(client, x_twilio_signature=forged, host="evil.example")
    assert refused[0] == 403


def test_public_url_with_port_is_signed_either_way(client: TestClient) -> None:
    """The carrier is inconsistent about the port, so both forms count."""
    signature = sign("/sms", MESSAGE, public_url="https://line.example.org:443")
    assert post(client, x_twilio_signature=signature)[0] == 200


def test_query_is_signed_too(client: TestClient) -> None:
    """A query in the webhook's address is part of what is signed."""
    assert post(client, "/sms?a=b%20c")[0] == 200
    assert post(client, "/sms?a=c", x_twilio_signature=sign("/sms?a=b", MESSAGE))[0] == 403


def test_several_tokens_while_one_is_rotated(make_client: MakeClient) -> None:
    """Old and new token are both good."""
    client = make_client(auth_tokens=["new", TOKEN])
    assert post(client)[0] == 200
    assert post(client, x_twilio_signature=sign("/sms", MESSAGE, token="new"))[0] == 200


def test_shared_keys_sign_with_sha256(make_client: MakeClient) -> None:
    """With a shared key configured, SHA-256 is good, and SHA-1 with that key is not."""
    client = make_client(auth_tokens=[], shared_keys=["key"])
    strong = sign("/sms", MESSAGE, token="key", algorithm=HMAC_SHA256)
    assert post(client, x_twilio_signature=strong)[0] == 200
    weak = sign("/sms", MESSAGE, token="key")
    settings_header = "key=k,algorithm=HMAC_SHA1"
    assert (
        post(
            client,
            x_twilio_signature=weak,
            x_twilio_webhooks_signature_settings=settings_header,
        )[0]
        == 403
    )


def test_shared_key_is_no_auth_token(make_client: MakeClient) -> None:
    """Without shared keys configured, SHA-256 is not accepted."""
    strong = sign("/sms", MESSAGE, algorithm=HMAC_SHA256)
    assert post(make_client(), x_twilio_signature=strong)[0] == 403


def test_another_account_is_refused(client: TestClient) -> None:
    """A webhook of another account is none of ours; without the field, the signature tells."""
    assert post(client, form=[("AccountSid", "AC" + "f" * 32), ("Body", "x")])[0] == 403
    assert post(client, form=[("AccountSid", ""), ("Body", "x")])[0] == 200
    assert post(client, form=[("Body", "x")])[0] == 200


@pytest.mark.parametrize("path", ["/sms", "/voice", "/voice/en/home/0"])
def test_other_content_types_are_refused(client: TestClient, path: str) -> None:
    """Only a form is a webhook; parameters of the type don't matter."""
    assert post(client, path, content_type="application/json")[0] == 415
    assert post(client, path, content_type="")[0] == 415
    assert post(client, path, content_type=f"{FORM.upper()}; charset=UTF-8")[0] == 200


def test_large_bodies_are_refused(client: TestClient) -> None:
    """Up to 64 KiB is read; more is refused, told in the header or not."""
    fits: Pairs = [("Body", "a" * (64 * 1024 - 5))]
    assert post(client, form=fits)[0] == 200
    assert post(client, form=[("Body", "a" * (64 * 1024 - 4))])[0] == 413

    def stream() -> Iterator[bytes]:
        for _ in range(65):
            yield b"a" * 1024

    response = client.post("/sms", content=stream(), headers={"content-type": FORM})
    assert response.status_code == 413


def test_only_post_is_answered(client: TestClient) -> None:
    """A GET would put a caller's number into a logged address, so there is none."""
    assert client.get("/sms").status_code == 405
    assert client.get("/voice/en/home/0").status_code == 405
    assert client.post("/nothing").status_code == 404


def test_public_url_with_a_path(make_client: MakeClient, make_line: Callable[..., Line]) -> None:
    """Behind a proxy that keeps the path or takes it off, webhooks and their replies meet."""
    url = "https://example.org/help"
    line = make_line(REFERRAL_LINE_PUBLIC_URL=url)
    client = make_client(line=line, public_url=url, path_prefix="/help")
    kept, taken = Handset(client, public_url=url), Handset(client, public_url=url)
    kept.call("/help/voice")
    assert kept.action == "/help/voice/en/languages/0"
    assert "Don't panic" in spoken(kept.press("1"))
    taken.call("/voice")
    assert taken.action == "/help/voice/en/languages/0"
    assert client.get("/help/healthz").status_code == client.get("/healthz").status_code == 200


# --- any signed form gets a reply that helps ------------------------------------------------------

NAMES = st.sampled_from(["Body", "Digits", "NumMedia", "From", "CallStatus", "", "x"]) | st.text()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    form=st.lists(st.tuples(NAMES, st.text(max_size=300)), max_size=12),
    path=st.sampled_from(["/sms", "/sms/pl", "/voice", "/voice/pl/paid/2", "/voice/a/b/c"]),
)
def test_any_signed_form_is_answered(client: TestClient, form: Pairs, path: str) -> None:
    """Blank, repeated, unknown and strange parameters: 200 and TwiML that helps."""
    clean = [
        (name.encode(errors="replace").decode(), value.encode(errors="replace").decode())
        for name, value in form
    ]
    status, body = post(client, path, form=clean)
    assert status == 200
    twiml = ET.fromstring(body)  # noqa: S314 - our own reply
    assert len(twiml) > 0
    assert not [value for _, value in clean if len(value) > 40 and value in body.decode()]


def test_thousands_of_parameters_are_answered_in_time(client: TestClient) -> None:
    """As many parameters as fit into 64 KiB are checked without growing slow."""
    form = [(f"p{number}", "") for number in range(8000)] + [("Body", "hello")]
    assert post(client, form=form)[0] == 200
    assert post(client, form=[("a", str(n)) for n in range(8000)])[0] == 200


@pytest.mark.parametrize("body", [b"Body=%FF%FE&From=%80", b"Body=\xff\xfe", b"%FF=%FF&%FF=%FE&a"])
def test_bytes_that_are_no_utf8_are_answered(client: TestClient, body: bytes) -> None:
    """Signed over the bytes, or over what text makes of them, such a form gets a reply."""
    raw = parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    signed = b"".join((n + v).encode("latin-1") for n, v in sorted(set(raw)))
    mac = hmac.new(TOKEN.encode(), f"{PUBLIC_URL}/sms".encode() + signed, hashlib.sha1)
    signature = base64.b64encode(mac.digest()).decode()
    assert post(client, content=body, x_twilio_signature=signature)[0] == 200
    text = [
        (n.encode("latin-1").decode(errors="replace"), v.encode("latin-1").decode(errors="replace"))
        for n, v in raw
    ]
    assert post(client, content=body, x_twilio_signature=sign("/sms", text))[0] == 200
    assert post(client, content=body, x_twilio_signature=sign("/sms", []))[0] == 403


class Broken(MemoryStore):
    """A store with a programming error."""

    async def load(self, key: str) -> str | None:
        """Fail with a message that quotes the key."""
        raise RuntimeError(key)


def test_whatever_fails_the_caller_gets_the_numbers(
    make_client: MakeClient, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """An exception inside becomes 200, the four rules and the numbers; the log quotes nothing."""
    client = make_client(store=Broken(clock))
    form = [("Body", "secret words"), ("From", "+447700900777")]
    with caplog.at_level(logging.DEBUG):
        status, body = post(client, form=form, cookie="session=" + "k" * 30)
    assert status == 200
    text = read_message(body)
    for number in ("999", "101", "116 123", "0800 1111", "0800 555 111", "Don't pay"):
        assert number in text
    (record,) = [record for record in caplog.records if record.name.startswith("referral_line")]
    assert record.getMessage() == "a turn failed, the caller got the numbers"
    fields = vars(record)
    assert fields["error"] == "RuntimeError"
    assert fields["where"].startswith("test_webhooks.load:")
    assert fields["channel"] == "sms"
    assert fields["milliseconds"] >= 0
    assert record.exc_info is None
    assert "secret" not in repr(fields)


def test_failed_turn_is_told_with_its_node(
    line: Line,
    make_client: MakeClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An operator learns at which node a turn failed, and not in which language."""
    handset = Handset(make_client())
    handset.text("polski")
    handset.text("1")

    def fail(*_: object) -> None:
        raise KeyError

    monkeypatch.setattr(type(line.conversation), "advance", fail)
    handset.text("1")
    (record,) = [record for record in caplog.records if record.name.startswith("referral_line")]
    assert vars(record)["node"] == "blackmailed"
    assert "language" not in vars(record)


def test_observer_that_fails_costs_no_caller_the_reply(
    make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Counting may break; the reply is given, and the log says so."""

    def fail(turn: Turn) -> None:
        raise ZeroDivisionError(turn)

    assert "999" in Handset(make_client(observe=fail)).text("hello")
    assert "a turn could not be observed" in caplog.text


def test_failed_turn_keeps_the_carriers_cookie(make_client: MakeClient, clock: Clock) -> None:
    """A reply after a failure hands back the same cookie, so the place is not lost for ever."""
    handset = Handset(make_client(store=Broken(clock)))
    handset.cookie = "session=" + "k" * 30
    assert "116 123" in handset.text("1")
    assert handset.cookie == "session=" + "k" * 30


def test_missing_reply_in_a_call_gives_the_numbers(
    line: Line, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even without a reply in the table a caller hears the numbers, and the call ends in order."""
    client = make_client()

    def fail(*_: object) -> None:
        raise KeyError

    monkeypatch.setattr(type(line.conversation), "offer_languages", fail)
    twiml = Handset(client).call()
    assert "one one six, one two three" in spoken(twiml)
    assert twiml[-1].tag == "Hangup"


class Hanging(Counts):
    """Totals whose file is on a disk that does not answer."""

    def close(self) -> None:
        """Hang for longer than anybody waits."""
        threading.Event().wait(60)


def test_disk_that_hangs_keeps_no_server_from_ending(
    line: Line, store: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The day's totals are waited for, but not for ever."""
    monkeypatch.setattr(app, "LAST_WRITE_SECONDS", 0.1)
    verifier = SignatureVerifier(PUBLIC_URL, auth_tokens=[TOKEN])
    webhooks = Webhooks(line, store, verifier, session_time=timedelta(seconds=1800))
    counts = Hanging(None, lambda: date(2026, 11, 24))
    began = time.monotonic()
    with TestClient(create_app(webhooks, store, counts=counts)) as client:
        assert client.get("/healthz").status_code == 200
    assert time.monotonic() - began < 10


def test_quiet_minute_lets_sessions_end(
    line: Line, store: Watched, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has expired leaves memory though nobody calls, and whatever the counts' disk does."""
    monkeypatch.setattr(app, "TIDY_SECONDS", 0.02)
    verifier = SignatureVerifier(PUBLIC_URL, account_sid=ACCOUNT, auth_tokens=[TOKEN])
    webhooks = Webhooks(line, store, verifier, session_time=timedelta(seconds=1800))
    with TestClient(create_app(webhooks, store)) as client:
        Handset(client).text("hello")
        assert len(store.keys()) == 1
        clock.now += 1800
        deadline = time.monotonic() + 5
        while store.keys() and time.monotonic() < deadline:
            time.sleep(0.02)
    assert store.keys() == []


# --- health -------------------------------------------------------------------------------------


class Away(MemoryStore):
    """A store that does not answer."""

    async def degraded(self) -> str | None:
        """Say so."""
        return "redis: ConnectionError"

    async def load(self, key: str) -> str | None:
        """Fail as a store does."""
        raise SessionStoreError(key)


def test_health(client: TestClient, make_client: MakeClient, clock: Clock) -> None:
    """Both are 200 while callers are answered; what is degraded is named."""
    assert client.get("/healthz").text == "ok"
    assert client.get("/readyz").json() == {"status": "ready", "degraded": []}
    degraded = make_client(store=Away(clock)).get("/readyz")
    assert degraded.status_code == 200
    assert degraded.json() == {"status": "degraded", "degraded": ["redis: ConnectionError"]}


def test_leaflet_of_each_language(make_client: MakeClient, make_line: Callable[..., Line]) -> None:
    """A sheet to print has the line's number, the rules and the numbers, in its language."""
    client = make_client(line=make_line(REFERRAL_LINE_NUMBER="+447700900999"))
    english = client.get("/leaflet/en")
    assert english.status_code == 200
    assert english.headers["content-type"].startswith("text/html")
    for words in (
        'lang="en"',
        "07700 900999",
        "Don&#x27;t pay.",
        "116 123",
        "0800 555 111",
        "CEOP",
    ):
        assert words in english.text
    headings = re.findall(r"<h2>(.*?)</h2>", english.text)
    assert headings == [
        "I&#x27;m being blackmailed",
        "I&#x27;m under 18",
        "A child or someone else",
        "Talk to someone",
        "What this line keeps",
    ]
    assert "Nie płać" in client.get("/leaflet/PL").text
    assert client.get("/leaflet/xx").status_code == 404
    assert "07700" not in make_client().get("/leaflet/en").text


def test_simulator_is_not_there_unless_switched_on(client: TestClient) -> None:
    """A deployment without it has no simulator at all."""
    assert client.get("/simulator").status_code == 404
    assert client.post("/simulator/sms", json={"body": "hello"}).status_code == 404


def test_no_reply_repeats_what_the_caller_sent(handset: Handset) -> None:
    """Nothing the caller sends ever appears in a reply."""
    canary = "Zanzibar-4711"
    for _ in range(4):
        assert canary not in handset.text(f"my name is {canary}")


def test_positions_in_replies_are_known(line: Line) -> None:
    """Every path in every call leads to a position that exists."""
    for reply in line.table.voice.values():
        for element in ET.fromstring(reply.twiml).iter():  # noqa: S314 - our own reply
            path = element.attrib.get("action") or (
                element.text if element.tag == "Redirect" else None
            )
            if path:
                language, node, turn = path.removeprefix("/voice/").split("/")
                assert line.conversation.is_known(Position(language, node, int(turn)))
