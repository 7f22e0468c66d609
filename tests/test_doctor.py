"""The doctor: a sound deployment is well, a broken one is told everything, the worst first."""

import asyncio
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import count
from pathlib import Path
from urllib.parse import parse_qsl

import httpx2
import pytest
from click.testing import CliRunner
from redis import Redis
from twilio.request_validator import RequestValidator

from carrier_api import CarrierApi, refusal
from conftest import PROXY, ROOT, THREE, Server, free_port, shipped_proxy, start_nginx, start_redis
from handset import TOKEN
from referral_line.carrier.inspection import inspect_account
from referral_line.carrier.probing import (
    Secrets,
    check_clock,
    make_client,
    probe_line,
)
from referral_line.cli.commands import line as commands
from referral_line.errors import Danger, Finding, SettingsError
from referral_line.sessions.inspection import inspect_store
from referral_line.settings import load_settings
from referral_line.telemetry.proxy import check_proxy

NUMBER = "+447700900999"
CALLER = "+447700900461"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ACCOUNT = "AC" + "1" * 32
UNAVOIDABLE = {"languages-unreviewed", "facts-due"}
"""What is true of the content as shipped, whoever deploys it."""


def ids(found: list[Finding]) -> list[str]:
    """The kinds of findings."""
    return [finding.id for finding in found]


