"""A browser phone that speaks to the same webhooks as the carrier would, with webhooks of its own.

The server side plays the carrier: it signs with a token that only this process knows, for an app
of its own with sessions of its own. The real webhooks never accept that token, so the simulator
can be switched on beside them.
"""

import re
import secrets
from collections.abc import Callable
from datetime import timedelta
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Annotated
from xml.etree import ElementTree as ET

import httpx2
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope
from twilio.request_validator import RequestValidator

from referral_line import __version__
from referral_line.languages.language import known_languages
from referral_line.replies.line import Line
from referral_line.replies.segments import MAX_BODY, count_segments
from referral_line.sessions.store import MemoryStore
from referral_line.web.app import Webhooks, create_app
from referral_line.web.inbound import COOKIE, RefusedError, read_body
from referral_line.web.signature import SignatureVerifier

STATIC = Path(__file__).with_name("static")
CALLER = "+447700900123"
"""A number for drama (Ofcom: 07700 900000 to 900999), which belongs to nobody."""
LINE_NUMBER = "+447700900999"

_BASE_URL = "http://simulator.invalid"
_HEADERS = {
    "content-security-policy": "default-src 'self'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}
_PLAYED = re.compile(r"<Play>([^<]+)</Play>")
_Path = Annotated[
    str,
    StringConstraints(pattern=r"^(/[A-Za-z0-9._~-]+)*/voice(/[A-Za-z0-9-]+)*$", max_length=300),
]


class _Static(StaticFiles):
    """Files that a browser asks for again after an upgrade, so old and new never mix."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update({**_HEADERS, "cache-control": "no-cache"})
        return response


class _SmsTurn(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    body: Annotated[str, StringConstraints(max_length=MAX_BODY)] = ""
    pictures: int = 0
    cookie: Annotated[str, StringConstraints(pattern=r"^(session=[A-Za-z0-9_-]{1,200})?$")] = ""
    path: Annotated[str, StringConstraints(pattern=r"^sms(/[A-Za-z0-9-]{2,35})?$")] = "sms"


class _VoiceTurn(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    path: _Path = "/voice"
    digits: Annotated[str, StringConstraints(pattern=r"^[0-9*#]{0,2}$")] | None = None


class Simulator:
    """The carrier's part, played by the server."""

    def __init__(
        self, line: Line, *, session_time: timedelta, clock: Callable[[], float], path_prefix: str
    ) -> None:
        """Make an app of its own from the compiled line."""
        token = secrets.token_urlsafe()
        self._line = line
        self._prefix = path_prefix
        self._account = "AC" + secrets.token_hex(16)
        self._signer = RequestValidator(token)
        store = MemoryStore(clock)
        webhooks = Webhooks(
            line,
            store,
            SignatureVerifier(_BASE_URL, account_sid=self._account, auth_tokens=[token]),
            session_time=session_time,
        )
        self._app = create_app(webhooks, store)
        self._recorded = {
            say.recording: say
            for reply in line.table.voice.values()
            for say in reply.spoken
            if say.recording
        }

    def routes(self) -> list[BaseRoute]:
        """The routes under ``/simulator``."""
        return [
            Route("/simulator", self.page),
            Route("/simulator/line", self.describe),
            Route("/simulator/sms", self.sms, methods=["POST"]),
            Route("/simulator/voice", self.voice, methods=["POST"]),
            Mount("/simulator/static", _Static(directory=STATIC)),
        ]

    async def page(self, request: Request) -> Response:
        """Serve the phone."""
        del request
        return FileResponse(STATIC / "simulator.html", headers=_HEADERS)

    async def describe(self, request: Request) -> Response:
        """Say what can be dialled."""
        del request
        languages = [known_languages()[tag] for tag in self._line.languages]
        return JSONResponse(
            {
                "version": __version__,
                "languages": [
                    {
                        "tag": language.tag,
                        "name": language.shown_name,
                        "direction": language.direction,
                        "spoken": self._line.is_spoken(language.tag),
                        "draft": language.tag in self._line.drafts,
                        "speech": language.voice.language if language.voice else "",
                    }
                    for language in languages
                ],
            },
            headers=_HEADERS,
        )

    async def sms(self, request: Request) -> Response:
        """Deliver a text message to the webhook as the carrier would; return what it answers."""
        try:
            turn = _SmsTurn.model_validate_json(await read_body(request))
        except (RefusedError, ValidationError):
            return _refuse()
        form = {"Body": turn.body, "NumMedia": str(max(turn.pictures, 0))}
        if turn.pictures > 0:
            form["MediaUrl0"] = f"{_BASE_URL}/picture"
        answer = await self._post(f"/{turn.path}", form, cookie=turn.cookie)
        cookie, max_age = _read_cookie(answer.headers.get("set-cookie", ""))
        text = _message_text(answer.content)
        count = count_segments(text) if text else None
        return JSONResponse(
            {
                "status": answer.status_code,
                "twiml": answer.text,
                "cookie": cookie,
                "max_age": max_age,
                "segments": count.segments if count else None,
                "encoding": count.encoding if count else None,
            },
            headers=_HEADERS,
        )

    async def voice(self, request: Request) -> Response:
        """Deliver a turn of a call to the webhook and return what it answers."""
        try:
            turn = _VoiceTurn.model_validate_json(await read_body(request))
        except (RefusedError, ValidationError):
            return _refuse()
        path = turn.path.removeprefix(self._prefix)
        if not path.startswith("/voice"):
            return _refuse()
        form = {"CallStatus": "in-progress"} | (
            {} if turn.digits is None else {"Digits": turn.digits}
        )
        answer = await self._post(path, form)
        captions = [
            {"path": path, "tag": said.tag, "text": said.text}
            for path in _PLAYED.findall(answer.text)
            if (said := self._recorded.get(path))
        ]
        return JSONResponse(
            {"status": answer.status_code, "twiml": answer.text, "captions": captions},
            headers=_HEADERS,
        )

    async def _post(self, path: str, form: dict[str, str], *, cookie: str = "") -> httpx2.Response:
        sid = secrets.token_hex(16)
        full = {
            "AccountSid": self._account,
            "From": CALLER,
            "To": LINE_NUMBER,
            ("CallSid" if path.startswith("/voice") else "MessageSid"): sid,
            **form,
        }
        transport = httpx2.ASGITransport(app=self._app)
        async with httpx2.AsyncClient(transport=transport, base_url=_BASE_URL) as client:
            request = client.build_request("POST", path, data=full)
            # The carrier signs the address as it is sent, percent-encoding and all.
            request.headers["x-twilio-signature"] = self._signer.compute_signature(
                str(request.url), full
            )
            request.headers["i-twilio-idempotency-token"] = sid
            if cookie:
                request.headers["cookie"] = cookie
            return await client.send(request)


def _refuse() -> Response:
    return PlainTextResponse("The simulator did not understand its own page. Reload it.", 400)


def _read_cookie(header: str) -> tuple[str, int]:
    """Return what the carrier keeps, ``session=…``, and for how many seconds."""
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(header)
    except CookieError:
        return "", 0
    morsel = jar.get(COOKIE)
    if morsel is None or not morsel["max-age"].isdigit():
        return "", 0
    return f"{COOKIE}={morsel.value}", int(morsel["max-age"])


def _message_text(twiml: bytes) -> str:
    return ET.fromstring(twiml).findtext("Message") or ""  # noqa: S314 - our own reply
