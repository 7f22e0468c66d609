"""The command that tells a deployer everything that is wrong, the most dangerous first."""

import asyncio
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import click

from referral_line.carrier.inspection import inspect_account
from referral_line.carrier.probing import (
    HttpClient,
    Secrets,
    check_clock,
    make_client,
    probe_line,
)
from referral_line.errors import Danger, Fault, FaultsFound, Finding, SettingsError
from referral_line.replies.line import Line, compile_today
from referral_line.sessions.inspection import SESSION_SECONDS, inspect_store
from referral_line.settings import (
    Settings,
    check_environment,
    check_ready_to_serve,
    load_settings,
)
from referral_line.telemetry.counts import check_counts_file
from referral_line.telemetry.process import check_process, keep_no_core, raise_file_limit
from referral_line.telemetry.proxy import USUAL_PLACES, check_proxy

MEANINGS: Mapping[Danger, str] = {
    Danger.DOWN: "callers are not answered",
    Danger.EXPOSED: "somebody could learn who called",
    Danger.RISK: "it will harm callers one day, or harms some of them now",
    Danger.NOTE: "nothing is wrong; know it",
}


@dataclass(slots=True)
class Examination:
    """What was looked at, what was found, and what could not be looked at."""

    looked_at: list[str] = field(default_factory=list)
    not_looked_at: list[str] = field(default_factory=list)
    found: list[Finding] = field(default_factory=list)

    def ordered(self) -> list[Finding]:
        """Return the findings, each once, in order of danger."""
        dangers = list(Danger)
        return sorted(dict.fromkeys(self.found), key=lambda each: dangers.index(each.danger))

    @property
    def is_well(self) -> bool:
        """Whether there is nothing but notes."""
        return all(finding.danger is Danger.NOTE for finding in self.found)

    def look(self, what: str, examine: Callable[[], list[Finding]]) -> None:
        """Look at one thing."""
        self.looked_at.append(what)
        self.found += examine()


@click.command()
@click.option(
    "--proxy-config",
    "proxies",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A configuration file of the proxy; several may be named. Default: the usual places.",
)
@click.option("--json", "as_json", is_flag=True, help="For other programs.")
def doctor(proxies: tuple[Path, ...], *, as_json: bool) -> None:
    """Tell everything that is wrong with this deployment, the most dangerous first.

    Run it where `serve` runs, with its environment, and with an API key in TWILIO_API_KEY and
    TWILIO_API_SECRET. It signs requests and calls the public URL, asks the carrier how the number
    is set, and looks at Redis, the proxy's configuration, the content and this machine. It changes
    nothing, and begins no conversation.

    Exit code 1 if anything but notes was found.
    """
    examination = examine(os.environ, proxies, now=datetime.now(UTC))
    click.echo(_as_json(examination) if as_json else _as_text(examination))
    if not examination.is_well:
        click.get_current_context().exit(1)


def examine(environ: Mapping[str, str], proxies: tuple[Path, ...], *, now: datetime) -> Examination:
    """Look at everything that can be looked at from here.

    Args:
        environ: The environment that `serve` has, and an API key.
        proxies: Configuration files of the proxy; the usual places if none are named.
        now: The time by this machine's clock, with its zone.
    """
    examination = Examination()
    keep_no_core()
    raise_file_limit()
    settings = _read_settings(environ, examination)
    line = _compile(settings, examination)
    with make_client() as client:
        _look_at_webhooks(settings, line, client, examination, now=now)
        if settings.account_sid:
            account = inspect_account(settings, client, now=now)
            examination.look("the carrier's account and the number", lambda: account.found)
            examination.not_looked_at += account.not_looked_at
            clock = check_clock(settings.carrier_api_url, client, now=now)
            examination.look("this machine's clock", lambda: clock)
        else:
            examination.not_looked_at.append("the number: TWILIO_ACCOUNT_SID is not set")
    _look_at_redis(settings, examination)
    examination.look("this machine's limits and swap", check_process)
    _look_at_proxy(settings, proxies, examination)
    examination.look("what this service writes", lambda: list(_check_traces(settings)))
    examination.found += _notes(settings)
    return examination


# --- settings and content ------------------------------------------------------------------------


