"""The account and its number, as the doctor looks at them: what would go unanswered, or be seen."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree as ET

import httpx2

from referral_line.carrier.api import (
    IMPATIENT,
    Api,
    CarrierRefusedError,
    carrier_errors,
    connect,
    warn_of_credentials,
)
from referral_line.carrier.number import SMS, VOICE, Number, find_number
from referral_line.carrier.sweep import Kind, find_records
from referral_line.errors import CarrierError, Danger, Finding, SettingsError
from referral_line.languages.language import known_languages
from referral_line.settings import Settings

UNSWEPT: Final = timedelta(days=1)
"""A record of an ended text or call that is older than this is one nobody sweeps."""
IMPATIENT_SECONDS: Final = 10.0
BINS: Final = "handler.twilio.com"
"""Where TwiML Bins are. They answer nobody but the carrier."""

_OVERRIDES: Final = {
    "sms_application_sid": "texts",
    "voice_application_sid": "calls",
    "trunk_sid": "calls",
}
_VERBS: Final = {SMS: "Message", VOICE: "Say"}
_NOT_ALLOWED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_LEAST_MILLISECONDS: Final = {"ct": 500, "rt": 2000, "tt": 5000}
"""Of connecting, of an answer, of all tries: what a slow minute of the line or its Redis needs."""
_TAGS: Final = frozenset(tag.casefold() for tag in known_languages())
_KINDS: Final = {SMS: "texts", VOICE: "calls"}


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found, and what could not be looked at, a sentence each."""

    found: list[Finding]
    not_looked_at: list[str]


def inspect_account(settings: Settings, client: httpx2.Client, *, now: datetime) -> Inspection:
    """Find what is wrong with the account and the line's number. Nothing is changed.

    Args:
        settings: Credentials, number, public URL.
        client: An HTTP client, to ask the fallbacks as the carrier would.
        now: The time, with its zone.
    """
    try:
        api = connect(settings, retry=IMPATIENT, timeout_seconds=IMPATIENT_SECONDS)
        found = [*_check_account(api), *_check_credentials(settings)]
        number, digits = find_number(api, settings)
    except SettingsError as error:
        return Inspection([], [f"the number: {fault.place} {fault.text}" for fault in error.faults])
    except CarrierError as error:
        remedy = "mend that, then ask again; until then the number was not looked at"
        return Inspection([Finding("carrier-refuses", Danger.RISK, str(error), remedy)], [])
    found += [
        *_check_reach(number),
        *_check_pointing(number, settings.public_url or ""),
        *_check_discretion(number),
        *_check_fallbacks(number, settings.public_url or "", client),
        *_check_records(api, digits, now),
    ]
    return Inspection(found, [])


def _check_account(api: Api) -> Iterator[Finding]:
    try:
        with carrier_errors():
            account = api.client.api.v2010.accounts(api.account_sid).fetch()
            status, kind = str(account.status), str(account.type)
    except CarrierRefusedError as error:
        # The account itself is shown to main keys alone; a lesser one is the right one to have.
        # Whether it is valid shows when the number is asked for (twilio.com/docs/iam/api-keys).
        if error.status in _NOT_ALLOWED:
            return
        raise
    if status != "active":
        yield Finding(
            "account-not-active",
            Danger.DOWN,
            f"the carrier has the account as {status}: no text and no call is passed on",
            "see the carrier's console: a bill to pay, a document to give?",
        )
    if kind.casefold() == "trial":
        yield Finding(
            "trial-account",
            Danger.RISK,
            "a trial account writes words of its own before each reply, and reaches few numbers",
            "upgrade it in the carrier's console before the first caller",
        )


def _check_credentials(settings: Settings) -> Iterator[Finding]:
    for text in warn_of_credentials(settings):
        what, _, remedy = text.partition("; ")
        yield Finding("carrier-credentials", Danger.NOTE, what, remedy)


def _check_reach(number: Number) -> Iterator[Finding]:
    for channel, kind in _KINDS.items():
        if channel not in number.capabilities:
            yield Finding(
                "number-cannot",
                Danger.DOWN,
                f"the number can't receive {kind}",
                "get a mobile number: in the UK other kinds rarely receive texts",
            )
    for name, kind in _OVERRIDES.items():
        if number.settings[name]:
            yield Finding(
                "application-overrides",
                Danger.DOWN,
                f"{name} stands in front of the number's own addresses, and takes its {kind}",
                "referral-line number set",
            )
    if number.settings["voice_receive_mode"] != "voice":
        yield Finding(
            "number-takes-faxes",
            Danger.DOWN,
            "calls to the number are taken for faxes",
            "referral-line number set",
        )


def _check_pointing(number: Number, public_url: str) -> Iterator[Finding]:
    for channel, kind in _KINDS.items():
        given = str(number.settings[f"{channel}_url"])
        address, _, overrides = given.partition("#")
        wanted = f"{public_url}/{channel}"
        if address != wanted and not address.startswith(f"{wanted}/"):
            yield Finding(
                "number-points-elsewhere",
                Danger.DOWN,
                f"{kind} lead to {address or 'nowhere'}, not to {wanted}",
                "referral-line number set",
            )
        elif (tag := address.removeprefix(wanted).strip("/")) and tag.casefold() not in _TAGS:
            yield Finding(
                "number-language-unknown",
                Danger.RISK,
                f"{kind} lead to {address}, but there is no language {tag!r}",
                "referral-line number set --language TAG, or without it",
            )
        else:
            yield from _check_tries(kind, dict(parse_qsl(overrides)))


