"""From settings to a running app: what the server process does first."""

import logging
import os
import time
from collections.abc import Mapping
from datetime import date, timedelta

from starlette.applications import Starlette

from referral_line.errors import FaultsFound, SettingsError
from referral_line.replies.line import Line, compile_today
from referral_line.sessions.redis_store import connect
from referral_line.sessions.store import MemoryStore, SessionStore, SparedStore
from referral_line.settings import (
    Settings,
    check_environment,
    check_ready_to_serve,
    load_settings,
)
from referral_line.telemetry.counts import Counts
from referral_line.telemetry.logs import describe, log_what_nobody_caught
from referral_line.telemetry.metrics import Metrics, keep_in_memory_if_need_be
from referral_line.telemetry.process import check_process, keep_no_core, raise_file_limit
from referral_line.web.app import Webhooks, audio_routes, create_app, leaflet_routes
from referral_line.web.observing import Observer
from referral_line.web.signature import SignatureVerifier
from referral_line.web.simulator import Simulator

_log = logging.getLogger(__name__)


def app_from_environment() -> Starlette:
    """Make the app of a server process from ``os.environ``; the factory given to uvicorn.

    What can't be served is logged, every fault, and ends the process. Left to itself, Python would
    print the exception with all it says.
    """
    log_what_nobody_caught()
    keep_no_core()
    raise_file_limit()
    keep_in_memory_if_need_be(os.environ)
    try:
        return _make_from(os.environ)
    except FaultsFound as found:
        for fault in found.faults:
            _log.critical("a server process can't start", extra={"fault": str(fault)})
    except Exception as error:  # noqa: BLE001 - whatever it is, its message stays here
        _log.critical("a server process can't start", extra=describe(error))
    raise SystemExit(1)


def _make_from(environ: Mapping[str, str]) -> Starlette:
    settings = load_settings(environ)
    faults = check_ready_to_serve(settings)
    if faults:
        raise SettingsError(faults)
    for fault in check_environment(environ):
        _log.warning("a setting means nothing", extra={"fault": str(fault)})
    for finding in check_process():
        _log.warning(
            "this machine could betray callers, or turn them away",
            extra={"fault": f"{finding.text}; {finding.remedy}"},
        )
    return make_app(settings, compile_today(settings))


def make_app(settings: Settings, line: Line) -> Starlette:
    """Make the app of a compiled line, and say in the log what it serves."""
    metrics = Metrics()
    store = make_store(settings, metrics)
    counts = Counts(settings.counts_file, date.today)
    _announce(settings, line)
    session_time = timedelta(seconds=settings.session_seconds)
    webhooks = Webhooks(
        line,
        store,
        SignatureVerifier(
            settings.public_url or "",
            account_sid=settings.account_sid,
            auth_tokens=[token.get_secret_value() for token in settings.auth_tokens],
            shared_keys=[key.get_secret_value() for key in settings.shared_keys],
        ),
        session_time=session_time,
        observe=Observer(line, counts, metrics),
    )
    routes = [*leaflet_routes(line), *audio_routes(line)]
    if settings.has_simulator:
        routes += Simulator(
            line, session_time=session_time, clock=time.monotonic, path_prefix=settings.path_prefix
        ).routes()
    return create_app(
        webhooks, store, counts=counts, path_prefix=settings.path_prefix, more_routes=routes
    )


def make_store(settings: Settings, metrics: Metrics | None = None) -> SessionStore:
    """Make the session store: Redis with memory as its spare, or memory alone.

    Raises:
        SettingsError: ``REDIS_URL`` is no Redis URL.
    """
    if settings.redis_url is None:
        return MemoryStore(time.monotonic)
    first = connect(settings.redis_url.get_secret_value())
    if metrics is None:
        return SparedStore(first, time.monotonic)
    return SparedStore(first, time.monotonic, on_health=metrics.store)


def _announce(settings: Settings, line: Line) -> None:
    _log.info("serving", extra={"languages": list(line.languages)})
    if settings.redis_url is None:
        _log.warning(
            "REDIS_URL is not set: sessions are in the memory of this one process and end with it"
        )
    if line.drafts:
        _log.warning(
            "machine drafts awaiting a native reviewer", extra={"languages": list(line.drafts)}
        )
    for tag, faults in line.left_out.items():
        _log.error(
            "a language is not served; its first fault",
            extra={"languages": [tag], "count": len(faults), "fault": str(faults[0])},
        )
    if line.silent:
        _log.warning(
            "text messages only, no voice and no recordings", extra={"languages": line.silent}
        )
    for fault in line.warnings:
        if "recordings check" in fault.text:
            _log.warning("recordings are not played", extra={"fault": str(fault)})
    if line.facts_due:
        _log.warning(
            "facts are due for confirmation: referral-line services check",
            extra={"count": line.facts_due},
        )