@dataclass
class Deployment:
    """A line behind a proxy with a certificate, its Redis, its number at the carrier."""

    folder: Path
    api: CarrierApi
    public_url: str
    redis: Server
    environ: dict[str, str]
    proxy_config: Path

    def doctor(self, *options: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Ask the doctor as a deployer would."""
        return subprocess.run(
            [
                *(sys.executable, "-m", "referral_line", "doctor"),
                *("--proxy-config", str(self.proxy_config), *options),
            ],
            capture_output=True,
            check=False,
            env={**self.environ, **environ},
            text=True,
            timeout=60,
        )


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A deployment with nothing wrong in it, but what is shipped unreviewed."""
    folder = tmp_path_factory.mktemp("doctor")
    (folder / "redis").mkdir()
    redis = start_redis(folder / "redis")
    port = free_port()
    proxy = start_nginx(folder, shipped_proxy(port, "localhost"), "localhost")
    public_url = f"https://localhost:{proxy.port}"
    with CarrierApi() as api:
        environ = {
            **os.environ,
            "SSL_CERT_FILE": str(folder / "full.pem"),
            "TWILIO_AUTH_TOKEN": TOKEN,
            "REFERRAL_LINE_PUBLIC_URL": public_url,
            "REFERRAL_LINE_NUMBER": NUMBER,
            "REDIS_URL": f"redis://127.0.0.1:{redis.port}/0",
            **THREE,
            **api.environ,
        }
        command = (sys.executable, "-m", "referral_line", "serve", "--port", str(port))
        server = Server(*command, port=port, environ=environ, folder=folder)
        add_sound_number(api, public_url)
        yield Deployment(folder, api, public_url, redis, environ, folder / "nginx.conf")
        server.stop()
    proxy.stop()
    redis.stop()


def add_sound_number(api: CarrierApi, public_url: str) -> dict[str, object]:
    """Add a number set as `number set` would, with a fallback in two TwiML Bins."""
    return api.add_number(
        NUMBER,
        sms_url=f"{public_url}/sms#rc=2",
        voice_url=f"{public_url}/voice#rc=2",
        sms_fallback_url="https://handler.twilio.com/twiml/EH1",
        voice_fallback_url="https://handler.twilio.com/twiml/EH2",
    )


def test_sound_deployment_is_well_but_for_what_is_shipped(deployment: Deployment) -> None:
    """Signed requests are answered through the proxy, the number is right, Redis keeps nothing."""
    done = deployment.doctor("--json")
    told = json.loads(done.stdout)
    serious = {each["id"] for each in told["findings"] if each["danger"] != "note"}
    assert serious == UNAVOIDABLE, done.stdout
    assert told["not_looked_at"] == []
    assert done.returncode == 1
    assert done.stderr == ""


def test_api_key_that_the_server_was_given_is_told_and_dropped(deployment: Deployment) -> None:
    """The process that answers callers says that it has no use for the key."""
    log = next(deployment.folder.glob("*.log")).parent
    logged = "".join(path.read_text(encoding="utf-8") for path in log.glob("[0-9]*.log"))
    assert "take it out of this environment" in logged
    assert "TWILIO_API_SECRET" in logged
    assert deployment.api.api_secret not in logged


def test_doctor_counts_as_no_caller(deployment: Deployment) -> None:
    """Its questions leave no session behind."""
    with Redis(port=deployment.redis.port) as redis:
        redis.flushall()
        deployment.doctor()
        assert redis.keys() == []


def test_ten_faults_and_more_are_told_at_once(deployment: Deployment, tmp_path: Path) -> None:
    """Each with its remedy, in order of danger; the exit code says that it is not well."""
    (number,) = deployment.api.numbers
    sound = dict(number)
    redis_folder = tmp_path / "redis"
    redis_folder.mkdir()
    # The hyphen marks an address that may be missing: it listens on this machine alone.
    redis = start_redis(
        redis_folder,
        *("--bind", "127.0.0.1 -192.0.2.1", "--protected-mode", "no"),
        *("--save", "60 1", "--appendonly", "yes"),
    )
    config = tmp_path / "nginx.conf"
    config.write_text(
        "http { access_log /var/log/nginx/access.log;\n"
        "server { server_name localhost; location / { proxy_pass http://127.0.0.1:8000; } } }",
        encoding="utf-8",
    )
    deployment.api.account["type"] = "Trial"
    number.update(
        sms_url="https://demo.twilio.com/welcome/sms/reply",
        voice_method="GET",
        sms_fallback_url="",
        voice_fallback_url=f"{deployment.public_url}/voice.xml",
        voice_caller_id_lookup=True,
        status_callback="https://crm.example.org/calls",
        voice_application_sid="AP" + "1" * 32,
    )
    deployment.api.add_message(NUMBER, CALLER, datetime.now(UTC) - timedelta(days=3))
    try:
        with Redis(port=redis.port) as client:
            client.set("referral-line:session:abc", "en/home/0 -")
            client.set("shop:basket", "1")
        broken = Deployment(
            tmp_path, deployment.api, deployment.public_url, redis, deployment.environ, config
        )
        wrong = {
            "TWILIO_AUTH_TOKEN": "another-token",
            "REDIS_URL": f"redis://127.0.0.1:{redis.port}/0",
            "REFERRAL_LINE_SESSION_SECONDS": "14400",
            "REFERRAL_LINE_SIMULATOR": "1",
            "REFERRAL_LINE_METRICS": "0.0.0.0:9464",
            "REFERRAL_LINE_TRANSFER": "crimestoppers",
        }
        done, text = broken.doctor("--json", **wrong), broken.doctor(**wrong)
    finally:
        number.update(sound)
        deployment.api.account["type"] = "Full"
        deployment.api.messages.clear()
        redis.stop()
    told = json.loads(done.stdout)["findings"]
    found = [(each["danger"], each["id"]) for each in told]
    assert set(found) - {("note", each["id"]) for each in told} == {
        ("down", "signature-refused"),
        ("down", "number-points-elsewhere"),
        ("down", "application-overrides"),
        ("exposed", "get-used"),
        ("exposed", "caller-name-look-up"),
        ("exposed", "status-callback"),
        ("exposed", "records-unswept"),
        ("exposed", "redis-appends-to-disk"),
        ("exposed", "redis-saves-to-disk"),
        ("exposed", "redis-open"),
        ("exposed", "session-without-end"),
        ("exposed", "proxy-access-log"),
        ("exposed", "proxy-error-log"),
        ("exposed", "proxy-writes-bodies"),
        ("risk", "no-fallback"),
        ("risk", "fallback-on-same-host"),
        ("risk", "trial-account"),
        ("risk", "redis-shared"),
        ("risk", "session-time-long"),
        ("risk", "simulator-on"),
        ("risk", "metrics-open"),
        ("risk", "setting-unknown"),
        ("risk", "languages-unreviewed"),
        ("risk", "facts-due"),
    }
    order = [danger.value for danger in Danger]
    assert [danger for danger, _ in found] == sorted((each for each, _ in found), key=order.index)
    assert all(each["text"] and each["remedy"] for each in told)
    assert done.returncode == text.returncode == 1
    heads = [line for line in text.stdout.splitlines() if not line.startswith(" ")]
    assert [head.partition(":")[0] for head in heads[:4]] == ["DOWN", "EXPOSED", "RISK", "NOTE"]
    for each in told:
        assert f"  {each['id']}: " in text.stdout
    for secret in (CALLER, "another-token", deployment.api.api_secret):
        assert secret not in done.stdout + done.stderr + text.stdout + text.stderr


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        pytest.param({}, ["setting-wrong"] * 3, id="nothing is set"),
        pytest.param(
            {
                "TWILIO_ACCOUNT_SID": ACCOUNT,
                "TWILIO_AUTH_TOKEN": "t",
                "REFERRAL_LINE_PUBLIC_URL": "line.example.org",
                "REFERRAL_LINE_SESSION_SECONDS": "many",
                "REDIS_URL": "http://localhost",
            },
            ["setting-wrong"] * 3,
            id="wrong values",
        ),
        pytest.param(
            {"REFERRAL_LINE_CONTENT": "tests"},
            ["content-faulty"],
            id="no content",
        ),
        pytest.param(
            {"REFERRAL_LINE_COUNTS_FILE": "nowhere/counts.jsonl"},
            ["setting-wrong"],
            id="no place for counts",
        ),
    ],
)
def test_what_is_wrong_with_the_settings_is_told(
    environ: dict[str, str], found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it, and the rest is looked at all the same."""
    for name, value in {"REFERRAL_LINE_CARRIER_API_URL": "http://127.0.0.1:9", **THREE}.items():
        monkeypatch.setenv(name, value)
    if "REFERRAL_LINE_CONTENT" in environ:
        environ = environ | {"REFERRAL_LINE_CONTENT": str(ROOT / "tests")}
    done = CliRunner().invoke(commands, ["doctor", "--json"], env=environ)
    told = json.loads(done.stdout)
    wrong = [each for each in told["findings"] if each["id"] == found[0]]
    assert len(wrong) >= len(found)
    assert all(each["danger"] == "down" and each["remedy"] for each in wrong)
    assert "this machine's limits and swap" in told["looked_at"]
    assert done.exit_code == 1


# --- the webhooks --------------------------------------------------------------------------------

SECRETS = Secrets(ACCOUNT, ["token"], [])
TWIML = {
    "sms": "<Response><Message>999</Message></Response>",
    "voice": "<Response><Gather><Say>999</Say></Gather></Response>",
}
Handler = Callable[[httpx2.Request], httpx2.Response]


def well(request: httpx2.Request) -> httpx2.Response:
    """Answer as the line does."""
    if request.url.path == "/readyz":
        return httpx2.Response(200, json={"status": "ready", "degraded": []})
    if "x-twilio-signature" not in request.headers:
        return httpx2.Response(403)
    kind = request.url.path.split("/")[1]
    headers = {"content-type": "text/xml", **({"set-cookie": "s=1"} if kind == "sms" else {})}
    return httpx2.Response(200, text=TWIML[kind], headers=headers)


def probe(handler: Handler, url: str = "https://line.example.org") -> list[Finding]:
    """Probe a line that answers so."""
    with httpx2.Client(transport=httpx2.MockTransport(handler)) as client:
        return probe_line(url, SECRETS, client, now=NOW)


def always(response: Callable[[], httpx2.Response]) -> Handler:
    """Answer everything alike."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        del request
        return response()

    return answer


def refuse(request: httpx2.Request) -> httpx2.Response:
    """Let no connection come about."""
    raise httpx2.ConnectError(request.method, request=request)


def degraded(request: httpx2.Request) -> httpx2.Response:
    """Answer as a line whose Redis is away."""
    if request.url.path == "/readyz":
        return httpx2.Response(200, json={"status": "degraded", "degraded": ["redis: away"]})
    return well(request)


def without_cookie(request: httpx2.Request) -> httpx2.Response:
    """Answer as behind a proxy that takes cookies away."""
    answer = well(request)
    answer.headers.pop("set-cookie", None)
    return answer


def with_old_token(request: httpx2.Request) -> httpx2.Response:
    """Answer as a server that knows the older of two tokens alone."""
    form = dict(parse_qsl(request.content.decode()))
    signed = RequestValidator("token").compute_signature(str(request.url), form)
    is_old = request.headers.get("x-twilio-signature") == signed
    return well(request) if is_old or request.method == "GET" else httpx2.Response(403)


def small(request: httpx2.Request) -> httpx2.Response:
    """Answer as a proxy that lets only small requests through."""
    return httpx2.Response(413) if len(request.content) > 8000 else well(request)


def open_to_all(request: httpx2.Request) -> httpx2.Response:
    """Answer without a look at the signature."""
    request.headers["x-twilio-signature"] = "any"
    return well(request)


@pytest.mark.parametrize(
    ("handler", "found"),
    [
        pytest.param(well, [], id="well"),
        pytest.param(refuse, ["webhook-unreachable"], id="unreachable"),
        pytest.param(
            always(lambda: httpx2.Response(403)), ["signature-refused"] * 2, id="signature"
        ),
        pytest.param(
            always(lambda: httpx2.Response(301, headers={"location": "/"})),
            ["webhook-redirects"] * 2,
            id="redirect",
        ),
        pytest.param(always(lambda: httpx2.Response(404)), ["webhook-not-there"] * 2, id="404"),
        pytest.param(always(lambda: httpx2.Response(405)), ["webhook-not-there"] * 2, id="405"),
        pytest.param(always(lambda: httpx2.Response(502)), ["webhook-fails"] * 2, id="502"),
        pytest.param(
            always(lambda: httpx2.Response(200, text="<html><p>Hello")),
            ["webhook-not-ours", "unsigned-answered", "webhook-not-ours"],
            id="another site",
        ),
        pytest.param(
            always(lambda: httpx2.Response(200, text="<Response/>")),
            ["webhook-not-ours", "unsigned-answered", "webhook-not-ours"],
            id="empty TwiML",
        ),
        pytest.param(degraded, ["degraded"], id="degraded"),
        pytest.param(open_to_all, ["unsigned-answered"], id="open to all"),
        pytest.param(without_cookie, ["cookie-lost"], id="cookie lost"),
        pytest.param(small, ["webhook-fails"], id="small requests alone"),
    ],
)
def test_webhooks_are_judged_by_what_they_answer(handler: Handler, found: list[str]) -> None:
    """Each way to go wrong has a name, and what callers don't get is down."""
    answers = probe(handler)
    assert ids(answers) == found
    for finding in answers:
        is_down = finding.id not in {"degraded", "unsigned-answered"}
        assert (finding.danger is Danger.DOWN) is is_down


def test_server_that_lacks_the_new_token_is_told_as_that() -> None:
    """While a token is rotated callers are answered with the old one; soon they would not be."""
    secrets = Secrets(ACCOUNT, ["new-token", "token"], [])
    with httpx2.Client(transport=httpx2.MockTransport(with_old_token)) as client:
        found = probe_line("https://line.example.org", secrets, client, now=NOW)
    assert ids(found) == ["secret-unknown"] * 2
    assert all(finding.danger is Danger.RISK for finding in found)


def test_plain_http_is_told() -> None:
    """Everything may work, and every word is in the clear."""
    assert ids(probe(well, "http://line.example.org")) == ["not-https"]


def test_slow_answers_are_told() -> None:
    """An answer that takes as long as the carrier is told to wait is too slow."""
    ticks = count(step=4)
    with httpx2.Client(transport=httpx2.MockTransport(well)) as client:
        found = probe_line(
            "https://line.example.org",
            SECRETS,
            client,
            now=NOW,
            clock=lambda: float(next(ticks)),
        )
    assert ids(found) == ["webhook-slow"] * 2
    assert "4.0 seconds" in found[0].text


@pytest.mark.parametrize(
    ("server_url", "public_url"),
    [
        ("http://localhost:{port}", "https://localhost:{port}"),
        ("https://localhost", "https://localhost:{port}"),
        ("https://localhost:{port}", "https://localhost:{port}/line"),
    ],
    ids=["scheme", "port", "path"],
)
def test_server_that_believes_in_another_address_is_named(
    tmp_path: Path, server_url: str, public_url: str
) -> None:
    """The commonest mistake behind a proxy: the doctor says which address the server believes."""
    port = free_port()
    proxy = start_nginx(tmp_path, shipped_proxy(port, "localhost"), "localhost")
    server_url, public_url = (
        each.replace("{port}", str(proxy.port)) for each in (server_url, public_url)
    )
    environ = {
        **os.environ,
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": "token",
        "REFERRAL_LINE_PUBLIC_URL": server_url,
        "REFERRAL_LINE_LANGUAGES": "en",
    }
    command = (sys.executable, "-m", "referral_line", "serve", "--port", str(port))
    server = Server(*command, port=port, environ=environ, folder=tmp_path)
    try:
        done = CliRunner().invoke(
            commands,
            ["doctor", "--json", "--proxy-config", str(tmp_path / "nginx.conf")],
            env={
                **environ,
                "REFERRAL_LINE_PUBLIC_URL": public_url,
                "REFERRAL_LINE_CARRIER_API_URL": "http://127.0.0.1:9",
                "SSL_CERT_FILE": str(tmp_path / "full.pem"),
            },
        )
    finally:
        server.stop()
        proxy.stop()
    (wrong, *_) = json.loads(done.stdout)["findings"]
    if public_url.endswith("/line"):
        assert wrong["id"] == "webhook-not-there"
    elif server_url.startswith("http:") or ":" not in server_url.removeprefix("https://"):
        assert wrong["id"] == "signature-refused"
        assert f"believes that its address is {server_url}" in wrong["text"]
    assert public_url in wrong["text"] + wrong["remedy"]


def test_certificate_that_ends_soon_is_told(tmp_path: Path) -> None:
    """Two weeks before callers would hear nothing; one that is not trusted is told at once."""
    folder = tmp_path / "nginx"
    folder.mkdir()
    block = (
        "server { listen 127.0.0.1:{port} ssl; ssl_certificate {folder}/full.pem;"
        "ssl_certificate_key {folder}/key.pem; location / { return 403; } }"
    )
    proxy = start_nginx(folder, block, "localhost", days=3)
    url = f"https://localhost:{proxy.port}"
    try:
        context = ssl.create_default_context(cafile=str(folder / "full.pem"))
        with httpx2.Client(verify=context) as client:
            known = ids(probe_line(url, SECRETS, client, now=datetime.now(UTC)))
        with make_client() as client:
            (stranger,) = probe_line(url, SECRETS, client, now=datetime.now(UTC))
    finally:
        proxy.stop()
    assert known == ["signature-refused", "certificate-ends", "signature-refused"]
    assert stranger.id == "webhook-unreachable"
    assert "its certificate is not valid" in stranger.text


@pytest.mark.parametrize(
    ("seconds", "found"),
    [(0, []), (59, []), (-300, ["clock-skew"]), (7200, ["clock-skew"])],
)
def test_clock_is_compared_with_the_carriers(seconds: int, found: list[str]) -> None:
    """A minute is no matter; five are, either way."""
    date = format_datetime(NOW - timedelta(seconds=seconds), usegmt=True)
    handler = always(lambda: httpx2.Response(401, headers={"date": date}))
    with httpx2.Client(transport=httpx2.MockTransport(handler)) as client:
        skew = check_clock("https://api.example.org", client, now=NOW)
    assert ids(skew) == found
    for finding in skew:
        assert ("ahead" if seconds > 0 else "behind") in finding.text


def test_clock_of_nobody_is_no_finding() -> None:
    """Without an answer, or without a date in it, there is nothing to compare."""
    for handler in (refuse, always(lambda: httpx2.Response(200))):
        with httpx2.Client(transport=httpx2.MockTransport(handler)) as client:
            assert check_clock("https://api.example.org", client, now=NOW) == []


# --- the carrier ---------------------------------------------------------------------------------


@pytest.fixture
def api() -> Iterator[CarrierApi]:
    """An account of its own."""
    with CarrierApi() as api:
        yield api


def inspect(
    api: CarrierApi, handler: Handler = refuse, environ: Mapping[str, str] | None = None
) -> list[Finding]:
    """Inspect the account, with fallbacks that answer so."""
    given = {
        **api.environ,
        "REFERRAL_LINE_PUBLIC_URL": "https://line.example.org",
        "REFERRAL_LINE_NUMBER": NUMBER,
        **(environ or {}),
    }
    with httpx2.Client(transport=httpx2.MockTransport(handler)) as client:
        return inspect_account(load_settings(given), client, now=NOW).found


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        pytest.param({}, [], id="sound"),
        pytest.param(
            {"sms_url": "https://line.example.org/sms/cy#rc=2"}, [], id="one language alone"
        ),
        pytest.param({"sms_url": ""}, ["number-points-elsewhere"], id="points nowhere"),
        pytest.param(
            {"sms_url": "https://line.example.org/sms/welsh#rc=2"},
            ["number-language-unknown"],
            id="no such language",
        ),
        pytest.param(
            {"voice_url": "https://line.example.org/voice"}, ["no-second-try"], id="no overrides"
        ),
        pytest.param(
            {"voice_url": "https://line.example.org/voice#rc=0"}, ["no-second-try"], id="one try"
        ),
        pytest.param(
            {"voice_url": "https://line.example.org/voice#rt=100&rc=2"},
            ["little-patience"],
            id="little patience",
        ),
        pytest.param(
            {"sms_fallback_url": "http://other.example.org/sms.xml"},
            ["fallback-not-https"],
            id="fallback in the clear",
        ),
        pytest.param({"sms_method": "GET"}, ["get-used"], id="GET"),
        pytest.param({"voice_fallback_method": "GET"}, ["get-used"], id="GET for the fallback"),
        pytest.param({"trunk_sid": "TK" + "1" * 32}, ["application-overrides"], id="trunk"),
        pytest.param({"voice_receive_mode": "fax"}, ["number-takes-faxes"], id="fax"),
        pytest.param(
            {"capabilities": {"sms": False, "mms": False, "voice": True, "fax": False}},
            ["number-cannot"],
            id="no texts",
        ),
        pytest.param({"sms_fallback_url": ""}, ["no-fallback"], id="no fallback"),
        pytest.param(
            {"sms_fallback_url": "https://other.example.org/sms.xml"},
            ["fallback-fails"],
            id="fallback away",
        ),
    ],
)
def test_number_is_judged_by_its_settings(
    api: CarrierApi, fields: dict[str, object], found: list[str]
) -> None:
    """Each setting that would leave callers unanswered, or seen, has its finding and remedy."""
    add_sound_number(api, "https://line.example.org").update(fields)
    answers = inspect(api)
    assert ids(answers) == found
    assert all(finding.remedy for finding in answers)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        pytest.param(httpx2.Response(200, text=TWIML["sms"]), None, id="sound"),
        pytest.param(httpx2.Response(405), "answers 405", id="GET alone"),
        pytest.param(httpx2.Response(200, text="hello"), "gives no TwiML", id="no TwiML"),
        pytest.param(
            httpx2.Response(200, text=TWIML["voice"]), "gives no TwiML for texts", id="for calls"
        ),
    ],
)
def test_fallback_is_asked_as_the_carrier_asks(
    api: CarrierApi, answer: httpx2.Response, text: str | None
) -> None:
    """By POST, and with nothing of a caller; it must give TwiML of the right kind."""
    add_sound_number(api, "https://line.example.org").update(
        sms_fallback_url="https://other.example.org/sms.xml"
    )
    asked: list[httpx2.Request] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return answer

    found = inspect(api, handler)
    assert [request.method for request in asked] == ["POST"]
    assert bool(found) is (text is not None)
    assert all(text is not None and text in finding.text for finding in found)


