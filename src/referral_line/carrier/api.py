"""The carrier's REST API: credentials, patience, and every failure as one plain sentence.

Underneath is the carrier's own client, the synchronous one: its asynchronous sibling ignores
timeouts and the carrier's "too many requests".
"""

import json
import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

import requests.exceptions as http
from requests.adapters import HTTPAdapter
from twilio.base.exceptions import (
    TwilioException,
    TwilioRestException,
    TwilioServiceException,
)
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client
from urllib3.exceptions import HTTPError as TransportError
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

from referral_line.errors import CarrierError, Fault, SettingsError
from referral_line.settings import Settings

TIMEOUT_SECONDS: Final = 20.0
"""For connecting, and again for each silence while an answer is read."""


class Patience(Retry):
    """The library's retries, where a ``Retry-After`` that can't be read counts as none."""

    def parse_retry_after(self, retry_after: str) -> float:
        """Return the seconds to wait."""
        try:
            return super().parse_retry_after(retry_after)
        except InvalidHeader:
            return 0


RETRY: Final = Patience(
    total=6,
    connect=2,
    read=1,  # a carrier that is silent may stay so; whoever waits can't end the command meanwhile
    other=0,  # a certificate that is refused stays refused
    status_forcelist=(429, 500, 502, 503, 504),
    # Each of our requests may be made twice: updates set fixed values, and deleting what is gone
    # is answered with 404.
    allowed_methods=("GET", "POST", "DELETE"),
    backoff_factor=0.5,
    backoff_jitter=0.5,
    backoff_max=10,
    retry_after_max=10,  # a process that is asked to end waits for this
    raise_on_status=False,
)
"""How often a request is made again, and after which waits: for half a minute where the carrier
refuses, once where it is silent."""
IMPATIENT: Final = RETRY.new(total=1, connect=1)
"""For whoever looks at many things and waits for none of them long."""

NOT_FINISHED: Final = 20009
"""The carrier's code for a record that can't be deleted yet (twilio.com/docs/errors/20009)."""

GONE: Final = 404
"""The HTTP status of a record that is no more."""
NO_SUCH: Final = 20404
"""The carrier's code for it; a gateway that knows no such path has none."""

_SHORTEST_CODE = 10_000  # the library puts the HTTP status where the carrier gave no code

_AWAY = "try again later; the carrier's status page says whether it has a fault"
_NETWORK = "check this machine's network and REFERRAL_LINE_CARRIER_API_URL, then try again"
_TOLD_NOTHING = (
    "the carrier's API gave an answer that makes no sense; check REFERRAL_LINE_CARRIER_API_URL, "
    "and that no proxy answers in the carrier's place"
)
_WRONG_ADDRESS = (
    "the carrier's API can't be called at REFERRAL_LINE_CARRIER_API_URL; write its base URL, "
    "such as https://api.twilio.com"
)
_BROKEN_OFF = f"the connection to the carrier's API broke off; {_NETWORK}"

EXPLANATIONS: Final[Mapping[type[Exception], str]] = MappingProxyType(
    {
        http.RequestException: f"the carrier's API could not be asked; {_NETWORK}",
        # Also what the library makes of timeouts once it has tried again in vain.
        http.ConnectionError: f"the carrier's API can't be reached, or is silent; {_NETWORK}",
        http.ProxyError: (
            "the proxy on the way to the carrier's API refused; check HTTPS_PROXY and NO_PROXY"
        ),
        http.SSLError: (
            "the carrier's API has no certificate that this machine trusts; check its clock and "
            "REFERRAL_LINE_CARRIER_API_URL, and whether a proxy needs REQUESTS_CA_BUNDLE"
        ),
        http.ConnectTimeout: f"the carrier's API can't be reached in time; {_NETWORK}",
        http.ReadTimeout: f"the carrier's API did not answer in time; {_AWAY}",
        http.Timeout: f"the carrier's API did not answer in time; {_AWAY}",
        http.RetryError: f"the carrier's API failed again and again; {_AWAY}",
        http.ChunkedEncodingError: _BROKEN_OFF,
        http.ContentDecodingError: _TOLD_NOTHING,
        http.StreamConsumedError: _BROKEN_OFF,
        http.UnrewindableBodyError: _BROKEN_OFF,
        http.HTTPError: _TOLD_NOTHING,
        http.TooManyRedirects: _TOLD_NOTHING,
        http.InvalidJSONError: _TOLD_NOTHING,
        http.JSONDecodeError: _TOLD_NOTHING,
        http.URLRequired: _WRONG_ADDRESS,
        http.MissingSchema: _WRONG_ADDRESS,
        http.InvalidSchema: _WRONG_ADDRESS,
        http.InvalidURL: _WRONG_ADDRESS,
        http.InvalidProxyURL: (
            "the proxy on the way to the carrier's API has no usable address; check HTTPS_PROXY"
        ),
        http.InvalidHeader: (
            "the credentials can't be sent; check TWILIO_API_KEY and TWILIO_API_SECRET for stray "
            "characters"
        ),
        TransportError: _BROKEN_OFF,
        OSError: f"the carrier's API can't be reached; {_NETWORK}",
        # Pages and records are read by the library without a look at their shape.
        TwilioException: _TOLD_NOTHING,
        TwilioRestException: _TOLD_NOTHING,
        TwilioServiceException: _TOLD_NOTHING,
        ValueError: _TOLD_NOTHING,
        TypeError: _TOLD_NOTHING,
        KeyError: _TOLD_NOTHING,
        AttributeError: _TOLD_NOTHING,
    }
)
"""What an operator is told of each error that has no HTTP status, and what to do about it."""

