"""The line as the carrier meets it: signed requests to the public URL, and what comes back."""

import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree as ET

import httpx2
from twilio.request_validator import HMAC_SHA1, HMAC_SHA256, RequestValidator

from referral_line.errors import Danger, Finding

TIMEOUT_SECONDS = 10.0
SLOW_SECONDS = 3.5
"""The carrier is told to wait so long for an answer before it tries again (``number set``)."""
CERTIFICATE_DAYS = 14
SKEW = timedelta(seconds=60)

PADDING = "x" * 16_384
"""A long text in a script that costs nine bytes a letter makes a webhook so large."""

_FORM = "application/x-www-form-urlencoded"
_VERBS = {"sms": "Message", "voice": "Gather"}


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the carrier signs with."""

    account_sid: str
    auth_tokens: Sequence[str]
    shared_keys: Sequence[str]

    def each(self) -> list["Secrets"]:
        """These secrets one by one, the strongest first: while one is rotated, several may do."""
        keys = [Secrets(self.account_sid, [], [key]) for key in self.shared_keys]
        return keys + [Secrets(self.account_sid, [token], []) for token in self.auth_tokens]

    @property
    def strongest(self) -> tuple[str, str]:
        """The secret that our own requests are signed with, and its algorithm."""
        if self.shared_keys:
            return self.shared_keys[0], HMAC_SHA256
        return self.auth_tokens[0], HMAC_SHA1


HttpClient = httpx2.Client
"""What asks the public URL, and the fallbacks."""


def make_client() -> HttpClient:
    """Make an HTTP client that waits no longer than a caller would, and follows no redirect."""
    return HttpClient(timeout=TIMEOUT_SECONDS, follow_redirects=False)


def probe_line(
    public_url: str,
    secrets: Secrets,
    client: httpx2.Client,
    *,
    call_path: str = "/voice",
    now: datetime,
    clock: Callable[[], float] = time.monotonic,
) -> list[Finding]:
    """Find what is wrong with the webhooks, by calling them as the carrier would.

    No conversation is begun: the text that is sent is the key that finishes, the call is one that
    goes on. So nothing is stored and nothing is counted.

    Args:
        public_url: The base URL that the carrier calls.
        secrets: What the requests are signed with.
        client: An HTTP client that follows no redirects.
        call_path: The path of a call that is under way, such as ``/voice/en/home/0``.
        now: The time by our own clock, with its zone.
        clock: Seconds that only grow, to measure how long an answer takes.
    """
    found = list(_check_address(public_url))
    for channel, path, form in (
        ("sms", "/sms", [("Body", "9"), ("NumMedia", "0"), ("Padding", PADDING)]),
        ("voice", call_path, [("CallStatus", "in-progress")]),
    ):
        signed = [("AccountSid", secrets.account_sid), *form]
        began = clock()
        try:
            answer = _post(client, public_url + path, signed, secrets)
        except httpx2.HTTPError as error:
            return [*found, _unreachable(public_url, error)]
        seconds = clock() - began
        wrong = _judge(channel, public_url, answer) or _judge_body(channel, answer)
        if wrong is not None and wrong.id == "signature-refused":
            wrong = _try_others(wrong, public_url + path, signed, secrets, client) or (
                _explain_refusal(wrong, public_url, path, signed, secrets, client)
            )
        if wrong is not None:
            found.append(wrong)
        elif seconds > SLOW_SECONDS:
            found.append(_slow(channel, seconds))
        if channel == "sms" and wrong is None and "set-cookie" not in answer.headers:
            found.append(_cookie_lost())
        if channel == "sms":
            found += [*_check_certificate(answer, now), *_check_stranger(public_url, client)]
    return [*found, *_check_health(public_url, client)]


def check_clock(url: str, client: httpx2.Client, *, now: datetime) -> list[Finding]:
    """Compare our clock with that of a server, by the date of its answer, whatever it is."""
    try:
        date = parsedate_to_datetime(client.get(url).headers["date"])
    except (httpx2.HTTPError, KeyError, ValueError, TypeError):
        return []  # no date, nothing to compare; whether it can be reached is found elsewhere
    skew = now - date
    if abs(skew) <= SKEW:
        return []
    way = "ahead" if skew > timedelta() else "behind"
    return [
        Finding(
            "clock-skew",
            Danger.RISK,
            f"this machine's clock is {abs(skew).total_seconds():.0f} seconds {way}",
            "keep time with NTP (timedatectl set-ntp true): certificates, and the age of records "
            "to sweep, depend on it",
        )
    ]


def _check_address(public_url: str) -> Iterator[Finding]:
    if urlsplit(public_url).scheme != "https":
        yield Finding(
            "not-https",
            Danger.EXPOSED,
            f"{public_url} is not https: numbers and words would cross the network in the clear",
            "put a proxy with a certificate in front, and write https:// into "
            "REFERRAL_LINE_PUBLIC_URL",
        )


def _post(
    client: httpx2.Client,
    url: str,
    form: list[tuple[str, str]],
    secrets: Secrets,
    *,
    signed_for: str | None = None,
) -> httpx2.Response:
    secret, algorithm = secrets.strongest
    signature = RequestValidator(secret).compute_signature(signed_for or url, dict(form), algorithm)
    headers = {"content-type": _FORM, "x-twilio-signature": signature}
    return client.post(url, content=urlencode(form), headers=headers)


def _unreachable(public_url: str, error: httpx2.HTTPError) -> Finding:
    reason = type(error).__name__
    remedy = "is the name in DNS, the proxy running, its port open to the internet?"
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        reason = "its certificate is not valid"
        remedy = "renew it, or install the whole chain: the carrier refuses it too"
    return Finding(
        "webhook-unreachable",
        Danger.DOWN,
        f"{public_url} can't be reached ({reason})",
        remedy,
    )


def _judge(channel: str, public_url: str, answer: httpx2.Response) -> Finding | None:
    where = f"{public_url}/{channel}"
    status = answer.status_code
    if status == HTTPStatus.OK:
        return None
    if status == HTTPStatus.FORBIDDEN:
        return Finding(
            "signature-refused",
            Danger.DOWN,
            f"{where} refuses a request signed with this environment's secret (403)",
            "give the server the account's auth token, and REFERRAL_LINE_PUBLIC_URL just as the "
            "carrier calls it",
        )
    if answer.is_redirect:
        return Finding(
            "webhook-redirects",
            Danger.DOWN,
            f"{where} sends the carrier elsewhere ({status})",
            "let the number point at the final address, and the proxy redirect no webhook",
        )
    if status in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}:
        return Finding(
            "webhook-not-there",
            Danger.DOWN,
            f"{where} is not there ({status})",
            "let the proxy pass every path under the public URL on to `serve`",
        )
    return Finding(
        "webhook-fails",
        Danger.DOWN,
        f"{where} answers {status}",
        "is `serve` running, and does the proxy pass to its port? Look at both logs",
    )


def _judge_body(channel: str, answer: httpx2.Response) -> Finding | None:
    kind = answer.headers.get("content-type", "").partition(";")[0]
    try:
        response = ET.fromstring(answer.content)  # noqa: S314 - at worst it is no XML
    except ET.ParseError:
        response = ET.Element("none")
    if response.tag == "Response" and response.find(_VERBS[channel]) is not None:
        return None
    return Finding(
        "webhook-not-ours",
        Danger.DOWN,
        f"what answers at /{channel} is not the line ({kind or 'no content type'})",
        "look where the proxy passes this path to",
    )


def _try_others(
    refusal: Finding,
    url: str,
    form: list[tuple[str, str]],
    secrets: Secrets,
    client: httpx2.Client,
) -> Finding | None:
    """Sign with the other secrets: the server may have an older one, while one is rotated."""
    for other in secrets.each()[1:]:
        try:
            answer = _post(client, url, form, other)
        except httpx2.HTTPError:
            return None
        if answer.status_code == HTTPStatus.OK:
            return Finding(
                "secret-unknown",
                Danger.RISK,
                f"{refusal.text}, but takes another secret of this environment",
                "give the server every secret that the carrier may sign with, the new one too, "
                "and start it anew before the old one is withdrawn",
            )
    return None


def _explain_refusal(
    refusal: Finding,
    public_url: str,
    path: str,
    form: list[tuple[str, str]],
    secrets: Secrets,
    client: httpx2.Client,
) -> Finding:
    """Try the other addresses that the server may believe it has, and name the one it takes."""
    parts = urlsplit(public_url)
    other_scheme = "http" if parts.scheme == "https" else "https"
    beliefs = [
        parts._replace(scheme=other_scheme).geturl(),
        parts._replace(path="").geturl(),
        parts._replace(netloc=parts.hostname or "").geturl(),
        parts._replace(scheme=other_scheme, netloc=parts.hostname or "").geturl(),
    ]
    for belief in dict.fromkeys(beliefs):
        if belief == public_url:
            continue
        try:
            answer = _post(client, public_url + path, form, secrets, signed_for=belief + path)
        except httpx2.HTTPError:
            break
        if answer.status_code == HTTPStatus.OK:
            return Finding(
                refusal.id,
                refusal.danger,
                f"{refusal.text}: the server believes that its address is {belief}",
                f"set REFERRAL_LINE_PUBLIC_URL={public_url} for the server, and start it anew",
            )
    return refusal


def _check_stranger(public_url: str, client: httpx2.Client) -> Iterator[Finding]:
    try:
        answer = client.post(f"{public_url}/sms", content="Body=9", headers={"content-type": _FORM})
    except httpx2.HTTPError:
        return
    if answer.status_code == HTTPStatus.OK:
        yield Finding(
            "unsigned-answered",
            Danger.RISK,
            "a request without a signature is answered: something else than the line stands there",
            "let the proxy pass requests on to `serve`, which refuses them, and nowhere else",
        )


def _cookie_lost() -> Finding:
    return Finding(
        "cookie-lost",
        Danger.DOWN,
        "the cookie of an answer is lost on its way: every text would begin a new conversation",
        "let the proxy pass Set-Cookie on, and cache nothing",
    )


def _slow(channel: str, seconds: float) -> Finding:
    return Finding(
        "webhook-slow",
        Danger.RISK,
        f"/{channel} took {seconds:.1f} seconds; the carrier gives up after 15",
        "look at Redis, at the machine's load and at the network between",
    )


def _check_certificate(answer: httpx2.Response, now: datetime) -> Iterator[Finding]:
    stream = answer.extensions.get("network_stream")
    tls = stream.get_extra_info("ssl_object") if stream else None
    if tls is None:
        return
    ends = tls.getpeercert()["notAfter"]
    left = datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC) - now
    if left < timedelta(days=CERTIFICATE_DAYS):
        yield Finding(
            "certificate-ends",
            Danger.RISK,
            f"the certificate ends in {max(0, left.days)} days; then no caller is answered",
            "renew it, and let a timer do so from now on",
        )


def _check_health(public_url: str, client: httpx2.Client) -> Iterator[Finding]:
    try:
        ready = client.get(f"{public_url}/readyz").json()
        degraded = [str(each) for each in ready["degraded"]]
    except (httpx2.HTTPError, ValueError, KeyError, TypeError):
        return  # the webhooks' own answers have said what matters
    if degraded:
        yield Finding(
            "degraded",
            Danger.RISK,
            f"the line answers, but says: {'; '.join(degraded)}",
            "see /readyz and the server's log",
        )
