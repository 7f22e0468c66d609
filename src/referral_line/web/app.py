"""The webhooks: a signature, one step, at most one load and one save, one look-up.

A valid webhook always gets 200 and a reply that helps, whatever fails behind it: an error would
make the carrier keep the caller's number and words in an alert for 30 days.
"""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.requests import ClientDisconnect, Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
)
from starlette.routing import BaseRoute, Mount, Route

from referral_line.content.model import Channel
from referral_line.conversation.position import Position, parse_position
from referral_line.replies.line import Line
from referral_line.sessions.session import (
    Session,
    make_token,
    parse_session,
    session_key,
)
from referral_line.sessions.store import SessionStore
from referral_line.telemetry.counts import Counts
from referral_line.telemetry.logs import describe
from referral_line.web.inbound import COOKIE, Inbound, RefusedError, read_inbound
from referral_line.web.observing import Outcome, Turn, log_turn
from referral_line.web.signature import SignatureVerifier

MEDIA_TYPE = "text/xml"
TIDY_SECONDS = 60.0
"""How often sessions that are over leave memory, and it is looked whether a day is over."""
LAST_WRITE_SECONDS = 5.0
"""How long the end of the server waits for the day's totals to be written."""


class AnyPath(StringConvertor):
    """What may stand behind a webhook's path: anything, line ends included, gets an answer."""

    regex = r"[\s\S]*"


register_url_convertor("anything", AnyPath())

_log = logging.getLogger(__name__)


class Webhooks:
    """Answers messages and calls."""

    def __init__(
        self,
        line: Line,
        store: SessionStore,
        verifier: SignatureVerifier,
        *,
        session_time: timedelta,
        observe: Callable[[Turn], None] = log_turn,
    ) -> None:
        """Take everything a turn needs; nothing is looked up elsewhere.

        ``observe`` is told of each turn once it is over: what is counted, measured and logged is
        decided there.
        """
        self._line = line
        self._store = store
        self._verifier = verifier
        self._session_time = session_time
        self._observe = observe
        numbers = Position(line.conversation.default_language, line.script.roles["numbers"])
        self._safe_message = line.table.message(numbers).twiml
        self._safe_call = line.table.call(numbers).twiml

    async def sms(self, request: Request) -> Response:
        """Answer a text message; ``/sms/{tag}`` for a number that serves one language."""
        return await self._answer(request, Channel.SMS)

    async def voice(self, request: Request) -> Response:
        """Answer a turn of a call. Where it stands is in the path, which the carrier signs."""
        return await self._answer(request, Channel.VOICE)

    async def _answer(self, request: Request, channel: Channel) -> Response:
        turn = Turn(channel)
        began = time.monotonic()
        response = await self._reply(request, turn)
        turn.seconds = time.monotonic() - began
        try:
            self._observe(turn)
        except Exception as error:  # noqa: BLE001 - a caller's reply never depends on a count
            _log.error("a turn could not be observed", extra=describe(error))
        return response

    async def _reply(self, request: Request, turn: Turn) -> Response:
        is_message = turn.channel is Channel.SMS
        inbound = None
        try:
            inbound = await read_inbound(request, self._verifier, turn.channel)
            if is_message:
                return await self._sms_turn(request, inbound, turn)
            return self._voice_turn(request, inbound, turn)
        except RefusedError as refusal:
            turn.outcome = Outcome.REFUSED
            return PlainTextResponse(refusal.status.phrase, refusal.status)
        except ClientDisconnect:
            turn.outcome = Outcome.REFUSED
            return Response(status_code=HTTPStatus.BAD_REQUEST)  # nobody is there to read it
        except Exception as error:  # noqa: BLE001 - whatever fails, the caller gets the numbers
            turn.outcome = Outcome.FAILED
            turn.failure = describe(error)
            if not is_message:
                return _twiml(self._safe_call)
            # The carrier keeps the caller's place, if it has one, for when we are well again.
            token = inbound.token if inbound else None
            return _twiml(self._safe_message, self._cookie(token or make_token()))

    async def _sms_turn(self, request: Request, inbound: Inbound, turn: Turn) -> Response:
        conversation = self._line.conversation
        session = await self._load(inbound.token)
        turn.before = session.position if session else None
        if session is None:
            position = conversation.begin(inbound.given, _tag(request))
        elif session.delivery == inbound.delivery != "-":
            position, turn.is_repeat = session.position, True
        else:
            position = conversation.advance(session.position, inbound.given)
        turn.after = position
        cookie = await self._remember(position, inbound, token=inbound.token if session else None)
        return _twiml(self._line.table.message(position).twiml, cookie)

    async def _load(self, token: str | None) -> Session | None:
        stored = await self._store.load(session_key(token)) if token else None
        session = parse_session(stored) if stored else None
        if session is None or not self._line.conversation.is_known(session.position):
            return None
        return session

    async def _remember(self, position: Position, inbound: Inbound, *, token: str | None) -> str:
        """Keep the position, or wipe it at the end; return the cookie for the carrier.

        A token whose session is over is never used again: a new conversation gets a new one.
        At the end the cookie is a fresh random one that expires at once and was never stored, so
        that a carrier which keeps it regardless holds nothing of this conversation.
        """
        if self._line.conversation.has_ended(position):
            if token:
                await self._store.delete(session_key(token))
            return _cookie(make_token(), 0)
        token = token or make_token()
        session = Session(position, inbound.delivery)
        await self._store.save(session_key(token), str(session), self._session_time)
        return self._cookie(token)

    def _cookie(self, token: str) -> str:
        return _cookie(token, int(self._session_time.total_seconds()))

    def _voice_turn(self, request: Request, inbound: Inbound, turn: Turn) -> Response:
        path: str = request.path_params.get("rest", "")
        conversation = self._line.conversation
        if waiting := self._known(path):
            turn.before = waiting
            turn.after = conversation.advance(waiting, inbound.given)
        elif arrived := self._known(f"{path}/0"):
            # A path without a turn speaks a node from its beginning, whatever was pressed before.
            turn.before = turn.after = arrived
        elif path:
            turn.after = conversation.start(path.partition("/")[0])
        else:
            turn.after = conversation.offer_languages()
        return _twiml(self._line.table.call(turn.after).twiml)

    def _known(self, path: str) -> Position | None:
        position = parse_position(path)
        if position is None or not self._line.conversation.is_known(position):
            return None
        return position


