"""Sessions in Redis: one server, Sentinel or Cluster, told apart by the URL."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, cast
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException, RedisError

from referral_line.errors import Fault, SessionStoreError, SettingsError

KEY_PREFIX = "referral-line:session:"
TIMEOUT_SECONDS = 1.0
"""Longest wait for one answer of one server."""
DEADLINE_SECONDS = 2.0
"""Longest wait in all, retries and Sentinel's hosts included; the carrier gives up on a reply after
15 seconds."""

STORE_AWAY = (RedisError, RedisClusterException, OSError, TimeoutError)
"""What the library raises when a server does not answer as it should, Cluster's own root too."""

_SHAPES = (
    "redis://host:6379/0, rediss://…, unix:///path, "
    "redis+sentinel://host:26379,host:26379/service/0 or redis+cluster://host:6379,host:6379"
)


class RedisStore:
    """Keeps sessions in a Redis-compatible server, always with a time to live."""

    def __init__(self, client: "Redis | RedisCluster", *others: "Redis") -> None:
        """Wrap a client made by ``connect``; the others, such as Sentinel's, are closed with it."""
        self.client = client
        self._others = others

    async def load(self, key: str) -> str | None:
        """Return the value of a key, or ``None`` once it is gone."""
        value = await self._ask(lambda: self.client.get(KEY_PREFIX + key))
        return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else None

    async def save(self, key: str, value: str, ttl: timedelta) -> None:
        """Set value and time to live in one command, so no session is ever without one."""
        seconds = max(1, int(ttl.total_seconds()))
        await self._ask(lambda: self.client.set(KEY_PREFIX + key, value, ex=seconds))

    async def delete(self, key: str) -> None:
        """Delete a key at once."""
        await self._ask(lambda: self.client.delete(KEY_PREFIX + key))

    async def purge(self) -> None:
        """Do nothing: Redis drops each key when its time is over."""

    async def degraded(self) -> str | None:
        """Ping the server."""
        try:
            await self._ask(self.client.ping)
        except SessionStoreError as error:
            return f"redis: {error}"
        return None

    async def close(self) -> None:
        """Close the connections."""
        for client in (self.client, *self._others):
            await client.aclose()

    @staticmethod
    async def _ask(call: Callable[[], Any]) -> Any:  # noqa: ANN401 - redis answers in many types
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                return await cast("Awaitable[Any]", call())
        except STORE_AWAY as error:
            # The class is enough for an operator; a message could quote a key or an address.
            raise SessionStoreError(type(error).__name__) from error


_OPTIONS = {
    "": {"db", "ssl_ca_certs", "ssl_cert_reqs", "ssl_check_hostname"},
    "sentinel": {"sentinel_password"},
    "cluster": set[str](),
}
"""What may stand behind the question mark of each kind of URL; the client would fail at others."""


def connect(url: str) -> RedisStore:
    """Make a store from a URL. Nothing is contacted yet.

    Raises:
        SettingsError: the URL has none of the known shapes.
    """
    timeouts: dict[str, Any] = {
        "socket_timeout": TIMEOUT_SECONDS,
        "socket_connect_timeout": TIMEOUT_SECONDS,
        "retry": Retry(NoBackoff(), retries=1),
    }
    try:
        parts = urlsplit(url)
        scheme, _, kind = parts.scheme.partition("+")
        _check_options(parts, kind)
        if kind == "sentinel":
            return _sentinel_store(parts, timeouts)
        if kind == "cluster":
            return RedisStore(_cluster(parts, timeouts, is_encrypted=scheme == "rediss"))
        # It refuses any scheme but redis, rediss and unix with a ValueError.
        return RedisStore(Redis.from_url(url, **timeouts))
    except (KeyError, ValueError) as error:
        text = f"is no Redis URL; write {_SHAPES}"
        raise SettingsError([Fault("environment", None, "REDIS_URL", text)]) from error


def _check_options(parts: SplitResult, kind: str) -> None:
    strange = dict(parse_qsl(parts.query)).keys() - _OPTIONS[kind]
    if strange:
        raise ValueError(strange)


def _sentinel_store(parts: SplitResult, timeouts: Mapping[str, Any]) -> RedisStore:
    service, _, database = parts.path.strip("/").partition("/")
    options = _credentials(parts) | dict(parse_qsl(parts.query)) | dict(timeouts)
    sentinel_options = {"password": options.pop("sentinel_password", None), **timeouts}
    if not service:
        raise ValueError(parts.path)
    sentinel = Sentinel(  # type: ignore[no-untyped-call]  # redis ships it without types
        _hosts(parts, default_port=26379),
        sentinel_kwargs=sentinel_options,
        ssl=parts.scheme.startswith("rediss"),
        db=int(database or 0),
        **options,
    )
    return RedisStore(cast("Redis", sentinel.master_for(service)), *sentinel.sentinels)


def _cluster(
    parts: SplitResult, timeouts: Mapping[str, Any], *, is_encrypted: bool
) -> "RedisCluster":
    nodes = [ClusterNode(host, port) for host, port in _hosts(parts, default_port=6379)]
    return RedisCluster(startup_nodes=nodes, ssl=is_encrypted, **_credentials(parts), **timeouts)


def hosts_of(url: str) -> list[tuple[str, int]]:
    """Return the hosts that a Redis URL names, each with its port."""
    parts = urlsplit(url)
    return _hosts(parts, default_port=26379 if "sentinel" in parts.scheme else 6379)


def _credentials(parts: SplitResult) -> dict[str, Any]:
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    found = {"username": unquote(user) or None, "password": unquote(password) or None}
    return {name: value for name, value in found.items() if value}


def _hosts(parts: SplitResult, *, default_port: int) -> list[tuple[str, int]]:
    hosts = []
    for place in parts.netloc.rpartition("@")[2].split(","):
        split = urlsplit(f"//{place}")
        if not split.hostname:
            raise ValueError(place)
        hosts.append((split.hostname, split.port or default_port))
    return hosts
