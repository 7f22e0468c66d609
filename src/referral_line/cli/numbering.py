"""Commands that look at the line's number at the carrier, and point it here."""

import json
import os
from urllib.parse import urlsplit

import click

from referral_line.carrier.api import connect, warn_of_credentials
from referral_line.carrier.number import (
    SMS,
    VOICE,
    Change,
    Number,
    Value,
    apply,
    compare,
    fallbacks,
    find_number,
    webhooks,
    why_unusable,
)
from referral_line.errors import Fault, SettingsError
from referral_line.languages.language import known_languages
from referral_line.settings import Settings, load_settings

_NEEDED = {SMS: "texts", VOICE: "calls"}


@click.group()
def number() -> None:
    """The line's number at the carrier: what it points at, and pointing it here.

    Reads TWILIO_ACCOUNT_SID, TWILIO_API_KEY, TWILIO_API_SECRET, and REFERRAL_LINE_NUMBER where the
    account has more numbers than one.
    """


@number.command("show")
@click.option("--json", "is_json", is_flag=True, help="Print an object instead.")
def show(*, is_json: bool) -> None:
    """Print where the number's texts and calls go, and what would send them elsewhere."""
    settings = load_settings(os.environ)
    api = connect(settings)
    warn(warn_of_credentials(settings))
    found, _ = find_number(api, settings)
    able = [kind for kind in ("sms", "mms", "voice", "fax") if kind in found.capabilities]
    if is_json:
        shown: dict[str, object] = {
            name: value if isinstance(value, bool) else (_mask(name, value) or None)
            for name, value in found.settings.items()
        }
        click.echo(json.dumps({**shown, "capabilities": able}, indent=2))
        return
    rows = {name: _tell(name, value) for name, value in found.settings.items()}
    rows["capabilities"] = ", ".join(able) or "(none)"
    width = max(map(len, rows))
    for name, text in rows.items():
        click.echo(f"{name.ljust(width)}  {text}")


def _check_url(context: click.Context, option: click.Parameter, url: str | None) -> str | None:
    if url is not None and (reason := why_unusable(url)):
        message = f"{url!r} {reason}"
        raise click.BadParameter(message, ctx=context, param=option)
    return url


def _check_tag(context: click.Context, option: click.Parameter, tag: str | None) -> str | None:
    if tag is None:
        return None
    known = {each.casefold(): each for each in known_languages()}
    if tag.casefold() not in known:
        message = f"{tag!r} is no language here; there are {', '.join(known.values())}"
        raise click.BadParameter(message, ctx=context, param=option)
    return known[tag.casefold()]


@number.command("set")
@click.option(
    "--fallback-url",
    metavar="URL",
    callback=_check_url,
    help="Where calls and texts go if this server fails. With / at its end: a folder of what "
    "`referral-line fallback` writes.",
)
@click.option(
    "--voice-fallback-url", metavar="URL", callback=_check_url, help="Another one for calls."
)
@click.option(
    "--language", "tag", metavar="TAG", callback=_check_tag, help="The number serves one language."
)
@click.option("--yes", "is_sure", is_flag=True, help="Don't ask.")
def set_number(
    fallback_url: str | None, voice_fallback_url: str | None, tag: str | None, *, is_sure: bool
) -> None:
    """Point the line's number at REFERRAL_LINE_PUBLIC_URL.

    Shows what will change and asks first. Sets both addresses with how often they are tried,
    makes every method POST, turns caller look-ups off, and clears applications, trunks and
    callbacks that would send callers' numbers elsewhere. Exit code 1 if the carrier kept something
    else.
    """
    settings = load_settings(os.environ)
    public_url = _public_url(settings)
    api = connect(settings)
    warn(warn_of_credentials(settings))
    found, _ = find_number(api, settings)
    wanted = webhooks(public_url, tag) | fallbacks(fallback_url, voice_fallback_url, tag)
    warn(_worries(found, wanted))
    if fallback_url and voice_fallback_url is None and not fallback_url.endswith("/"):
        note = (
            "--fallback-url is no folder, so calls and texts share it: it must answer each with "
            "TwiML of its own, or --voice-fallback-url must name another for calls"
        )
        click.echo(f"note: {note}", err=True)
    changes = compare(found, wanted)
    if not changes:
        click.echo("The number points here already; nothing to change.")
        return
    for change in changes:
        click.echo(_difference(change))
    if not is_sure and not click.confirm("Change the number so?", err=True):
        click.echo("Nothing was changed.", err=True)
        click.get_current_context().exit(1)
    lost = apply(api, found, changes)
    for change in lost:
        kept = _tell(change.name, change.old)
        click.echo(
            f"error: {change.name}: the carrier kept {kept}; set it in its console", err=True
        )
    click.echo(f"{len(changes) - len(lost)} of {len(changes)} settings changed.")
    if lost:
        click.get_current_context().exit(1)


def _public_url(settings: Settings) -> str:
    place = "REFERRAL_LINE_PUBLIC_URL"
    if settings.public_url is None:
        text = "is not set; set it to the base URL the carrier is to call"
    elif reason := why_unusable(settings.public_url):
        text = reason
    else:
        return settings.public_url
    raise SettingsError([Fault("environment", None, place, text)])


def _worries(found: Number, wanted: dict[str, Value]) -> list[str]:
    """Say what callers would miss once the number is set."""
    worries = [
        f"the number can't take {name}; get one that can"
        for kind, name in _NEEDED.items()
        if kind not in found.capabilities
    ]
    ends = {
        SMS: "a text gets no reply, and is not delivered again",
        VOICE: "a call hears that an application error has occurred, and is cut off",
    }
    worries += [
        f"no fallback for {_NEEDED[kind]}: whenever this server can't answer, {end}; "
        "see --fallback-url"
        for kind, end in ends.items()
        if not {**found.settings, **wanted}[f"{kind}_fallback_url"]
    ]
    worries += [
        f"the fallback for {name} is on the line's own host, which it should stand in for; put it "
        "on another one"
        for kind, name in _NEEDED.items()
        if _host(wanted.get(f"{kind}_fallback_url")) == _host(wanted[f"{kind}_url"])
    ]
    return worries


def _host(url: Value | None) -> str | None:
    return urlsplit(str(url)).hostname if url else None


def warn(warnings: list[str]) -> None:
    """Print warnings on stderr, a line each."""
    for text in warnings:
        click.echo(f"warning: {text}", err=True)


def _difference(change: Change) -> str:
    old, new = _tell(change.name, change.old), _tell(change.name, change.new)
    return f"{change.name}\n  - {old}\n  + {new}"


def _tell(name: str, value: Value) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return _mask(name, value) or "(none)"


def _mask(name: str, value: str) -> str:
    """Leave out ids, and passwords within addresses."""
    if name.endswith("_sid"):
        return "(set)" if value else ""
    at = value.rfind("@", 0, len(value.partition("#")[0]))
    return f"{urlsplit(value).scheme}://…{value[at:]}" if "//" in value[: max(at, 0)] else value
