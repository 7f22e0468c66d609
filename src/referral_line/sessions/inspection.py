"""What a Redis keeps, shows and lets in: for the doctor, before callers depend on it."""

import asyncio
from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import Redis, RedisCluster
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from referral_line.errors import Danger, Finding, SessionStoreError
from referral_line.sessions.redis_store import (
    KEY_PREFIX,
    STORE_AWAY,
    TIMEOUT_SECONDS,
    RedisStore,
    connect,
    hosts_of,
)

SESSION_SECONDS = 1800
"""As long as a conversation needs; whoever picks up the phone later should find the first menu."""
LOOKED_AT = 1000
"""So many keys are looked at, at most."""

_DANGLING = 60
"""A session may live this much longer, in seconds, than it was told a moment ago."""


async def inspect_store(url: str, session_seconds: int) -> list[Finding]:
    """Find what is wrong with a Redis, by its own answers. Nothing is written.

    Args:
        url: ``REDIS_URL``; it is never part of a finding, since it may hold a password.
        session_seconds: The time to live that sessions should have.

    Raises:
        SettingsError: the URL has none of the known shapes.
    """
    store = connect(url)
    try:
        away = await store.degraded()
        if away is not None:
            return [
                Finding(
                    "redis-away",
                    Danger.RISK,
                    f"{away}: conversations by text live in each process's memory meanwhile",
                    "start Redis, and check REDIS_URL, its password and the firewall",
                )
            ]
        server = _Server(store.client)
        return [
            *await _find_persistence(server),
            *await _find_open_doors(url, server),
            *await _find_sessions(store, session_seconds),
        ]
    except SessionStoreError as error:
        text = f"redis stopped answering while it was looked at ({error})"
        return [Finding("redis-away", Danger.RISK, text, "look at its log, then try again")]
    finally:
        await store.close()


class _Server:
    """Questions to one server, or to every node of a cluster."""

    def __init__(self, client: "Redis | RedisCluster") -> None:
        self._client = client

    async def config(self, name: str) -> list[str] | None:
        """Return a setting of each node; ``None`` where the server does not tell."""
        try:
            if isinstance(self._client, RedisCluster):
                answer: Any = await self._client.config_get(
                    name, target_nodes=RedisCluster.ALL_NODES
                )
                return [each.get(name, "") for each in answer.values()]
            answer = await self._client.config_get(name)
        except ResponseError:
            return None  # managed servers often refuse CONFIG
        return [str(answer.get(name, ""))]

    async def info(self, section: str) -> list[dict[str, Any]]:
        """Return a section of INFO of each node."""
        if isinstance(self._client, RedisCluster):
            answer: Any = await self._client.info(section, target_nodes=RedisCluster.ALL_NODES)
            return list(answer.values())
        return [await self._client.info(section)]


async def _find_persistence(server: _Server) -> list[Finding]:
    found = []
    persistence = await server.info("persistence")
    if any(node.get("aof_enabled") for node in persistence):
        found.append(
            Finding(
                "redis-appends-to-disk",
                Danger.EXPOSED,
                "redis writes every session to its append-only file",
                "set `appendonly no` in its configuration and delete the old file",
            )
        )
    saves = await server.config("save")
    if saves is None:
        found.append(
            Finding(
                "redis-tells-no-settings",
                Danger.NOTE,
                "redis does not tell its settings, so whether it saves snapshots can't be seen",
                "ask whoever runs it: no snapshots, no backups of this database",
            )
        )
    elif any(saves):
        found.append(
            Finding(
                "redis-saves-to-disk",
                Danger.EXPOSED,
                f"redis writes its sessions to a file (save {next(filter(None, saves))!r})",
                'set `save ""` in its configuration and delete the old dump',
            )
        )
    return found


async def _find_open_doors(url: str, server: _Server) -> list[Finding]:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return []
    places = hosts_of(url)
    found = []
    remote = [host for host, _ in places if not is_local(host)]
    if remote and not parts.scheme.startswith("rediss"):
        found.append(
            Finding(
                "redis-unencrypted",
                Danger.RISK,
                "sessions travel to another machine in the clear",
                "use rediss:// with a certificate, or a private network that you trust",
            )
        )
    # In protected mode a server without a password answers nobody but its own machine.
    is_guarded = "no" not in (await server.config("protected-mode") or ["no"])
    binds = await server.config("bind") or []
    listens_wide = any(not is_local(host) for bind in binds for host in _addresses(bind))
    is_reachable = bool(remote) or (listens_wide and not is_guarded)
    if is_reachable and parts.scheme in {"redis", "rediss"} and await _lets_anyone_in(url):
        found.append(
            Finding(
                "redis-open",
                Danger.EXPOSED,
                "redis is open to other machines and asks for no password",
                "set requirepass and write it into REDIS_URL, or bind it to 127.0.0.1 alone",
            )
        )
    return found


def _addresses(bind: str) -> Iterator[str]:
    # Nothing at all means every address; a hyphen marks one that may be missing.
    for address in bind.split() or ["*"]:
        yield address.removeprefix("-")


def is_local(host: str) -> bool:
    """Whether a host is this machine: by name, or by an address that never leaves it."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


async def _lets_anyone_in(url: str) -> bool:
    """Whether the server answers without the password of the URL."""
    parts = urlsplit(url)
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    stranger = Redis.from_url(
        bare, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
    )
    try:
        async with asyncio.timeout(2 * TIMEOUT_SECONDS):
            await stranger.ping()
    except (AuthenticationError, RedisError, OSError, TimeoutError):
        return False
    finally:
        await stranger.aclose()
    return True


async def _find_sessions(store: RedisStore, session_seconds: int) -> list[Finding]:
    """Look at the keys there are: their time to live, and whether they are all ours."""
    seen = foreign = endless = long = 0
    try:
        async for key in store.client.scan_iter(count=LOOKED_AT):
            seen += 1
            if seen > LOOKED_AT:
                break
            if not key.startswith(KEY_PREFIX.encode()):
                foreign += 1
                continue
            left = await store.client.ttl(key)
            endless += left == -1
            long += left > session_seconds + _DANGLING
    except STORE_AWAY as error:
        raise SessionStoreError(type(error).__name__) from error
    return list(_judge(foreign=foreign, endless=endless, long=long))


def _judge(*, foreign: int, endless: int, long: int) -> Iterable[Finding]:
    if endless:
        yield Finding(
            "session-without-end",
            Danger.EXPOSED,
            f"{endless} sessions in redis have no time to live",
            "delete them; nothing of ours writes such keys, so find out what does",
        )
    if long:
        yield Finding(
            "session-lives-long",
            Danger.RISK,
            f"{long} sessions in redis live longer than REFERRAL_LINE_SESSION_SECONDS",
            "was it longer before? They end by themselves; else find out what writes them",
        )
    if foreign:
        yield Finding(
            "redis-shared",
            Danger.RISK,
            f"{foreign} keys in this redis are not sessions of the line",
            "give the line a redis of its own: others' settings and backups would cover it too",
        )
