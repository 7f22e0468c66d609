"""Commands that run a server."""

import logging
import os
import secrets
import socket
import sys
import threading
import time
import webbrowser
from contextlib import suppress

import click
import uvicorn

from referral_line.errors import Fault, SettingsError
from referral_line.replies.line import compile_today
from referral_line.settings import check_ready_to_serve, load_settings
from referral_line.web.serving import make_app, make_store

LOCALHOST = "127.0.0.1"
GRACE_SECONDS = 15
"""How long a server that is asked to end waits for replies; the carrier waits no longer either."""
_FACTORY = "referral_line.web.serving:app_from_environment"

# Uvicorn's own, less the access log: a request's line holds a path, and with some carriers more.
_LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "plain",
            "stream": "ext://sys.stderr",
        }
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "referral_line": {"level": "INFO"},
        "uvicorn": {"level": "INFO"},
        "uvicorn.access": {"level": "CRITICAL", "propagate": False},
    },
}


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
    if faults:
        raise SettingsError(faults)
    make_store(settings)
    _take(host, port).close()
    compile_today(settings)  # whatever is wrong is told once, before any worker starts
    uvicorn.run(
        _FACTORY,
        factory=True,
        host=host,
        port=port,
        workers=workers,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        log_config=_LOGGING,
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
    logging.basicConfig(level=logging.ERROR)
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