def test_account_that_is_suspended_is_told(api: CarrierApi) -> None:
    """Nothing is passed on then, however sound the rest is."""
    add_sound_number(api, "https://line.example.org")
    api.account["status"] = "suspended"
    assert ids(inspect(api)) == ["account-not-active"]


def test_refused_credentials_are_told(api: CarrierApi) -> None:
    """With what to do, and without the secret."""
    (finding,) = inspect(api, environ={"TWILIO_API_SECRET": "wrong-secret"})
    assert finding.id == "carrier-refuses"
    assert "20003" in finding.text
    assert "wrong-secret" not in finding.text


def test_lesser_key_is_good_enough(api: CarrierApi) -> None:
    """A key that may not see the account itself, as standard and restricted ones, is no fault."""
    add_sound_number(api, "https://line.example.org")
    api.fail(refusal(401, 20003), path=f"Accounts/{api.account_sid}.json")
    assert inspect(api) == []


def test_number_of_somebody_else_is_told(api: CarrierApi) -> None:
    """The account does not have the number that the line is said to have."""
    (finding,) = inspect(api)
    assert finding.id == "carrier-refuses"
    assert "no number of this account" in finding.text


def test_account_token_instead_of_a_key_is_noted(api: CarrierApi) -> None:
    """It works; a key could be limited and withdrawn."""
    add_sound_number(api, "https://line.example.org")
    environ = {"TWILIO_API_KEY": "", "TWILIO_API_SECRET": "", "TWILIO_AUTH_TOKEN": api.auth_token}
    (finding,) = inspect(api, environ=environ)
    assert finding.id == "carrier-credentials"
    assert finding.danger is Danger.NOTE


