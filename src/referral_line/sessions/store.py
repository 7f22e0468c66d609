"""Where sessions are kept: one protocol, a store in memory, and one with a spare."""

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Protocol, TypeVar

from referral_line.errors import SessionStoreError
from referral_line.settings import MAX_SESSION_SECONDS

MAX_SESSIONS = 100_000
"""Sessions one process keeps in memory; the oldest make room, so no flood of messages fills it."""

PAUSE = timedelta(seconds=5)
"""How long a store that failed is left alone, so that callers don't wait for it at every turn."""

COPY_TIME = timedelta(minutes=5)
"""How long a copy stays of a session that the first store has: enough for a conversation to go on
when that store goes away, and no longer, since another process may wipe the session meanwhile."""

WIPED = ""
"""Stands for a session that is over while the first store still has it."""
LONGEST_SESSION = timedelta(seconds=MAX_SESSION_SECONDS)

Clock = Callable[[], float]
"""Seconds that only grow, as ``time.monotonic``."""

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class SessionStore(Protocol):
    """Keeps short texts by key for a limited time. Any call may raise ``SessionStoreError``."""

    async def load(self, key: str) -> str | None:
        """Return the value of a key, or ``None`` once it is gone."""
        ...

    async def save(self, key: str, value: str, ttl: timedelta) -> None:
        """Keep a value under a key for a time to live, from now."""
        ...

    async def delete(self, key: str) -> None:
        """Forget a key at once; one that is not there is no fault."""
        ...

    async def purge(self) -> None:
        """Drop what has expired. Called every minute, so that a quiet night keeps nothing."""
        ...

    async def degraded(self) -> str | None:
        """Say what is wrong with the store, in a few words for an operator; ``None`` if nothing."""
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...


class MemoryStore:
    """Sessions of one process, gone with it."""

    def __init__(self, clock: Clock) -> None:
        """Start empty. The clock is an argument, so that time can pass in a test."""
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, str]] = OrderedDict()

    async def load(self, key: str) -> str | None:
        """Return the value of a key, or ``None`` once it is gone."""
        expires, value = self._kept.get(key, (0.0, ""))
        if expires <= self._clock():
            self._kept.pop(key, None)
            return None
        return value

    async def save(self, key: str, value: str, ttl: timedelta) -> None:
        """Keep a value; drop what has expired, and the oldest beyond ``MAX_SESSIONS``."""
        now = self._clock()
        self._kept.pop(key, None)
        self._kept[key] = (now + ttl.total_seconds(), value)
        while self._kept:
            oldest, (expires, _) = next(iter(self._kept.items()))
            if expires > now and len(self._kept) <= MAX_SESSIONS:
                break
            del self._kept[oldest]

    async def delete(self, key: str) -> None:
        """Forget a key at once."""
        self._kept.pop(key, None)

    async def purge(self) -> None:
        """Drop all that has expired, wherever it stands in the order."""
        now = self._clock()
        for key in [key for key, (expires, _) in self._kept.items() if expires <= now]:
            del self._kept[key]

    async def degraded(self) -> str | None:
        """Memory is always there."""
        return None

    async def close(self) -> None:
        """Forget everything."""
        self._kept.clear()


class SparedStore:
    """A store with a spare in memory: when the first is away, conversations go on.

    What is saved in the first store is copied, so that this process knows its callers' places when
    the first goes away. With several processes a caller may meet another one, and then the first
    menu again; every reply stands alone for that reason.
    """

    def __init__(
        self,
        first: SessionStore,
        clock: Clock,
        *,
        on_health: Callable[[bool], None] = lambda is_up: None,  # noqa: ARG005 - nobody is told
    ) -> None:
        """Give a store its spare. After a failure the first is left alone for ``PAUSE``.

        ``on_health`` is told when the first store goes away, and when it is back.
        """
        self._first = first
        self._on_health = on_health
        on_health(True)  # noqa: FBT003
        self._clock = clock
        self._away_until = 0.0
        self._fault: str | None = None
        self._copies = MemoryStore(clock)
        self._newer = MemoryStore(clock)
        """What was saved while the first was away; it holds nothing as new."""

    async def load(self, key: str) -> str | None:
        """Load what was saved last, as far as this process knows."""
        newer = await self._newer.load(key)
        if newer is not None:
            return newer or None
        answered, value = await self._try(lambda: self._first.load(key))
        return value if answered else await self._copies.load(key)

    async def save(self, key: str, value: str, ttl: timedelta) -> None:
        """Save in the first store with a copy here, or here alone while the first is away."""
        answered, _ = await self._try(lambda: self._first.save(key, value, ttl), is_write=True)
        if answered:
            await self._newer.delete(key)
            await self._copies.save(key, value, min(ttl, COPY_TIME))
        else:
            await self._newer.save(key, value, ttl)

    async def delete(self, key: str) -> None:
        """Delete everywhere. While the first is away, remember that its value counts no more."""
        answered, _ = await self._try(lambda: self._first.delete(key), is_write=True)
        await self._copies.delete(key)
        if answered:
            await self._newer.delete(key)
        else:
            await self._newer.save(key, WIPED, LONGEST_SESSION)

    async def purge(self) -> None:
        """Drop what has expired here; the first store sees to its own."""
        for store in (self._copies, self._newer):
            await store.purge()

    async def degraded(self) -> str | None:
        """Ask the first store; a write that failed counts until one succeeds."""
        return await self._first.degraded() or self._fault

    async def close(self) -> None:
        """Close all of them."""
        for store in (self._first, self._copies, self._newer):
            await store.close()

    async def _try(
        self, call: Callable[[], Awaitable[_T]], *, is_write: bool = False
    ) -> tuple[bool, _T | None]:
        """Ask the first store, unless it failed a moment ago; say whether it answered.

        Only a write brings it back: a store that is full, or a replica, still answers reads.
        """
        if self._clock() < self._away_until:
            return False, None
        try:
            result = await call()
        except SessionStoreError as error:
            if self._fault is None:
                _log.warning(
                    "session store away, conversations go on in memory",
                    extra={"error": str(error)},
                )
                self._on_health(False)  # noqa: FBT003
            self._fault = f"session store: {error}"
            self._away_until = self._clock() + PAUSE.total_seconds()
            return False, None
        if is_write and self._fault is not None:
            _log.warning("session store is back")
            self._on_health(True)  # noqa: FBT003
            self._fault = None
        return True, result
