"""Metrics: what they tell of the machine, that they tell nothing of callers, how to read them."""

import json
import multiprocessing
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import httpx2
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from conftest import ROOT, Server, free_port
from handset import ACCOUNT, FORM, PUBLIC_URL, TOKEN, Handset
from referral_line import __version__
from referral_line.content.model import Channel
from referral_line.errors import SettingsError
from referral_line.telemetry.metrics import (
    BUCKETS,
    CHANNELS,
    OUTCOMES,
    Metrics,
    check_metrics_environment,
    serve_metrics,
)
from referral_line.web.observing import Outcome

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
DASHBOARD = ROOT / "deploy" / "grafana.json"
PROMETHEUS = ROOT / "deploy" / "prometheus.yml"

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def parse(text: str) -> Samples:
    """The samples of an exposition, by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def sample(samples: Samples, name: str, **labels: str) -> float:
    """The value of one series."""
    return samples[f"referral_line_{name}", frozenset(labels.items())]


@pytest.fixture
def registry() -> CollectorRegistry:
    """A registry of a test's own."""
    return CollectorRegistry()


def exposed(registry: CollectorRegistry) -> Samples:
    """What a registry exposes."""
    return parse(generate_latest(registry).decode())


def test_every_series_is_there_from_the_start(registry: CollectorRegistry) -> None:
    """Each combination of labels begins at nought, with the store up; no other label exists."""
    Metrics(registry)
    samples = exposed(registry)
    up = ("referral_line_store_up", frozenset[tuple[str, str]]())
    assert samples.pop(up) == 1
    assert set(samples.values()) == {0.0}
    assert {labels for name, labels in samples if name == "referral_line_turns_total"} == {
        frozenset({("channel", channel), ("outcome", outcome)})
        for channel in CHANNELS
        for outcome in OUTCOMES
    }
    assert {label for _, labels in samples for label, _ in labels} == {"channel", "outcome", "le"}


def test_labels_are_those_of_the_web(registry: CollectorRegistry) -> None:
    """Channels and outcomes have one set of names: noting any of them adds no series."""
    metrics = Metrics(registry)
    before = set(exposed(registry))
    for channel in Channel:
        for outcome in Outcome:
            metrics.turn(channel, outcome, 0.1)
    assert set(exposed(registry)) == before


def test_turn_is_counted_and_timed(registry: CollectorRegistry) -> None:
    """A turn adds one to its channel and outcome, and its time to its channel."""
    metrics = Metrics(registry)
    metrics.turn("sms", "answered", 0.3)
    metrics.turn("sms", "failed", 20.0)
    samples = exposed(registry)
    assert sample(samples, "turns_total", channel="sms", outcome="answered") == 1
    assert sample(samples, "turns_total", channel="sms", outcome="failed") == 1
    assert sample(samples, "turns_total", channel="voice", outcome="answered") == 0
    assert sample(samples, "turn_seconds_count", channel="sms") == 2
    assert sample(samples, "turn_seconds_bucket", channel="sms", le="0.25") == 0
    assert sample(samples, "turn_seconds_bucket", channel="sms", le="0.5") == 1
    assert sample(samples, "turn_seconds_bucket", channel="sms", le="15.0") == 1
    assert sample(samples, "turn_seconds_bucket", channel="sms", le="+Inf") == 2
    assert BUCKETS[-1] == 15


def test_refused_turns_have_no_part_in_the_times(registry: CollectorRegistry) -> None:
    """A scan of the internet can't hide that callers wait."""
    Metrics(registry).turn("voice", "refused", 0.001)
    samples = exposed(registry)
    assert sample(samples, "turns_total", channel="voice", outcome="refused") == 1
    assert sample(samples, "turn_seconds_count", channel="voice") == 0


def test_store_is_up_or_not(registry: CollectorRegistry) -> None:
    """The gauge follows the store."""
    metrics = Metrics(registry)
    metrics.store(is_up=False)
    assert sample(exposed(registry), "store_up") == 0
    metrics.store(is_up=True)
    assert sample(exposed(registry), "store_up") == 1


def test_several_in_one_process_add_to_the_same_numbers(registry: CollectorRegistry) -> None:
    """Whoever makes them again gets the same series, not an error."""
    for _ in range(2):
        Metrics(registry).turn("sms", "answered", 0.1)
    assert sample(exposed(registry), "turns_total", channel="sms", outcome="answered") == 2


def get(port: int, path: str = "/metrics", **headers: str) -> httpx2.Response:
    """Ask for a path."""
    return httpx2.get(f"http://127.0.0.1:{port}{path}", headers=headers, timeout=10)


