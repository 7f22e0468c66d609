"""From a request to the few fields we read. The caller's number is not among them.

This is the one place that sees a request's parameters. What leaves it has no field for a number,
a name or a place, so nothing behind it can keep one.
"""

import asyncio
import re
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from urllib.parse import parse_qsl

from starlette.requests import Request

from referral_line.content.model import Channel
from referral_line.conversation.position import Input
from referral_line.replies.segments import MAX_BODY
from referral_line.sessions.session import delivery_mark, is_token
from referral_line.web.signature import Pairs, SignatureVerifier

MAX_BYTES = 64 * 1024
"""A webhook is a few kilobytes; a larger body is none."""
FORM = "application/x-www-form-urlencoded"
COOKIE = "session"

MAX_COOKIE = 4096
"""Longest cookie header read. Ours is found by its form: the standard library's parser takes time
with the square of the length on Pythons we support (CVE-2024-7592)."""
READ_SECONDS = 10.0
"""Longest wait for a body; the carrier sends it at once."""


class Parameter(StrEnum):
    """Every parameter of a webhook that is read. No other is, beside the check of the signature.

    Who called, from where and to which number stand in parameters that have no name here.
    """

    BODY = "Body"
    DIGITS = "Digits"
    NUM_MEDIA = "NumMedia"
    ACCOUNT_SID = "AccountSid"


_COOKIE = re.compile(rf"(?:^|;\s*){COOKIE}=([A-Za-z0-9_-]+)(?:;|$)")
_WORDS_OR_KEYS = {Channel.SMS: Parameter.BODY, Channel.VOICE: Parameter.DIGITS}


@dataclass(frozen=True, slots=True)
class Inbound:
    """What we read of a webhook: words or keys, whether a picture came, two opaque marks."""

    given: Input
    token: str | None
    """The session token that the carrier handed back, if it is one of ours."""
    delivery: str
    """The mark of this delivery, the same when the carrier sends it again."""


class RefusedError(Exception):
    """The request is no webhook of our carrier. Says nothing about what was in it."""

    def __init__(self, status: HTTPStatus) -> None:
        """Refuse with an HTTP status."""
        self.status = status
        super().__init__(status.phrase)


async def read_inbound(request: Request, verifier: SignatureVerifier, channel: Channel) -> Inbound:
    """Read, verify and reduce a webhook.

    Raises:
        RefusedError: 415 another content type, 413 over 64 KiB, 403 no valid signature, or
            another account's.
    """
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != FORM:
        raise RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    pairs = _parse(await read_body(request))
    raw_path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    is_valid = verifier.is_valid(
        raw_path.split(b"?")[0].decode("latin-1"),
        request.scope["query_string"].decode("latin-1"),
        pairs,
        request.headers.get("x-twilio-signature", ""),
    )
    sender = _first(pairs, Parameter.ACCOUNT_SID)
    if not is_valid or (sender and verifier.account_sid not in {None, sender}):
        raise RefusedError(HTTPStatus.FORBIDDEN)
    text = _first(pairs, _WORDS_OR_KEYS[channel]) or ""
    pictures = _first(pairs, Parameter.NUM_MEDIA) or ""
    found = _COOKIE.search(request.headers.get("cookie", "")[:MAX_COOKIE])
    cookie = found[1] if found else ""
    return Inbound(
        given=Input(text[:MAX_BODY], pictures.strip(" 0").isdigit(), channel),
        token=cookie if is_token(cookie) else None,
        delivery=delivery_mark(request.headers.get("i-twilio-idempotency-token", "")),
    )


async def read_body(request: Request) -> bytes:
    """Read a body of at most 64 KiB. Raises ``RefusedError`` 413 beyond it."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > MAX_BYTES:
        raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    body = bytearray()
    try:
        async with asyncio.timeout(READ_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BYTES:
                    raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    except TimeoutError:
        raise RefusedError(HTTPStatus.REQUEST_TIMEOUT) from None
    return bytes(body)


def _parse(body: bytes) -> Pairs:
    """Percent-decode to bytes; Latin-1 maps each byte to one character and back."""
    pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]


def _first(pairs: Pairs, name: Parameter) -> str | None:
    wanted = name.encode()
    for found, value in pairs:
        if found == wanted:
            return value.decode("utf-8", errors="replace")
    return None
