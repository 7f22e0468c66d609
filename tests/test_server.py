"""The real server, over HTTP, with real signed requests, against a real Redis."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import httpx2
import pytest
from redis import Redis

from conftest import THREE, Server, free_port, start_redis
from handset import ACCOUNT, FORM, PUBLIC_URL, TOKEN, Handset, sign, spoken
from referral_line.cli.serving import KEEP_ALIVE_SECONDS
from referral_line.telemetry.logs import ALLOWED
from referral_line.web.inbound import READ_SECONDS

SERVE = {
    "TWILIO_ACCOUNT_SID": ACCOUNT,
    "TWILIO_AUTH_TOKEN": TOKEN,
    "REFERRAL_LINE_PUBLIC_URL": PUBLIC_URL,
}

StartServer = Callable[..., Server]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """Start servers as an operator would, and end them."""
    servers: list[Server] = []
    folder = tmp_path_factory.mktemp("server")

    def run(*options: str, **environ: str) -> Server:
        port = free_port()
        command = (sys.executable, "-m", "referral_line", "serve", "--port", str(port), *options)
        server = Server(
            *command, port=port, environ={**os.environ, **SERVE, **THREE, **environ}, folder=folder
        )
        servers.append(server)
        return server

    yield run
    for server in servers:
        server.stop()


@pytest.fixture(scope="module")
def server(start: StartServer, redis_server: Server) -> Server:
    """A server with its sessions in Redis."""
    return start(REDIS_URL=f"redis://127.0.0.1:{redis_server.port}/0")


@pytest.fixture
def client(server: Server) -> Iterator[httpx2.Client]:
    """A client of the server."""
    with httpx2.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=10) as client:
        yield client


def test_conversation_by_text_over_redis(client: httpx2.Client, redis_server: Server) -> None:
    """A conversation by text, in Polish, with its place in Redis, wiped at the end."""
    with Redis(port=redis_server.port) as redis:
        redis.flushall()
        handset = Handset(client)
        assert handset.text("hello").startswith("In danger now? Call 999.")
        assert handset.text("polski").endswith("\n0 English, Cymraeg")
        assert "101" in handset.text("1")
        (key,) = redis.keys()
        assert key.startswith(b"referral-line:session:")
        assert redis.get(key).startswith(b"pl/blackmailed/0 ")
        assert 0 < redis.ttl(key) <= 1800
        handset.text("9")
        handset.text("9")
        assert redis.keys() == []


def test_call_over_http(client: httpx2.Client) -> None:
    """A call in Welsh, by keys, from the choice of language to the numbers."""
    handset = Handset(client)
    assert "For English, press one." in spoken(handset.call())
    assert "naw naw naw" in spoken(handset.press("2"))
    handset.press("1")
    assert "Samaritans" in spoken(handset.press("6"))
    heard = [handset.press("") for _ in range(4)]
    assert heard[-1][-1].tag == "Hangup"


def test_unsigned_and_junk_over_http(client: httpx2.Client) -> None:
    """Unsigned is 403; junk that is signed is a reply that helps."""
    refused = client.post("/sms", content="Body=hello", headers={"content-type": FORM})
    assert refused.status_code == 403
    assert "999" in Handset(client).text("\x00\ufffd 🤷 ????")


def test_headers_tell_nothing_of_the_server(client: httpx2.Client) -> None:
    """No server header; replies are not to be kept by anyone on the way."""
    handset = Handset(client)
    handset.text("hello")
    assert handset.last is not None
    assert "server" not in handset.last.headers
    assert handset.last.headers["cache-control"] == "no-store"


def test_log_says_what_is_served_and_nothing_of_callers(
    client: httpx2.Client, server: Server
) -> None:
    """The log names languages, drafts and stale facts; no path, number or word of a caller."""
    handset = Handset(client, number="+447700900678")
    handset.text("my secret is Popocatepetl")
    handset.call("/voice/pl")
    client.post("/sms?Body=Popocatepetl", content="x=1", headers={"content-type": FORM})
    logged = server.output.read_text()
    lines = [json.loads(line) for line in logged.splitlines()]
    events = {line["event"]: line for line in lines}
    assert events["serving"]["languages"] == ["en", "cy", "pl"]
    assert events["machine drafts awaiting a native reviewer"]["languages"] == ["cy", "pl"]
    assert events["facts are due for confirmation: referral-line services check"]["count"] > 0
    assert all(line.keys() <= ALLOWED for line in lines)
    for trace in ("Popocatepetl", "900678", "/sms", "/voice", "POST"):
        assert trace not in logged


def test_redis_away_is_degraded_not_down(start: StartServer, tmp_path: Path) -> None:
    """When Redis ends in the middle of a conversation, callers go on; readyz and log say so."""
    redis = start_redis(tmp_path)
    server = start(REDIS_URL=f"redis://127.0.0.1:{redis.port}/0")
    with httpx2.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=10) as client:
        assert client.get("/readyz").json()["status"] == "ready"
        handset = Handset(client)
        handset.text("hello")
        redis.stop()
        begun = time.monotonic()
        assert "18 or over" in handset.text("1")
        assert time.monotonic() - begun < 5
        assert "I have paid" in handset.text("1")
        assert "For English" in spoken(handset.call())
        ready = client.get("/readyz")
        assert ready.status_code == 200
        assert ready.json()["status"] == "degraded"
        assert client.get("/healthz").status_code == 200
    assert "session store away" in server.output.read_text()


def test_half_sent_request_leaves_no_line_in_the_log(client: httpx2.Client, server: Server) -> None:
    """Whoever hangs up in the middle of a request can't fill the log."""
    with socket.create_connection(("127.0.0.1", server.port), 5) as connection:
        connection.sendall(
            b"POST /sms HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n"
            b"content-type: application/x-www-form-urlencoded\r\n\r\nBody="
        )
    time.sleep(0.5)  # the server hears of the hang-up a moment later
    assert client.get("/healthz").status_code == 200
    assert "a turn failed" not in server.output.read_text()