def test_one_worker_serves_its_own_numbers(capfd: pytest.CaptureFixture[str]) -> None:
    """What this process measures is at /metrics while the server runs, and not afterwards."""
    port = free_port()
    metrics = Metrics()
    with serve_metrics(f"127.0.0.1:{port}", workers=1):
        assert FOLDER not in os.environ
        before = sample(parse(get(port).text), "turns_total", channel="sms", outcome="answered")
        metrics.turn("sms", "answered", 0.1)
        response = get(port)
        samples = parse(response.text)
        assert response.headers["content-type"].startswith("text/plain")
        assert sample(samples, "turns_total", channel="sms", outcome="answered") == before + 1
        assert sample(samples, "build_info", version=__version__) == 1
    with pytest.raises(httpx2.ConnectError):
        get(port)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "accept", ["text/plain", "application/openmetrics-text; version=1.0.0"], ids=["text", "open"]
)
def test_nothing_tells_when_a_series_began(accept: str) -> None:
    """No form of the exposition has creation times or time stamps."""
    port = free_port()
    Metrics().turn("sms", "answered", 0.1)
    with serve_metrics(f"127.0.0.1:{port}", workers=1):
        text = get(port, Accept=accept).text
    assert "referral_line_turns_total" in text
    assert "_created" not in text
    for line in text.splitlines():
        assert line.startswith("#") or len(line.rsplit("}", 1)[-1].split()) <= 2, line


@pytest.mark.parametrize("path", ["/", "/metrics/", "/metrics?name[]=up", "/favicon.ico", "/x"])
def test_other_paths_are_not_found(path: str) -> None:
    """The port has one address and no second way to it."""
    port = free_port()
    with serve_metrics(f"127.0.0.1:{port}", workers=1):
        assert get(port, path).status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_other_methods_are_refused(method: str) -> None:
    """Metrics are read and nothing else."""
    port = free_port()
    with serve_metrics(f"127.0.0.1:{port}", workers=1):
        response = httpx2.request(method, f"http://127.0.0.1:{port}/metrics", timeout=10)
        assert response.status_code == 501
        assert "referral_line" not in response.text