_STATUSES: Final[Mapping[int, str]] = MappingProxyType(
    {
        401: "the carrier refused the credentials; check TWILIO_ACCOUNT_SID, TWILIO_API_KEY and "
        "TWILIO_API_SECRET, and that the key is of this account and region",
        403: "the carrier does not allow these credentials to do this; give the API key the "
        "permissions that docs/sweeping.md lists, or use a standard key of this account",
        404: "the carrier knows no such record; it may have been removed meanwhile, or "
        "TWILIO_ACCOUNT_SID or REFERRAL_LINE_CARRIER_API_URL belongs to another account",
        429: "the carrier had too many requests and went on refusing; try again in some minutes",
    }
)
_GENERAL = frozenset({401, 429})
_DELETED = 204
_BAD_REQUEST = 400
_SERVER_FAULT = 500


class Outcome(StrEnum):
    """What became of a record that was to be deleted."""

    DELETED = "deleted"
    GONE = "already gone"
    NOT_FINISHED = "not finished"
    REFUSED = "refused"


class Api:
    """The API of one account.

    ``client`` is the library's, one a thread: it hands an answer over through an attribute of its
    own, so two threads with one client would read each other's answers.
    """

    def __init__(self, settings: Settings, *, retry: Retry, timeout_seconds: float) -> None:
        """Keep the credentials; nothing is asked yet. ``connect`` is the way to make one."""
        key, secret = settings.api_key, settings.api_secret
        self.account_sid = settings.account_sid or ""
        self._user = key or self.account_sid
        self._password = (secret if key and secret else settings.auth_tokens[0]).get_secret_value()
        self._base_url = settings.carrier_api_url
        self._retry = retry
        self._timeout_seconds = timeout_seconds
        self._mine = threading.local()

    @property
    def client(self) -> Any:  # noqa: ANN401 - the library has no types
        """The library's client of this thread; call it inside ``carrier_errors`` only."""
        if not hasattr(self._mine, "client"):
            self._mine.client = self._make_client()
        return self._mine.client

    @property
    def records(self) -> Any:  # noqa: ANN401 - the library has no types
        """The account's ``messages``, ``calls`` and ``incoming_phone_numbers``."""
        return self.client.api.v2010.account

    def _make_client(self) -> Any:  # noqa: ANN401 - the library has no types
        transport = TwilioHttpClient(timeout=self._timeout_seconds)
        for scheme in ("https://", "http://"):
            transport.session.mount(scheme, HTTPAdapter(max_retries=self._retry))
        client = Client(
            self._user,
            self._password,
            self.account_sid,
            http_client=transport,
            # Else it reads TWILIO_REGION, TWILIO_EDGE and more where nobody looks for settings.
            environment={"TWILIO_ACCOUNT_SID": self.account_sid},
        )
        client.api.base_url = self._base_url
        return client


def connect(
    settings: Settings, *, retry: Retry = RETRY, timeout_seconds: float = TIMEOUT_SECONDS
) -> Api:
    """Return the account's API; nothing is asked of the carrier yet.

    Args:
        settings: The account, an API key with its secret or else the account's token, the base URL.
        retry: How often a request is made again.
        timeout_seconds: How long the carrier may be silent.

    Raises:
        SettingsError: everything that is missing.
    """
    faults = check_credentials(settings)
    if faults:
        raise SettingsError(faults)
    _silence()
    return Api(settings, retry=retry, timeout_seconds=timeout_seconds)