def test_memory_alone_is_said_plainly(start: StartServer) -> None:
    """Without REDIS_URL the log says where sessions are."""
    server = start()
    assert "sessions are in the memory of this one process" in server.output.read_text()
    with httpx2.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=10) as client:
        handset = Handset(client)
        handset.text("hello")
        assert "18 or over" in handset.text("1")


def test_redis_that_refuses_writes_is_degraded(start: StartServer, tmp_path: Path) -> None:
    """A Redis that is full answers reads; conversations go on in memory, and readyz says so."""
    redis = start_redis(tmp_path)
    server = start(REDIS_URL=f"redis://127.0.0.1:{redis.port}/0")
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=10) as client:
            handset = Handset(client)
            handset.text("hello")
            with Redis(port=redis.port) as admin:
                admin.config_set("maxmemory", 1)
            assert "18 or over" in handset.text("1")
            time.sleep(5.1)
            assert "I have paid" in handset.text("1")
            assert client.get("/readyz").json()["status"] == "degraded"
        assert server.output.read_text().count("session store is back") == 0
    finally:
        redis.stop()


def test_half_sent_request_does_not_keep_the_server_from_ending(start: StartServer) -> None:
    """A stranger who holds a request open delays the end of the server for a named time only."""
    server = start()
    with socket.create_connection(("127.0.0.1", server.port), 5) as connection:
        connection.sendall(
            b"POST /sms HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n"
            b"content-type: application/x-www-form-urlencoded\r\n\r\nBody="
        )
        server.process.terminate()
        server.process.wait(READ_SECONDS + 8)


def test_several_workers_share_redis(start: StartServer, redis_server: Server) -> None:
    """With two workers a conversation goes on whichever answers."""
    server = start("--workers", "2", REDIS_URL=f"redis://127.0.0.1:{redis_server.port}/0")
    for _ in range(6):
        with httpx2.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=10) as client:
            handset = Handset(client)
            handset.text("hello")
            assert "18 or over" in handset.text("1")


def test_server_ends_in_order(start: StartServer) -> None:
    """Asked to end, the server does, without a traceback."""
    server = start()
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(15) in {0, -signal.SIGTERM}
    assert "Traceback" not in server.output.read_text()


def test_idle_connection_outlives_a_proxys_patience(server: Server) -> None:
    """A proxy sends its next request into a connection it has kept; closed, a caller gets 502."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
    with closing(connection):
        connection.connect()
        connection.auto_open = 0  # it must not connect anew
        for pause in (0, 6):  # the server's own default would be five seconds
            time.sleep(pause)
            connection.request("GET", "/healthz")
            assert connection.getresponse().read() == b"ok"
    assert KEEP_ALIVE_SECONDS > 60


def test_server_process_that_can_not_start_tells_faults_without_a_traceback(
    tmp_path: Path,
) -> None:
    """As when a file is broken while the server runs and one of its processes is replaced."""
    code = "from referral_line.web.serving import app_from_environment as make; make()"
    (tmp_path / "script.toml").write_text("broken", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=False,
        env={**os.environ, **SERVE, "REFERRAL_LINE_CONTENT": str(tmp_path)},
        text=True,
    )
    assert done.returncode == 1
    assert "a server process can't start" in done.stderr
    assert "Traceback" not in done.stderr


MODULES = """
import sys
from referral_line.cli import main
sys.argv = ["referral-line", "serve"]
try:
    main()
except SystemExit:
    pass
print(*sorted(sys.modules))
"""


def test_process_that_answers_callers_can_not_speak_to_the_carriers_api() -> None:
    """Nothing of the room for it, nor of the libraries below, is loaded by ``serve``."""
    done = subprocess.run(
        [sys.executable, "-c", MODULES], capture_output=True, check=True, text=True
    )
    loaded = done.stdout.split()
    assert "referral_line.web.serving" in loaded
    apart = ("referral_line.carrier", "twilio.rest", "twilio.http", "requests", "crossplane")
    assert [name for name in loaded if name.startswith(apart)] == []


def test_slow_or_broken_requests_do_not_reach_the_log(
    client: httpx2.Client, server: Server
) -> None:
    """A request that is no HTTP is refused without its bytes in the log."""
    with socket.create_connection(("127.0.0.1", server.port), 5) as connection:
        connection.sendall(b"Chimborazo-4712\r\n\r\n")
        assert connection.recv(1000)
    assert client.get("/healthz").status_code == 200
    assert "Chimborazo" not in server.output.read_text()


def test_signature_is_of_the_public_url_not_of_the_port(
    client: httpx2.Client, server: Server
) -> None:
    """A signature for the address the server listens on is none of the public URL."""
    form = [("Body", "hello")]
    signature = sign("/sms", form, public_url=f"http://127.0.0.1:{server.port}")
    response = client.post(
        "/sms",
        content="Body=hello",
        headers={"content-type": FORM, "x-twilio-signature": signature},
    )
    assert response.status_code == 403
