"""Where sessions are kept: one protocol, a store in memory, and one with a spare."""

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Protocol, TypeVar

from referral_line.errors import SessionStoreError

MAX_SESSIONS = 100_000
"""Sessions one process keeps in memory; the oldest make room, so no flood of messages fills it."""

PAUSE = timedelta(seconds=5)
"""How long a store that failed is left alone, so that callers don't wait for it at every turn."""

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

    async def degraded(self) -> str | None:
        """Memory is always there."""
        return None

    async def close(self) -> None:
        """Forget everything."""
        self._kept.clear()


class SparedStore:
    """A store with a spare in memory: when the first is away, conversations go on.

    A conversation begun while the first store is away lives in this process alone, so with several
    processes some callers meet the first menu again; every reply stands alone for that reason.
    """

    def __init__(self, first: SessionStore, spare: SessionStore, clock: Clock) -> None:
        """Join two stores. After a failure the first is left alone for ``PAUSE``."""
        self._first = first
        self._spare = spare
        self._clock = clock
        self._away_until = 0.0

    async def load(self, key: str) -> str | None:
        """Load from the first store, else from the spare."""
        value = await self._try(lambda: self._first.load(key))
        return value if value is not None else await self._spare.load(key)

    async def save(self, key: str, value: str, ttl: timedelta) -> None:
        """Save in the first store, or in the spare while the first is away."""

        async def save_first() -> bool:
            await self._first.save(key, value, ttl)
            return True

        if await self._try(save_first):
            await self._spare.delete(key)
        else:
            await self._spare.save(key, value, ttl)

    async def delete(self, key: str) -> None:
        """Delete from both stores."""
        await self._try(lambda: self._first.delete(key))
        await self._spare.delete(key)

    async def degraded(self) -> str | None:
        """Ask the first store."""
        return await self._first.degraded()

    async def close(self) -> None:
        """Close both stores."""
        await self._first.close()
        await self._spare.close()

    async def _try(self, call: Callable[[], Awaitable[_T]]) -> _T | None:
        if self._clock() < self._away_until:
            return None
        try:
            result = await call()
        except SessionStoreError as error:
            if not self._away_until:
                _log.warning("session store away, conversations go on in memory: %s", error)
            self._away_until = self._clock() + PAUSE.total_seconds()
            return None
        if self._away_until:
            _log.warning("session store is back")
            self._away_until = 0.0
        return result