def _check_tries(kind: str, overrides: Mapping[str, str]) -> Iterator[Finding]:
    """Look at how long, and how often, the carrier tries: milliseconds and counts."""
    if not overrides or overrides.get("rc") == "0":
        yield Finding(
            "no-second-try",
            Danger.RISK,
            f"{kind}: an answer that is lost on the way is not asked for again",
            "referral-line number set",
        )
    short = [
        name
        for name, least in _LEAST_MILLISECONDS.items()
        if overrides.get(name, "").isdigit() and int(overrides[name]) < least
    ]
    if short:
        yield Finding(
            "little-patience",
            Danger.DOWN,
            f"{kind}: the carrier is told to wait too short a time ({', '.join(short)})",
            "referral-line number set",
        )


def _check_discretion(number: Number) -> Iterator[Finding]:
    for channel, kind in _KINDS.items():
        for name in (f"{channel}_method", f"{channel}_fallback_method"):
            address = number.settings[name.replace("method", "url")]
            if address and number.settings[name] != "POST":
                yield Finding(
                    "get-used",
                    Danger.EXPOSED,
                    f"{name} is {number.settings[name]}: with {kind}, callers' numbers become part "
                    "of addresses, which are kept in logs",
                    "referral-line number set",
                )
    if number.settings["voice_caller_id_lookup"]:
        yield Finding(
            "caller-name-look-up",
            Danger.EXPOSED,
            "the carrier looks up the name of each caller, and sends it along",
            "referral-line number set",
        )
    if number.settings["status_callback"]:
        yield Finding(
            "status-callback",
            Danger.EXPOSED,
            "after each call the carrier tells another address who called",
            "referral-line number set",
        )


def _check_fallbacks(number: Number, public_url: str, client: httpx2.Client) -> Iterator[Finding]:
    for channel, kind in _KINDS.items():
        address = str(number.settings[f"{channel}_fallback_url"])
        if not address:
            lost = "a text is lost" if channel == SMS else "a call ends with an error"
            yield Finding(
                "no-fallback",
                Danger.RISK,
                f"{kind} have no fallback: while this server is away, {lost}",
                "referral-line fallback DIR, put it on another host, then number set "
                "--fallback-url (docs/fallback.md)",
            )
        elif urlsplit(address).scheme != "https":
            yield Finding(
                "fallback-not-https",
                Danger.EXPOSED,
                f"the fallback for {kind} is not https: when it is needed, callers' numbers and "
                "words cross the network in the clear",
                "referral-line number set --fallback-url, with https",
            )
        elif urlsplit(address).hostname == urlsplit(public_url).hostname:
            yield Finding(
                "fallback-on-same-host",
                Danger.RISK,
                f"the fallback for {kind} is on the host that it should stand in for",
                "put it on another one, or into a TwiML Bin (docs/fallback.md)",
            )
        elif urlsplit(address).hostname != BINS:
            yield from _ask_fallback(address, channel, client)


def _ask_fallback(address: str, channel: str, client: httpx2.Client) -> Iterator[Finding]:
    try:
        answer = client.post(address.partition("#")[0], data={"AccountSid": ""})
        wrong = _judge_fallback(answer, channel)
    except httpx2.HTTPError as error:
        wrong = f"can't be reached ({type(error).__name__})"
    if wrong is not None:
        yield Finding(
            "fallback-fails",
            Danger.RISK,
            f"the fallback for {_KINDS[channel]}, {address}, {wrong}",
            "see docs/fallback.md: it must answer POST with the file that `fallback` wrote",
        )


def _judge_fallback(answer: httpx2.Response, channel: str) -> str | None:
    if answer.status_code != HTTPStatus.OK:
        return f"answers {answer.status_code}"
    try:
        response = ET.fromstring(answer.content)  # noqa: S314 - at worst it is no XML
    except ET.ParseError:
        return "gives no TwiML"
    if response.tag != "Response" or response.find(_VERBS[channel]) is None:
        return f"gives no TwiML for {_KINDS[channel]}"
    return None


def _check_records(api: Api, digits: str, now: datetime) -> Iterator[Finding]:
    try:
        backlog = find_records(api, digits, UNSWEPT, now)
    except CarrierError as error:
        remedy = "let the key list messages and calls (docs/sweeping.md), then ask again"
        yield Finding("records-unseen", Danger.RISK, f"the carrier's records: {error}", remedy)
        return
    texts, calls = backlog.count(Kind.MESSAGES), backlog.count(Kind.CALLS)
    if texts or calls:
        yield Finding(
            "records-unswept",
            Danger.EXPOSED,
            f"{texts} texts and {calls} calls that ended more than a day ago are still at the "
            "carrier, with callers' numbers and words",
            "let `referral-line sweep --every 15 --yes` run all the time (docs/sweeping.md)",
        )
