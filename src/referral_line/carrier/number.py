"""The line's number at the carrier: what its calls and texts lead to, and what they should."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from referral_line.carrier.api import Api, carrier_errors
from referral_line.errors import CarrierError, Fault, SettingsError
from referral_line.languages.language import known_languages
from referral_line.settings import Settings

OVERRIDES: Final = "#ct=1500&rt=3500&rc=2&rp=ct,rt,5xx"
"""Three tries of 1.5 seconds for connecting and 3.5 for the reply: the 15 seconds that there are.

By default there is one try more, and only after a failed connection; a reply that hangs would
use up all the time (twilio.com/docs/usage/webhooks/webhooks-connection-overrides). The part after
``#`` is neither sent nor signed.
"""

Value = str | bool

SMS: Final = "sms"
VOICE: Final = "voice"

FIELDS: Final[Mapping[str, Value]] = MappingProxyType(
    {
        "sms_url": "",
        "sms_method": "POST",
        "sms_fallback_url": "",
        "sms_fallback_method": "POST",
        "voice_url": "",
        "voice_method": "POST",
        "voice_fallback_url": "",
        "voice_fallback_method": "POST",
        "voice_receive_mode": "voice",
        "voice_caller_id_lookup": False,
        "status_callback": "",
        "sms_application_sid": "",
        "voice_application_sid": "",
        "trunk_sid": "",
    }
)
"""Every setting of a number that decides who learns of a call, and what it means when not given.

Names are the API's. The three that end in ``_sid`` silently take the place of the URLs.
"""


@dataclass(frozen=True, slots=True)
class Number:
    """A number as the carrier has it. ``settings`` are by the names of ``FIELDS``."""

    sid: str = field(repr=False)
    settings: Mapping[str, Value]
    capabilities: frozenset[str]
    """Of ``sms``, ``mms``, ``voice``, ``fax``: what the number can do."""


@dataclass(frozen=True, slots=True)
class Change:
    """One setting that is to change."""

    name: str
    old: Value
    new: Value


def find_number(api: Api, settings: Settings) -> tuple[Number, str]:
    """Return the line's number, and its digits such as ``+447700900123``.

    Raises:
        SettingsError: the account has several numbers and none is named.
        CarrierError: the account has no such number, or the carrier failed.
    """
    named = settings.number.get_secret_value() if settings.number else None
    with carrier_errors():
        # The carrier's filter also finds numbers that merely contain these digits.
        wanted = {"phone_number": named} if named else {}
        found = [
            record
            for record in api.records.incoming_phone_numbers.list(**wanted)
            if record.account_sid == api.account_sid and named in {None, record.phone_number}
        ]
    if len(found) > 1:
        text = f"is not set, and the account has {len(found)} numbers; set it to the line's own"
        raise SettingsError([Fault("environment", None, "REFERRAL_LINE_NUMBER", text)])
    if not found:
        message = (
            "REFERRAL_LINE_NUMBER is no number of this account; check it, and TWILIO_ACCOUNT_SID"
            if named
            else "the account has no number; get one that can take texts and calls"
        )
        raise CarrierError(message)
    return _read(found[0]), str(found[0].phone_number)


def fetch_number(api: Api, sid: str) -> Number:
    """Return a number of the account as it is now.

    Raises:
        CarrierError: the carrier failed.
    """
    with carrier_errors():
        record = api.records.incoming_phone_numbers(sid).fetch()
    return _read(record)


def _read(record: Any) -> Number:  # noqa: ANN401 - the library has no types
    given = {name: getattr(record, name, None) for name in FIELDS}
    settings = {name: given[name] or default for name, default in FIELDS.items()}
    capabilities = record.capabilities if isinstance(record.capabilities, dict) else {}
    able = frozenset(str(name).lower() for name, is_able in capabilities.items() if is_able)
    return Number(str(record.sid), settings, able)


def webhooks(public_url: str, tag: str | None = None) -> dict[str, Value]:
    """Return what every setting of the line's number should be, fallbacks aside.

    Args:
        public_url: The base URL that the carrier calls, without a slash at its end.
        tag: The language tag of a number that serves one language.
    """
    path = f"/{tag}" if tag else ""
    return {
        **{name: value for name, value in FIELDS.items() if not name.endswith("fallback_url")},
        "sms_url": f"{public_url}/sms{path}{OVERRIDES}",
        "voice_url": f"{public_url}/voice{path}{OVERRIDES}",
    }


def fallbacks(url: str | None, voice_url: str | None, tag: str | None = None) -> dict[str, Value]:
    """Return the fallback settings for addresses as an operator gives them.

    Args:
        url: For both kinds; a folder of the files that ``referral-line fallback`` writes if it
            ends in ``/``.
        voice_url: For calls alone.
        tag: The language tag of a number that serves one language; its own files are named.
    """
    chosen: dict[str, Value] = {}
    if url is not None:
        language = {tag.casefold(): tag for tag in known_languages()}.get((tag or "").casefold())
        is_spoken = language is not None and known_languages()[language].voice is not None
        names = {
            SMS: f"sms-{language}.xml" if language else "sms.xml",
            # There is no file for calls in a language without a voice.
            VOICE: f"voice-{language}.xml" if is_spoken else "voice.xml",
        }
        for channel, name in names.items():
            chosen[f"{channel}_fallback_url"] = f"{url}{name}" if url.endswith("/") else url
    if voice_url is not None:
        chosen["voice_fallback_url"] = voice_url
    return chosen


def why_unusable(url: str) -> str | None:
    """Return why the carrier should not be given an address, or nothing if it may be."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "is no address; write the whole URL, such as https://example.org/fallback/"
    if parts.scheme != "https":
        return "must begin with https://, since callers' numbers are sent there"
    if not parts.hostname or port == 0:
        return "names no host; write the whole URL, such as https://example.org/fallback/"
    if parts.username or parts.password:
        return "holds a user name, which the carrier would keep; write it without"
    if not url.isascii() or not url.isprintable() or " " in url:
        return "has characters that are sent in another form; write it in plain letters"
    return None


def compare(number: Number, wanted: Mapping[str, Value]) -> list[Change]:
    """Return what would have to change, in the order of ``FIELDS``."""
    return [
        Change(name, number.settings[name], wanted[name])
        for name in FIELDS
        if name in wanted and number.settings[name] != wanted[name]
    ]


def apply(api: Api, number: Number, changes: list[Change]) -> list[Change]:
    """Make the changes, look again, and return those that the carrier did not keep.

    Raises:
        CarrierError: the carrier failed; what it has now is unknown until it is looked at again.
    """
    wanted = {change.name: change.new for change in changes}
    with carrier_errors():
        api.records.incoming_phone_numbers(number.sid).update(**wanted)
    return compare(fetch_number(api, number.sid), wanted)
