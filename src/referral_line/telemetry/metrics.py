"""Metrics of the machine, not of callers: how many turns, how fast, whether the store is there.

No label has a language, a node or a number. They are read from a port of their own; with several
server processes each keeps its share in a file, and the process that started them serves the sum.
"""

import logging
import os
import socket
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from threading import Thread

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    Metric,
    MetricsHandler,
    disable_created_metrics,
    values,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from referral_line import __version__
from referral_line.errors import Fault, SettingsError
from referral_line.telemetry.logs import describe

CHANNELS = ("sms", "voice")
OUTCOMES = ("answered", "refused", "failed")
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0)
"""Seconds. After the last one the carrier waits no more
(https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides)."""

PATH = "/metrics"
ROOM = 1 << 20
"""Bytes that must be free for a process's share; it takes about a fifth of that."""
READ_SECONDS = 10
"""How long a request for metrics may take to arrive."""

_SETTING = "REFERRAL_LINE_METRICS"
_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Where prometheus_client keeps the shares of several processes; it looks when it is imported."""

_PROCESS = CollectorRegistry()
"""What this process has measured."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Series:
    turns: Counter
    seconds: Histogram
    store_up: Gauge


@cache
def _series(registry: CollectorRegistry) -> _Series:
    """Make the series of a registry, every combination of labels at nought."""
    # When a series was created could be laid beside a phone company's records.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    series = _Series(
        Counter(
            "referral_line_turns_total",
            "Webhooks answered, by how it went.",
            ("channel", "outcome"),
            registry=registry,
        ),
        Histogram(
            "referral_line_turn_seconds",
            "Time from webhook to reply, without those that were refused.",
            ("channel",),
            buckets=BUCKETS,
            registry=registry,
        ),
        Gauge(
            "referral_line_store_up",
            "1 while sessions are kept where they should be, 0 while in the spare.",
            multiprocess_mode="livemin",
            registry=registry,
        ),
    )
    for channel in CHANNELS:
        series.seconds.labels(channel)
        for outcome in OUTCOMES:
            series.turns.labels(channel, outcome)
    series.store_up.set(1)
    return series


def keep_in_memory_if_need_be(environ: Mapping[str, str]) -> None:
    """Give up the share in the sum where its folder is gone or full: measuring stops no start.

    To be called in a server process before its first ``Metrics``. Without it the library would
    raise, or be killed by the system when it writes to a file for which there is no room.
    """
    folder = environ.get(_FOLDER)
    if folder is None:
        return
    try:
        with NamedTemporaryFile(dir=folder) as probe:
            os.posix_fallocate(probe.fileno(), 0, ROOM)
    except OSError as error:
        _log.error(
            "metrics of this process are not told: their folder is gone or full",
            extra={"error": type(error).__name__},
        )
        values.ValueClass = values.MutexValue


class Metrics:
    """What the process measures. Several of these in one process add to the same numbers."""

    def __init__(self, registry: CollectorRegistry = _PROCESS) -> None:
        """Begin at nought, with the store up. Tests give a registry of their own."""
        self._series = _series(registry)

    def turn(self, channel: str, outcome: str, seconds: float) -> None:
        """Note a turn that is over.

        Args:
            channel: One of ``CHANNELS``.
            outcome: One of ``OUTCOMES``. A refused one has no part in the times: whoever scans
                the internet would hide how long callers wait.
            seconds: From the webhook to the reply.
        """
        self._series.turns.labels(channel, outcome).inc()
        if outcome != "refused":
            self._series.seconds.labels(channel).observe(seconds)

    def store(self, is_up: bool) -> None:  # noqa: FBT001 - it is handed over as a callback
        """Note that the session store went away, or is back."""
        self._series.store_up.set(int(is_up))


class _Workers(Collector):
    """The sum over several processes, whose gauges count while they live."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = MultiProcessCollector(None, str(folder))  # type: ignore[no-untyped-call]

    def collect(self) -> Iterable[Metric]:
        for file in self._folder.glob("gauge_live*_*.db"):
            process_id = int(file.stem.rpartition("_")[2])
            if not _is_alive(process_id):
                with suppress(FileNotFoundError):  # another request has done it meanwhile
                    mark_process_dead(process_id, str(self._folder))  # type: ignore[no-untyped-call]
        found: Iterable[Metric] = self._files.collect()  # type: ignore[no-untyped-call]
        return found


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except OSError:  # it is no more, or its id belongs to somebody else's process now
        return False
    return True


class _Handler(MetricsHandler):
    """Answers GET of one path; writes no access log, as its parent doesn't."""

    timeout = READ_SECONDS

    def do_GET(self) -> None:  # noqa: N802 - the standard library's name
        if self.path == PATH:
            super().do_GET()
        else:
            self.send_error(HTTPStatus.NOT_FOUND)


class _Server(ThreadingHTTPServer):
    # Some Pythons let a second server take the same port, and each would get half of the requests.
    allow_reuse_port = False

    def __init__(self, host: str, port: int, registry: CollectorRegistry) -> None:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        self.address_family, _, _, _, (name, *_) = found[0]
        super().__init__((str(name), port), _Handler.factory(registry))

    def handle_error(self, request: object, client_address: object) -> None:
        del request, client_address
        error = sys.exception()
        if error is not None:
            _log.warning("a request for metrics failed", extra=describe(error))


def check_metrics_environment(environ: Mapping[str, str]) -> list[Fault]:
    """Refuse a folder of shares that is not ours: its numbers would be another's, or an old run's.

    To be asked before ``serve_metrics``, which sets the variable for the processes it sums up.
    """
    text = "is set; unset it, `serve` makes a folder of its own for several workers"
    names = (_FOLDER, _FOLDER.lower())
    return [Fault("environment", None, name, text) for name in names if name in environ]


@contextmanager
def serve_metrics(address: str, *, workers: int) -> Iterator[None]:
    """Serve metrics at ``GET /metrics`` of an address while the server runs inside.

    With one worker this process serves what it has measured itself. With more, processes that are
    started inside (not forked) each keep their share in a private folder, which goes at the end.

    Args:
        address: ``host:port``, as the setting has it.
        workers: How many server processes there will be.

    Raises:
        SettingsError: the address can't be listened on; told before anything has started.
    """
    registry = CollectorRegistry()
    build = Info("referral_line_build", "The version that answers.", registry=registry)
    build.info({"version": __version__})
    with ExitStack() as stack:
        server = stack.enter_context(_listen(address, registry))
        if workers > 1:
            folder = stack.enter_context(
                TemporaryDirectory(prefix="referral-line-", ignore_cleanup_errors=True)
            )
            os.environ[_FOLDER] = folder
            stack.callback(os.environ.pop, _FOLDER, None)
            registry.register(_Workers(Path(folder)))
        else:
            registry.register(_PROCESS)
        Thread(target=server.serve_forever, name="metrics", daemon=True).start()
        stack.callback(server.shutdown)
        yield


def _listen(address: str, registry: CollectorRegistry) -> _Server:
    host, _, port = address.rpartition(":")
    try:
        return _Server(host.removeprefix("[").removesuffix("]"), int(port), registry)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no host has such a name"
        text = f"can't be listened on ({reason}); choose another host:port (is {address!r})"
        raise SettingsError([Fault("environment", None, _SETTING, text)]) from error