def test_records_that_nobody_sweeps_are_told(api: CarrierApi) -> None:
    """Texts and calls of more than a day, counted; younger ones are the sweep's business."""
    add_sound_number(api, "https://line.example.org")
    api.add_message(NUMBER, CALLER, NOW - timedelta(hours=3))
    assert inspect(api) == []
    api.add_message(NUMBER, CALLER, NOW - timedelta(days=2))
    api.add_call(NUMBER, CALLER, NOW - timedelta(days=40))
    (finding,) = inspect(api)
    assert finding.id == "records-unswept"
    assert finding.text.startswith("1 texts and 1 calls")


def test_records_that_can_t_be_listed_are_told(api: CarrierApi) -> None:
    """A key that may not list them leaves a doubt, which is told as one."""
    add_sound_number(api, "https://line.example.org")
    api.fail(refusal(403, 20403), path="Messages", times=10)
    assert ids(inspect(api)) == ["records-unseen"]


def test_missing_credentials_are_not_looked_at(api: CarrierApi) -> None:
    """Without a key and a token the number is left out, and that is said."""
    settings = load_settings({"TWILIO_ACCOUNT_SID": api.account_sid})
    with make_client() as client:
        inspection = inspect_account(settings, client, now=NOW)
    assert inspection.found == []
    assert "TWILIO_API_KEY is not set" in inspection.not_looked_at[0]


