"""Commands that run a server."""

import logging.config
import os
import secrets
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import MutableMapping
from contextlib import nullcontext, suppress

import click
import uvicorn

from referral_line.errors import Fault, SettingsError
from referral_line.replies.line import compile_today
from referral_line.settings import API_KEY, check_ready_to_serve, load_settings
from referral_line.telemetry.counts import check_counts_file
from referral_line.telemetry.logs import configuration, log_what_nobody_caught
from referral_line.telemetry.metrics import check_metrics_environment, serve_metrics
from referral_line.web.serving import make_app, make_store

LOCALHOST = "127.0.0.1"
GRACE_SECONDS = 15
"""How long a server that is asked to end waits for replies; the carrier waits no longer either."""
KEEP_ALIVE_SECONDS = 75
"""How long an idle connection stays open: longer than a proxy keeps one, 60 seconds in nginx. Else
the proxy sends a caller's request into a connection that is being closed, and answers 502."""
_FACTORY = "referral_line.web.serving:app_from_environment"

_log = logging.getLogger(__name__)


@click.command()
@click.option("--host", default=LOCALHOST, show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    help="Server processes; more than one needs REDIS_URL.",
)
def serve(host: str, port: int, workers: int) -> None:
    """Answer the carrier's webhooks.

    Reads its settings from the environment; docs/deploying.md lists them. Needs
    TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and REFERRAL_LINE_PUBLIC_URL.
    """
    settings = load_settings(os.environ)
    faults = check_ready_to_serve(settings)
    if workers > 1 and settings.redis_url is None:
        text = f"is not set, but {workers} workers would each remember other callers"
        faults.append(Fault("environment", None, "REDIS_URL", text))
    if settings.counts_file:
        faults += check_counts_file(settings.counts_file)
    if settings.metrics:
        faults += check_metrics_environment(os.environ)
    if faults:
        raise SettingsError(faults)
    make_store(settings)
    _take(host, port).close()
    compile_today(settings)  # whatever is wrong is told once, before any worker starts
    logging.config.dictConfig(configuration())
    log_what_nobody_caught()
    _drop_api_key(os.environ)
    _log.info("starting", extra={"address": f"{host}:{port}", "count": workers})
    with serve_metrics(settings.metrics, workers=workers) if settings.metrics else nullcontext():
        uvicorn.run(
            _FACTORY,
            factory=True,
            host=host,
            port=port,
            workers=workers,
            ws="none",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
            log_config=configuration(),
        )


def _drop_api_key(environ: MutableMapping[str, str]) -> None:
    """Take the API key out of the environment: the process that answers callers has no use for it.

    Whoever breaks into it could else read every record at the carrier.
    """
    for name in API_KEY:
        if environ.pop(name, None):
            _log.warning(
                "a setting is for sweep, number and doctor alone; take it out of this environment",
                extra={"fault": name},
            )


@click.command()
@click.option(
    "--port",
    default=8080,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="0: any free one.",
)
@click.option("--no-browser", is_flag=True, help="Only print the address.")
def demo(port: int, *, no_browser: bool) -> None:
    """Text and call the line in a browser: no account, no Redis, nothing leaves this computer."""
    logging.config.dictConfig(configuration("ERROR"))
    listener = _take(LOCALHOST, port)
    chosen = listener.getsockname()[1]
    base = f"http://{LOCALHOST}:{chosen}"
    settings = load_settings(
        os.environ
        | {
            "TWILIO_ACCOUNT_SID": "AC" + secrets.token_hex(16),
            "TWILIO_AUTH_TOKEN": secrets.token_hex(16),
            "REFERRAL_LINE_PUBLIC_URL": base,
            "REFERRAL_LINE_SIMULATOR": "1",
            "REDIS_URL": "",
        }
    )
    app = make_app(settings, compile_today(settings))
    config = uvicorn.Config(
        app,
        access_log=False,
        log_level="error",
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = uvicorn.Server(config)
    address = f"{base}/simulator"
    click.echo(f"The line answers at {address}")
    click.echo("Nothing is sent to anyone. Stop it with Ctrl+C.")
    if not no_browser:
        threading.Thread(target=_open, args=(server, address), daemon=True).start()
    with suppress(KeyboardInterrupt):  # Ctrl+C is how a demo ends, and no fault
        server.run(sockets=[listener])


def _take(host: str, port: int) -> socket.socket:
    """Take a port without listening yet, or say why not as wrong use of ``--host``, ``--port``."""
    taken = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((host, port))
    except OSError as error:
        taken.close()
        message = f"{host}:{port} can't be listened on ({error.strerror}); choose another"
        raise click.BadParameter(message, param_hint="--host or --port") from error
    return taken


def _open(server: uvicorn.Server, address: str) -> None:
    """Open a browser once the server answers, where there is a browser and a screen to show it."""
    while not server.started:
        time.sleep(0.05)
    if (
        sys.platform in {"win32", "darwin"}
        or os.environ.get("DISPLAY")
        or os.environ.get("WAYLAND_DISPLAY")
    ):
        webbrowser.open(address)