def _read_settings(environ: Mapping[str, str], examination: Examination) -> Settings:
    """Read the settings; go on without those that are wrong, to find what else is."""
    examination.looked_at.append("the environment")
    remaining = dict(environ)
    try:
        settings = load_settings(remaining)
    except SettingsError as error:
        for fault in error.faults:
            examination.found.append(_of_setting(fault))
            remaining.pop(fault.place, None)
        settings = load_settings(remaining)
    examination.found += [
        _of_setting(fault)
        for fault in check_ready_to_serve(settings)
        if fault.place not in environ or fault.place in remaining
    ]
    examination.found += [
        Finding("setting-unknown", Danger.RISK, f"{fault.place}: {fault.text}", "correct its name")
        for fault in check_environment(environ)
    ]
    return settings


def _of_setting(fault: Fault) -> Finding:
    what, _, remedy = fault.text.partition("; ")
    return Finding(
        "setting-wrong",
        Danger.DOWN,
        f"{fault.place} {what}: `serve` does not start",
        remedy or "docs/deploying.md, Settings",
    )


def _compile(settings: Settings, examination: Examination) -> Line | None:
    examination.looked_at.append("the content and the languages")
    try:
        line = compile_today(settings)
    except FaultsFound as error:
        examination.found += [
            Finding(
                "content-faulty",
                Danger.DOWN,
                f"{fault}: `serve` does not start",
                "referral-line script check; referral-line catalogue check",
            )
            for fault in error.faults
        ]
        return None
    examination.found += _check_line(line)
    return line


def _check_line(line: Line) -> Iterator[Finding]:
    for tag, faults in line.left_out.items():
        yield Finding(
            "language-left-out",
            Danger.RISK,
            f"{tag} is not served, {len(faults)} faults; the first: {faults[0]}",
            f"referral-line catalogue check {tag}",
        )
    if line.drafts:
        yield Finding(
            "languages-unreviewed",
            Danger.RISK,
            f"machine drafts that no native reviewer has signed: {', '.join(line.drafts)}",
            "docs/translators.md says how; REFERRAL_LINE_REVIEWED_ONLY=1 holds them back",
        )
    if line.facts_due:
        yield Finding(
            "facts-due",
            Danger.RISK,
            f"{line.facts_due} facts on services are due for confirmation: a number may be wrong "
            "by now",
            "referral-line services check; find a newer source for each, then move its date "
            "(docs/operating.md). Never dial 999 to try it",
        )
    if line.silent:
        yield Finding(
            "languages-silent",
            Danger.NOTE,
            f"answered by text alone, with neither voice nor recordings: {', '.join(line.silent)}",
            "referral-line recordings list TAG",
        )


# --- what runs -----------------------------------------------------------------------------------


def _look_at_webhooks(
    settings: Settings,
    line: Line | None,
    client: HttpClient,
    examination: Examination,
    *,
    now: datetime,
) -> None:
    tokens = [token.get_secret_value() for token in settings.auth_tokens]
    keys = [key.get_secret_value() for key in settings.shared_keys]
    url = settings.public_url
    if url is None or not settings.account_sid or not (tokens or keys):
        examination.not_looked_at.append("the webhooks: settings for them are missing")
        return
    # A call under way: its silence begins nothing, and is counted nowhere.
    path = f"/voice/{line.conversation.start()}" if line else "/voice"
    secrets = Secrets(settings.account_sid, tokens, keys)
    examination.look(
        "the webhooks, by signed requests to the public URL",
        lambda: probe_line(url, secrets, client, call_path=path, now=now),
    )


def _look_at_redis(settings: Settings, examination: Examination) -> None:
    if settings.session_seconds > SESSION_SECONDS:
        examination.found.append(
            Finding(
                "session-time-long",
                Danger.RISK,
                f"a conversation is remembered for {settings.session_seconds // 60} minutes: "
                "whoever picks up the phone meanwhile goes on from there",
                f"leave REFERRAL_LINE_SESSION_SECONDS at {SESSION_SECONDS} or less",
            )
        )
    if settings.redis_url is None:
        examination.found.append(
            Finding(
                "redis-not-used",
                Danger.NOTE,
                "REDIS_URL is not set: one process alone, whose callers start anew when it does",
                "set REDIS_URL for several workers",
            )
        )
        return
    url = settings.redis_url.get_secret_value()
    examination.looked_at.append("redis")
    try:
        examination.found += asyncio.run(inspect_store(url, settings.session_seconds))
    except SettingsError as error:
        examination.found += [_of_setting(fault) for fault in error.faults]