# --- redis ---------------------------------------------------------------------------------------


def inspect_redis(url: str, seconds: int = 1800) -> list[Finding]:
    """Inspect a Redis."""
    return asyncio.run(inspect_store(url, seconds))


def test_redis_that_keeps_nothing_is_well(redis_server: Server) -> None:
    """Without persistence, on this machine alone, with sessions that end."""
    with Redis(port=redis_server.port) as redis:
        redis.flushall()
        redis.set("referral-line:session:abc", "en/home/0 -", ex=1800)
    assert inspect_redis(f"redis://127.0.0.1:{redis_server.port}/0") == []


def test_sessions_that_outlive_the_setting_are_told(redis_server: Server) -> None:
    """A key that lives longer than it should was written by another setting, or by others."""
    with Redis(port=redis_server.port) as redis:
        redis.flushall()
        redis.set("referral-line:session:abc", "en/home/0 -", ex=14400)
        assert ids(inspect_redis(f"redis://127.0.0.1:{redis_server.port}/0")) == [
            "session-lives-long"
        ]
        redis.flushall()


def test_redis_that_is_away_is_told() -> None:
    """Its name alone, and never the URL, which may hold a password."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"redis://:secret-word@127.0.0.1:{unused.getsockname()[1]}/0"
        (finding,) = inspect_redis(url)
    assert finding.id == "redis-away"
    assert "secret-word" not in finding.text + finding.remedy


def test_redis_with_a_wrong_password_is_told(tmp_path: Path) -> None:
    """As away: the line can't use it; with the right one nothing is wrong."""
    redis = start_redis(tmp_path, "--requirepass", "right-word", "--bind", "127.0.0.1 -192.0.2.1")
    try:
        assert ids(inspect_redis(f"redis://:wrong-word@127.0.0.1:{redis.port}/0")) == ["redis-away"]
        assert inspect_redis(f"redis://:right-word@127.0.0.1:{redis.port}/0") == []
        with Redis(port=redis.port, password="right-word") as client:
            client.config_set("protected-mode", "no")
        assert inspect_redis(f"redis://:right-word@127.0.0.1:{redis.port}/0") == []
    finally:
        redis.stop()