def check_credentials(settings: Settings) -> list[Fault]:
    """Return what is missing of the account's SID, the API key and its secret."""
    remedies: dict[str, str] = {}
    if settings.account_sid is None:
        remedies["TWILIO_ACCOUNT_SID"] = "is not set; set it to the account's SID, AC…"
    if settings.api_key is None and settings.api_secret is not None:
        remedies["TWILIO_API_KEY"] = "is not set, but TWILIO_API_SECRET is; set it to the key, SK…"
    elif settings.api_key is not None and settings.api_secret is None:
        remedies |= {"TWILIO_API_SECRET": "is not set, but TWILIO_API_KEY is; set it to its secret"}
    elif settings.api_key is None and not settings.auth_tokens:
        remedies["TWILIO_API_KEY"] = "is not set; make an API key as docs/sweeping.md says"
    return [Fault("environment", None, name, text) for name, text in remedies.items()]


def warn_of_credentials(settings: Settings) -> list[str]:
    """Return what is unwise about the credentials, a sentence each."""
    warnings = []
    if settings.api_key is None:
        warnings.append(
            "TWILIO_API_KEY is not set, so the account's own token is used; make an API key, which "
            "can be limited and withdrawn: docs/sweeping.md"
        )
    parts = urlsplit(settings.carrier_api_url)
    if parts.scheme == "http" and parts.hostname not in {"127.0.0.1", "::1", "localhost"}:
        warnings.append(
            "REFERRAL_LINE_CARRIER_API_URL begins with http://, so that credentials and callers' "
            "numbers can be read on the way; use https://"
        )
    return warnings


class CarrierRefusedError(CarrierError):
    """The carrier's API answered with a refusal: its HTTP status, and its own code if it gave one.

    ``code`` is a number such as 20003, listed at twilio.com/docs/api/errors.
    """

    def __init__(self, status: int, code: int | None) -> None:
        """Say what the status means and what to do."""
        self.status = status
        self.code = code
        if status in _STATUSES:
            text = _STATUSES[status]
        elif status >= _SERVER_FAULT:
            text = f"the carrier's API has a fault of its own; {_AWAY}"
        elif status < _BAD_REQUEST:
            text = _TOLD_NOTHING
        else:
            text = "the carrier refused the request; its list of errors says why"
        numbers = f"HTTP {status}" if code is None else f"HTTP {status}, error {code}"
        super().__init__(f"{text} ({numbers})")

    @property
    def is_general(self) -> bool:
        """Whether the next request would be refused too: credentials, pace."""
        return self.status in _GENERAL


@contextmanager
def carrier_errors() -> Iterator[None]:
    """Turn whatever the library raises inside into a ``CarrierError``.

    Keep to the library's calls inside: an error of ours would be taken for a strange answer.
    """
    try:
        yield
    except tuple(EXPLANATIONS) as error:
        # No cause is kept: the library's errors hold addresses with records' SIDs in them.
        raise explain(error) from None


def explain(error: Exception) -> CarrierError:
    """Return what an error of the library means and what to do, without its text or addresses."""
    status, code = _refusal(error)
    if status is not None:
        return CarrierRefusedError(status, code if code and code >= _SHORTEST_CODE else None)
    known = next(kind for kind in type(error).__mro__ if kind in EXPLANATIONS)
    return CarrierError(EXPLANATIONS[known])


def _refusal(error: Exception) -> tuple[int | None, int | None]:
    """Return the HTTP status and the carrier's code of an error that has them."""
    status, code = getattr(error, "status", None), getattr(error, "code", None)
    # For a page of a list the library raises its root, with the whole answer as second argument.
    answer = error.args[1] if len(error.args) > 1 else None
    if isinstance(answer, Response):
        status, code = answer.status_code, _code_in(answer.text)
    return _whole(status), _whole(code)


def _code_in(text: str) -> object:
    try:
        answer = json.loads(text)
    except ValueError:
        return None
    return answer.get("code") if isinstance(answer, dict) else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None


def delete(resource: Any) -> tuple[Outcome, int | None]:  # noqa: ANN401 - the library has no types
    """Delete a record, such as ``api.records.messages(sid)``.

    Returns:
        What became of it, and the carrier's code where it was refused.

    Raises:
        CarrierError: a failure that the next record would meet too: the network, the credentials.
            What the carrier refuses, or fails at, may be this record's own matter.
    """
    try:
        with carrier_errors():
            status = resource.delete_with_http_info().status_code
    except CarrierRefusedError as refused:
        if refused.code == NOT_FINISHED:
            return Outcome.NOT_FINISHED, None
        if refused.status == GONE and refused.code == NO_SUCH:
            return Outcome.GONE, None
        if refused.is_general:
            raise
        return Outcome.REFUSED, refused.code
    # The library takes any page with a status below 300 for a success, a proxy's too.
    return (Outcome.DELETED if status == _DELETED else Outcome.REFUSED), None


def _silence() -> None:
    """Keep the libraries from logging: their lines hold addresses, and so SIDs and numbers."""
    for name in ("twilio", "urllib3", "requests"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