def test_broken_requests_leave_no_trace(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever asks for nonsense, or goes away, leaves no address and no traceback in a log."""
    port = free_port()
    with serve_metrics(f"127.0.0.1:{port}", workers=1):
        for request in (b"Chimborazo\r\n\r\n", b"GET /metrics HTTP/1.1\r\nbroken", b""):
            with socket.create_connection(("127.0.0.1", port), 5) as connection:
                connection.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00"
                )
                connection.sendall(request)
        assert get(port).status_code == 200
    assert capfd.readouterr() == ("", "")
    assert "Chimborazo" not in caplog.text
    assert "127.0.0.1" not in caplog.text


def test_metrics_are_served_by_ipv6_too() -> None:
    """An address in square brackets is listened on where the machine has IPv6."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
            port = probe.getsockname()[1]
    except OSError:
        pytest.skip("no IPv6 here")
    with serve_metrics(f"[::1]:{port}", workers=1):
        assert httpx2.get(f"http://[::1]:{port}/metrics", timeout=10).status_code == 200


@pytest.mark.parametrize(
    ("host", "text"),
    [
        ("127.0.0.1", "can't be listened on (Address already in use)"),
        ("192.0.2.1", "can't be listened on (Cannot assign requested address)"),
        ("x" * 70, "can't be listened on (no host has such a name)"),
    ],
    ids=["taken", "elsewhere", "no-name"],
)
@pytest.mark.parametrize("workers", [1, 2])
def test_address_that_cannot_be_listened_on_is_told(host: str, text: str, workers: int) -> None:
    """A taken port is told under the variable's name, before a folder or a process is there."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"{host}:{taken.getsockname()[1]}"
        with (
            pytest.raises(SettingsError) as found,
            serve_metrics(address, workers=workers),
        ):
            pytest.fail("nothing may start")
    (fault,) = found.value.faults
    assert fault.place == "REFERRAL_LINE_METRICS"
    assert fault.text.startswith(text)
    assert fault.text.endswith(f"(is {address!r})")
    assert FOLDER not in os.environ


def test_foreign_folder_of_shares_is_refused() -> None:
    """A folder of another's numbers would be summed up with ours."""
    (fault,) = check_metrics_environment({FOLDER: "/tmp/x", "HOME": "/"})  # noqa: S108
    assert fault.place == FOLDER
    assert "unset it" in fault.text
    assert len(check_metrics_environment({FOLDER.lower(): ""})) == 1
    assert check_metrics_environment({"HOME": "/"}) == []


def work(told: Connection, outcome: str, *, is_store_up: bool) -> None:
    """Be a server process: measure one turn, say so, and stay until told to go."""
    metrics = Metrics()
    metrics.turn("sms", outcome, 0.1)
    metrics.store(is_store_up)
    told.send("measured")
    told.recv()


@contextmanager
def worker(outcome: str, *, is_store_up: bool) -> Iterator[int]:
    """A process as uvicorn starts its own; its process id, while it lives."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(
        target=work, args=(there, outcome), kwargs={"is_store_up": is_store_up}
    )
    process.start()
    try:
        assert here.poll(60)
        assert here.recv() == "measured"
        assert process.pid is not None
        yield process.pid
        here.send("go")
    finally:
        process.join(30)
        if process.is_alive():
            process.kill()


def test_workers_numbers_are_summed(capfd: pytest.CaptureFixture[str]) -> None:
    """The parent serves the sum of its workers; the counts of one that died stay, its gauge not."""
    port = free_port()
    with serve_metrics(f"127.0.0.1:{port}", workers=2):
        folder = Path(os.environ[FOLDER])
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        with worker("answered", is_store_up=True):
            with worker("failed", is_store_up=False):
                samples = parse(get(port).text)
                assert sample(samples, "turns_total", channel="sms", outcome="answered") == 1
                assert sample(samples, "turns_total", channel="sms", outcome="failed") == 1
                assert sample(samples, "turns_total", channel="voice", outcome="failed") == 0
                assert sample(samples, "turn_seconds_count", channel="sms") == 2
                assert sample(samples, "store_up") == 0
                assert sample(samples, "build_info", version=__version__) == 1
                assert not any("created" in name for name, _ in samples)
                assert {label for _, labels in samples for label, _ in labels} == {
                    "channel",
                    "outcome",
                    "le",
                    "version",
                }
            samples = parse(get(port).text)
            assert sample(samples, "turns_total", channel="sms", outcome="failed") == 1
            assert sample(samples, "store_up") == 1
    assert not folder.exists()
    assert FOLDER not in os.environ
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("folder", ["gone", "full"])
def test_measuring_stops_no_start(tmp_path: Path, folder: str) -> None:
    """Where a process's share can't be kept, it runs without, and says so once."""
    code = (
        "import os, sys; from referral_line.telemetry import metrics as m;"
        "m.ROOM = int(sys.argv[1]); m.keep_in_memory_if_need_be(os.environ);"
        "m.Metrics().turn('sms', 'answered', 0.1); print('runs')"
    )
    place = tmp_path if folder == "full" else tmp_path / "gone"
    room = str(1 << 60) if folder == "full" else "1"
    done = subprocess.run(
        [sys.executable, "-c", code, room],
        capture_output=True,
        check=False,
        env={**os.environ, FOLDER: str(place)},
        text=True,
    )
    assert done.stdout == "runs\n", done.stderr
    assert "metrics of this process are not told" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_share_that_cannot_be_read_fails_one_request_only(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """A worker that is just being born leaves a scrape without answer, and a line in the log."""
    port = free_port()
    with serve_metrics(f"127.0.0.1:{port}", workers=2):
        unborn = Path(os.environ[FOLDER]) / "counter_1.db"
        unborn.touch()
        with pytest.raises(httpx2.RemoteProtocolError):
            get(port)
        unborn.unlink()
        assert get(port).status_code == 200
    assert caplog.messages == ["a request for metrics failed"]
    assert capfd.readouterr() == ("", "")


SERVE = {
    "TWILIO_ACCOUNT_SID": ACCOUNT,
    "TWILIO_AUTH_TOKEN": TOKEN,
    "REFERRAL_LINE_PUBLIC_URL": PUBLIC_URL,
    "REFERRAL_LINE_LANGUAGES": "en",
}


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for what a server does by itself."""
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@contextmanager
def serving(folder: Path, *options: str, **environ: str) -> Iterator[Server]:
    """The line's own server, started as an operator would, with its temporary files in a folder."""
    port = free_port()
    server = Server(
        *(sys.executable, "-m", "referral_line", "serve", "--port", str(port), *options),
        port=port,
        environ={**os.environ, **SERVE, "TMPDIR": str(folder), **environ},
        folder=folder,
    )
    try:
        yield server
    finally:
        server.stop()


def talk(server: Server) -> None:
    """Send a text, make a call, and a request that is nobody's."""
    with httpx2.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=10) as client:
        handset = Handset(client)
        handset.text("hello")
        handset.call()
        client.post("/sms", content="Body=hello", headers={"content-type": FORM})