def _look_at_proxy(settings: Settings, proxies: tuple[Path, ...], examination: Examination) -> None:
    paths = proxies or tuple(path for path in USUAL_PLACES if path.is_file())
    if not paths:
        examination.not_looked_at.append(
            "the proxy's configuration: none at the usual places; name it with --proxy-config"
        )
        return
    host = urlsplit(settings.public_url or "").hostname or ""
    examination.look("the proxy's configuration", lambda: check_proxy(paths, host))


def _check_traces(settings: Settings) -> Iterator[Finding]:
    if settings.counts_file:
        for fault in check_counts_file(settings.counts_file, may_create=False):
            yield _of_setting(fault)
    host = (settings.metrics or "").rpartition(":")[0]
    if host and host not in {"127.0.0.1", "localhost", "[::1]"}:
        yield Finding(
            "metrics-open",
            Danger.RISK,
            f"metrics are served at {settings.metrics}, to whoever reaches that address",
            "let a firewall allow the collector alone, or listen on 127.0.0.1",
        )
    if settings.has_simulator:
        yield Finding(
            "simulator-on",
            Danger.RISK,
            "the browser phone is served beside the line: anyone can keep the server busy with it",
            "unset REFERRAL_LINE_SIMULATOR; `referral-line demo` has one of its own",
        )


def _notes(settings: Settings) -> list[Finding]:
    """What no API tells, and an operator should see to by hand."""
    found = [
        Finding(
            "stop-filtering",
            Danger.NOTE,
            "unless the carrier's support has switched it off, who texts STOP, END, CANCEL, QUIT "
            "or UNSUBSCRIBE gets no more replies, and is kept on the carrier's list",
            "ask support to switch opt-out handling off for this number: the line only replies",
        ),
        Finding(
            "redaction",
            Danger.NOTE,
            "the carrier can redact texts and numbers in its own records, once asked to; no API "
            "tells whether it does",
            "ask for Message Redaction; it needs POST everywhere, and STOP filtering off",
        ),
        Finding(
            "carrier-alerts",
            Danger.NOTE,
            "a webhook that failed leaves an alert with number and words for 30 days; it can't be "
            "deleted",
            "look at the console's error log; leave its debugger webhook and event streams off",
        ),
    ]
    if urlsplit(settings.carrier_api_url).hostname == "api.twilio.com":
        found.append(
            Finding(
                "region",
                Danger.NOTE,
                "records are kept in the United States (region us1)",
                "in the EU: calls in region ie1, Dublin; texts there are a beta "
                "(docs/deploying.md)",
            )
        )
    return found


# --- printing ------------------------------------------------------------------------------------


def _as_json(examination: Examination) -> str:
    found = examination.ordered()
    return json.dumps(
        {
            "well": examination.is_well,
            "findings": [asdict(finding) for finding in found],
            "looked_at": examination.looked_at,
            "not_looked_at": examination.not_looked_at,
        },
        ensure_ascii=False,
        indent=2,
    )


def _as_text(examination: Examination) -> str:
    found = examination.ordered()
    lines = []
    for danger, meaning in MEANINGS.items():
        here = [finding for finding in found if finding.danger is danger]
        if here:
            lines.append(f"{danger.upper()}: {meaning}")
        for finding in here:
            lines += [f"  {finding.id}: {finding.text}", f"    → {finding.remedy}"]
    lines.append(f"Looked at: {', '.join(examination.looked_at)}.")
    lines += [f"Not looked at: {text}." for text in examination.not_looked_at]
    counts = [
        f"{number} {danger}"
        for danger in Danger
        if (number := sum(finding.danger is danger for finding in found))
    ]
    lines.append(f"{'Well' if examination.is_well else 'Not well'}: {', '.join(counts) or 'all'}.")
    return "\n".join(lines)