def leaflet_routes(line: Line) -> list[BaseRoute]:
    """Serve the printable leaflets, made at start like every reply; 404 for an unknown language."""
    pages = {tag.casefold(): page for tag, page in line.table.leaflets.items()}

    async def leaflet(request: Request) -> Response:
        page = pages.get(request.path_params["tag"].casefold())
        if page is None:
            return PlainTextResponse("No leaflet in this language.", HTTPStatus.NOT_FOUND)
        policy = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"}
        return HTMLResponse(page, headers=policy)

    return [Route("/leaflet/{tag}", leaflet)]


def audio_routes(line: Line) -> list[BaseRoute]:
    """Serve the recordings that calls play, and no other file.

    Their names change with their words, so the carrier may keep them; a better recording of the
    same words reaches callers within a day.
    """
    known = {
        (tag, name): line.audio / tag / name
        for tag, recordings in line.recordings.items()
        for name in recordings.values()
    }

    async def recording(request: Request) -> Response:
        path = known.get((request.path_params["tag"], request.path_params["name"]))
        if path is None or not path.is_file():
            return PlainTextResponse("No such recording.", HTTPStatus.NOT_FOUND)
        return FileResponse(path, headers={"cache-control": "public, max-age=86400"})

    return [Route("/audio/{tag}/{name}", recording)]


class Health:
    """Whether callers are answered, for load balancers and operators."""

    def __init__(self, store: SessionStore) -> None:
        """Watch a session store."""
        self._store = store

    async def healthz(self, request: Request) -> Response:
        """Return 200: whoever answers this answers callers."""
        del request
        return PlainTextResponse("ok")

    async def readyz(self, request: Request) -> Response:
        """Return 200 and what is degraded. A session store away is degraded, not down."""
        del request
        found = await self._store.degraded()
        degraded = [found] if found else []
        return JSONResponse({"status": "degraded" if degraded else "ready", "degraded": degraded})


def create_app(
    webhooks: Webhooks,
    store: SessionStore,
    *,
    counts: Counts | None = None,
    path_prefix: str = "",
    more_routes: Sequence[BaseRoute] = (),
) -> Starlette:
    """Make the app.

    Args:
        webhooks: What answers messages and calls.
        store: The session store; closed when the app ends.
        counts: The daily totals; written when a day or the app ends.
        path_prefix: The path of the public URL. Requests are answered with it and without it,
            since some proxies take it off.
        more_routes: The leaflets', and the simulator's where it is switched on.
    """
    health = Health(store)
    routes: list[BaseRoute] = [
        Route("/sms", webhooks.sms, methods=["POST"]),
        Route("/sms/{rest:anything}", webhooks.sms, methods=["POST"]),
        Route("/voice", webhooks.voice, methods=["POST"]),
        Route("/voice/{rest:anything}", webhooks.voice, methods=["POST"]),
        Route("/healthz", health.healthz),
        Route("/readyz", health.readyz),
        *more_routes,
    ]
    if path_prefix:
        routes = [Mount(path_prefix, routes=routes), *routes]

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        del app
        # Two tasks: a disk that hangs must not keep sessions in memory.
        tasks = [asyncio.create_task(_each_minute(store.purge))]
        if counts:
            tick = partial(asyncio.to_thread, counts.tick)
            tasks.append(asyncio.create_task(_each_minute(tick)))
        yield
        for task in tasks:
            task.cancel()
        if counts:
            await _end_counts(counts)
        await store.close()

    return Starlette(routes=routes, lifespan=lifespan)


async def _each_minute(do: Callable[[], Awaitable[None]]) -> None:
    """Do something again and again, though nobody calls."""
    while True:
        await asyncio.sleep(TIDY_SECONDS)
        await do()


async def _end_counts(counts: Counts) -> None:
    """Write what was counted, but let no disk that hangs keep the server from ending."""
    writing = threading.Thread(target=counts.close, daemon=True)
    writing.start()
    await asyncio.to_thread(writing.join, LAST_WRITE_SECONDS)


def _tag(request: Request) -> str | None:
    """Return what stands in the path where a number serves one language; it may be anything."""
    rest: str = request.path_params.get("rest", "")
    return rest.partition("/")[0] or None


def _twiml(body: bytes, cookie: str | None = None) -> Response:
    headers = {"cache-control": "no-store"} | ({"set-cookie": cookie} if cookie else {})
    return Response(body, media_type=MEDIA_TYPE, headers=headers)


def _cookie(token: str, max_age: int) -> str:
    return f"{COOKIE}={token}; Max-Age={max_age}; Path=/; Secure; HttpOnly"