def test_server_of_one_process_serves_metrics(tmp_path: Path) -> None:
    """``serve`` with the setting measures turns; without workers there is no folder of shares."""
    port = free_port()
    with serving(tmp_path, REFERRAL_LINE_METRICS=str(port)) as server:
        talk(server)
        samples = parse(get(port).text)
        assert not list(tmp_path.glob("referral-line-*"))
    assert sample(samples, "turns_total", channel="sms", outcome="answered") == 1
    assert sample(samples, "turns_total", channel="sms", outcome="refused") == 1
    assert sample(samples, "turns_total", channel="voice", outcome="answered") == 1
    assert sample(samples, "turn_seconds_count", channel="sms") == 1
    assert sample(samples, "store_up") == 1


def test_server_of_several_processes_serves_their_sum(tmp_path: Path, redis_server: Server) -> None:
    """Turns of all workers are summed, also of one that died; the folder goes with the server."""
    port = free_port()
    environ = {
        "REFERRAL_LINE_METRICS": f"127.0.0.1:{port}",
        "REDIS_URL": f"redis://127.0.0.1:{redis_server.port}/1",
    }

    def shares() -> set[int]:
        files = tmp_path.glob("referral-line-*/gauge_livemin_*.db")
        return {int(file.stem.rpartition("_")[2]) for file in files}

    def answered() -> float:
        return sample(parse(get(port).text), "turns_total", channel="sms", outcome="answered")

    with serving(tmp_path, "--workers", "2", **environ) as server:
        wait_until(lambda: len(shares()) == 2)
        for _ in range(3):
            talk(server)
        assert answered() == 3
        dead = min(shares())
        os.kill(dead, signal.SIGKILL)
        wait_until(lambda: answered() == 3 and dead not in shares() and len(shares()) == 2)
        talk(server)
        assert answered() == 4
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(30)
        assert not list(tmp_path.glob("referral-line-*"))
        assert "Traceback" not in server.output.read_text()


def expressions() -> list[str]:
    """Every expression of the dashboard."""
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return [target["expr"] for panel in board["panels"] for target in panel["targets"]]


@pytest.mark.parametrize("expression", expressions())
def test_dashboard_asks_for_what_there_is(expression: str) -> None:
    """Each metric of an expression is exposed, each label is known, and each outcome exists."""
    port = free_port()
    Metrics()
    with serve_metrics(f"127.0.0.1:{port}", workers=1):
        names = {name for name, _ in parse(get(port).text)}
    asked = set(re.findall(r"referral_line_\w+", expression))
    assert asked
    assert asked <= names
    grouped = re.findall(r"by \(([^)]*)\)", expression)
    labels = {label.strip() for group in grouped for label in group.split(",")}
    chosen = re.findall(r"(\w+)=\"(\w+)\"", expression)
    assert labels | {label for label, _ in chosen} <= {
        "channel",
        "outcome",
        "le",
        "instance",
        "job",
    }
    assert {value for label, value in chosen if label == "outcome"} <= set(OUTCOMES)
    assert expression.count("(") == expression.count(")")


def test_dashboard_can_be_imported_anywhere() -> None:
    """It names no data source of ours: whoever imports it chooses; its panels don't overlap."""
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    assert board["schemaVersion"] >= 36
    assert board["uid"] == "referral-line"
    (variable,) = board["templating"]["list"]
    assert (variable["type"], variable["query"]) == ("datasource", "prometheus")
    source = {"type": "prometheus", "uid": f"${{{variable['name']}}}"}
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        assert panel["datasource"] == source, panel["title"]
        assert all(target["datasource"] == source for target in panel["targets"])
        assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["value"] is None
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


def test_dashboard_shows_every_metric() -> None:
    """What is measured can be seen: no metric is left out of the dashboard."""
    shown = " ".join(expressions())
    for name in ("turns_total", "turn_seconds_bucket", "store_up", "build_info"):
        assert f"referral_line_{name}" in shown
    for outcome in OUTCOMES:
        assert f'outcome="{outcome}"' in shown


def test_scrape_configuration_has_the_documented_port() -> None:
    """Prometheus looks where the docs tell the server to listen, once a minute."""
    configuration = PROMETHEUS.read_text(encoding="utf-8")
    (target,) = re.findall(r'targets: \["([^"]+)"\]', configuration)
    documented = (ROOT / "docs" / "counting.md").read_text(encoding="utf-8")
    assert f"REFERRAL_LINE_METRICS={target}" in documented
    assert "scrape_interval: 1m" in configuration