def test_redis_that_hides_its_settings_is_noted(tmp_path: Path) -> None:
    """As managed servers do: what can't be seen is said, and nothing is claimed."""
    redis = start_redis(tmp_path, "--rename-command", "CONFIG", "")
    try:
        (finding,) = inspect_redis(f"redis://127.0.0.1:{redis.port}/0")
    finally:
        redis.stop()
    assert finding.id == "redis-tells-no-settings"
    assert finding.danger is Danger.NOTE


def test_redis_elsewhere_in_the_clear_is_told(redis_server: Server) -> None:
    """A host that is not this machine by its name counts as another one: it needs TLS, a password.

    The name leads here all the same, so the doctor reaches it.
    """
    with Redis(port=redis_server.port) as redis:
        redis.flushall()
    name = socket.gethostname()
    try:
        address = socket.gethostbyname(name)
    except OSError:
        address = ""
    if not address.startswith("127."):
        name = "localhost."  # a name all the same, with the root's dot
    found = ids(inspect_redis(f"redis://{name}:{redis_server.port}/0"))
    assert found == ["redis-unencrypted", "redis-open"]


def test_wrong_url_of_redis_is_a_setting() -> None:
    """Told as such by whoever asks."""
    with pytest.raises(SettingsError):
        inspect_redis("http://localhost")


# --- the proxy -----------------------------------------------------------------------------------

SOUND = "access_log off; error_log /dev/null emerg; client_body_buffer_size 80k;"
PASS = "location / { proxy_pass http://127.0.0.1:8000; }"


@pytest.mark.parametrize(
    ("config", "found"),
    [
        pytest.param(f"server {{ {SOUND} {PASS} }}", [], id="nginx, one server"),
        pytest.param(
            f"http {{ access_log /var/log/a; error_log /var/log/e; server {{ {SOUND} {PASS} }} }}",
            [],
            id="nginx, overruled",
        ),
        pytest.param(
            f"http {{ {SOUND} server {{ access_log syslog:server=x; {PASS} }} }}",
            ["proxy-access-log"],
            id="nginx, switched on again",
        ),
        pytest.param(
            f"http {{ server {{ {PASS} }} }}",
            ["proxy-access-log", "proxy-error-log", "proxy-writes-bodies"],
            id="nginx, nothing said",
        ),
        pytest.param(
            f"http {{ {SOUND} server {{ error_log /var/log/e warn; {PASS} }} }}",
            ["proxy-error-log"],
            id="nginx, error log",
        ),
        pytest.param(
            f"http {{ server {{ server_name shop.example.org; {PASS} }}"
            f"server {{ server_name line.example.org; {SOUND} {PASS} }} }}",
            [],
            id="nginx, somebody else's server beside ours",
        ),
        pytest.param("http { server { root /var/www; } }", ["proxy-unknown"], id="nginx, no proxy"),
        pytest.param("http { server { ", ["proxy-unread", "proxy-unknown"], id="nginx, broken"),
        pytest.param(
            "line.example.org {\n  reverse_proxy 127.0.0.1:8000\n}", [], id="caddy, silent"
        ),
        pytest.param(
            "line.example.org {\n  log {\n    output file /var/log/x\n  }\n"
            "  reverse_proxy 127.0.0.1:8000\n}",
            ["proxy-access-log"],
            id="caddy, logging",
        ),
        pytest.param(
            "<VirtualHost *:443>\nProxyPass / http://127.0.0.1:8000/\n"
            "CustomLog /var/log/x combined\n</VirtualHost>",
            ["proxy-access-log"],
            id="apache",
        ),
        pytest.param(
            "frontend line\n  option httplog\n  bind :443\nbackend b\n  server a 127.0.0.1:8000",
            ["proxy-access-log"],
            id="haproxy",
        ),
        pytest.param("# nothing\n", ["proxy-unknown"], id="none of them"),
    ],
)
def test_proxy_is_judged_by_its_configuration(
    tmp_path: Path, config: str, found: list[str]
) -> None:
    """What it would write down of a request, with file and line where there is one."""
    path = tmp_path / "proxy.conf"
    path.write_text(config, encoding="utf-8")
    answers = check_proxy([path], "line.example.org")
    assert ids(answers) == found
    assert all(str(path) in finding.text for finding in answers)


def test_what_a_proxy_includes_is_read_too(tmp_path: Path) -> None:
    """As on common systems, where each site has a file of its own."""
    (tmp_path / "sites").mkdir()
    (tmp_path / "sites" / "line").write_text(
        f"server {{ {SOUND}\n access_log /var/log/mine;\n {PASS} }}", encoding="utf-8"
    )
    main = tmp_path / "nginx.conf"
    main.write_text("http { include sites/*; }", encoding="utf-8")
    (finding,) = check_proxy([main], "line.example.org")
    assert f"{tmp_path / 'sites' / 'line'}:2" in finding.text


def test_shipped_proxy_configuration_is_well() -> None:
    """What we tell deployers to take passes our own check."""
    assert check_proxy([PROXY], "line.example.org") == []


@pytest.mark.parametrize(
    "config", [PROXY, ROOT / "deploy" / "fallback" / "nginx.conf"], ids=["proxy", "fallback"]
)
def test_shipped_configuration_starts_under_systemd(tmp_path: Path, config: Path) -> None:
    """There an error log can't be opened by path: stderr is a socket to the journal."""
    (tmp_path / "full.pem").touch()
    start_nginx(tmp_path, "server { listen 127.0.0.1:{port}; }", "localhost").stop()
    block = config.read_text(encoding="utf-8")
    for name in re.findall(r"ssl_certificate(?:_key)?\s+(\S+);", block):
        block = block.replace(name, str(tmp_path / ("key.pem" if "key" in name else "full.pem")))
    main = (tmp_path / "nginx.conf").read_text(encoding="utf-8")
    ours, count = re.subn(r"server \{ listen .*\}", lambda _: block, main)
    assert count == 1
    (tmp_path / "nginx.conf").write_text(ours, encoding="utf-8")
    journal, stderr = socket.socketpair()
    with journal, stderr:
        done = subprocess.run(
            [
                str(shutil.which("nginx")),
                "-t",
                "-p",
                str(tmp_path),
                "-c",
                str(tmp_path / "nginx.conf"),
            ],
            check=False,
            stderr=stderr.fileno(),
        )
        told = journal.recv(65536).decode()
    assert done.returncode == 0, told


def test_doctor_makes_no_file(deployment: Deployment, tmp_path: Path) -> None:
    """It often runs as another user: a file of its own would shut the server out."""
    counts = tmp_path / "counts.jsonl"
    done = deployment.doctor("--json", REFERRAL_LINE_COUNTS_FILE=str(counts))
    assert "REFERRAL_LINE_COUNTS_FILE" not in done.stdout
    assert not counts.exists()


def test_proxy_configuration_that_is_not_there_is_told(tmp_path: Path) -> None:
    """Nothing is claimed of what was not read."""
    (finding,) = check_proxy([tmp_path / "none"], "line.example.org")
    assert finding.id == "proxy-unread"
    assert finding.danger is Danger.NOTE
