"""Sessions: one suite over memory and a real Redis, and what happens when Redis is away."""

import asyncio
import os
import re
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis

from conftest import Server, free_port, start_redis
from referral_line.conversation.position import Position
from referral_line.errors import SessionStoreError, SettingsError
from referral_line.sessions.redis_store import KEY_PREFIX, connect
from referral_line.sessions.session import (
    Session,
    delivery_mark,
    is_token,
    make_token,
    parse_session,
    session_key,
)
from referral_line.sessions.store import (
    LONGEST_SESSION,
    MAX_SESSIONS,
    PAUSE,
    MemoryStore,
    SessionStore,
    SparedStore,
)

MINUTE = timedelta(minutes=1)

Use = Callable[[SessionStore], Awaitable[None]]


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        """Start at some moment."""
        self.now = 1000.0

    def __call__(self) -> float:
        """Tell the time in seconds."""
        return self.now


@pytest.fixture(params=["memory", "redis"])
def run_with(request: pytest.FixtureRequest) -> Callable[[Use], None]:
    """Run a test's steps with a store of each kind, closed at the end."""
    url = ""
    if request.param == "redis":
        server: Server = request.getfixturevalue("redis_server")
        url = f"redis://127.0.0.1:{server.port}/0"
        with Redis(port=server.port) as client:
            client.flushall()

    def run(use: Use) -> None:
        async def steps() -> None:
            clock = asyncio.get_running_loop().time
            store: SessionStore = connect(url) if url else MemoryStore(clock)
            try:
                await use(store)
            finally:
                await store.close()

        asyncio.run(steps())

    return run


def test_what_is_saved_is_loaded(run_with: Callable[[Use], None]) -> None:
    """A saved value comes back; a key never saved gives nothing."""

    async def use(store: SessionStore) -> None:
        await store.save("a", "pl/paid/0 -", MINUTE)
        assert await store.load("a") == "pl/paid/0 -"
        assert await store.load("b") is None
        assert await store.degraded() is None

    run_with(use)


def test_a_later_value_takes_the_place_of_an_earlier(run_with: Callable[[Use], None]) -> None:
    """One key has one value."""

    async def use(store: SessionStore) -> None:
        await store.save("a", "one", MINUTE)
        await store.save("a", "two", MINUTE)
        assert await store.load("a") == "two"

    run_with(use)


def test_deleted_is_gone(run_with: Callable[[Use], None]) -> None:
    """After ``delete`` nothing is left; deleting again is no fault."""

    async def use(store: SessionStore) -> None:
        await store.save("a", "one", MINUTE)
        await store.delete("a")
        await store.delete("a")
        assert await store.load("a") is None

    run_with(use)


def test_values_expire(run_with: Callable[[Use], None]) -> None:
    """After its time to live a value is gone by itself."""

    async def use(store: SessionStore) -> None:
        await store.save("a", "one", timedelta(seconds=1))
        assert await store.load("a") == "one"
        await asyncio.sleep(1.2)
        assert await store.load("a") is None

    run_with(use)


def test_keys_do_not_mix(run_with: Callable[[Use], None]) -> None:
    """A hundred conversations at once each find their own place."""

    async def use(store: SessionStore) -> None:
        await asyncio.gather(*(store.save(str(n), f"value {n}", MINUTE) for n in range(100)))
        loaded = await asyncio.gather(*(store.load(str(n)) for n in range(100)))
        assert loaded == [f"value {n}" for n in range(100)]

    run_with(use)


def test_redis_holds_a_hash_a_small_value_and_a_time_to_live(redis_server: Server) -> None:
    """The key is the contract's prefix and the token's hash, and never without a time to live."""
    token = make_token()
    with Redis(port=redis_server.port) as client:
        client.flushall()

        async def save() -> None:
            store = connect(f"redis://127.0.0.1:{redis_server.port}")
            await store.save(session_key(token), str(Session(Position("cy", "home"))), MINUTE)
            await store.close()

        asyncio.run(save())
        (key,) = client.keys()
        assert re.fullmatch(rb"referral-line:session:[0-9a-f]{64}", key)
        assert token.encode() not in key
        assert client.get(key) == b"cy/home/0 -"
        assert 0 < client.ttl(key) <= 60


def test_redis_by_sentinel(tmp_path: Path) -> None:
    """A Sentinel URL finds the master and keeps sessions there."""
    master = start_redis(tmp_path)
    port = free_port()
    configuration = tmp_path / "sentinel.conf"
    configuration.write_text(f"port {port}\nsentinel monitor line 127.0.0.1 {master.port} 1\n")
    sentinel = Server(
        str(master.process.args[0]),  # type: ignore[index]
        str(configuration),
        "--sentinel",
        port=port,
        environ=os.environ,
        folder=tmp_path,
    )
    try:

        async def use() -> None:
            store = connect(f"redis+sentinel://127.0.0.1:{port}/line/0")
            await store.save("a", "one", MINUTE)
            assert await store.load("a") == "one"
            await store.close()

        asyncio.run(use())
        with Redis(port=master.port) as client:
            assert client.exists(KEY_PREFIX + "a")
    finally:
        sentinel.stop()
        master.stop()


def test_redis_by_cluster(tmp_path: Path) -> None:
    """A Cluster URL keeps sessions in the cluster."""
    # The bus is on port + 10000 by default, which does not always exist.
    bus = ("--cluster-port", str(free_port()))
    node = start_redis(tmp_path, "--cluster-enabled", "yes", *bus)
    try:
        with Redis(port=node.port) as client:
            client.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
            deadline = time.monotonic() + 10
            while client.cluster("info")["cluster_state"] != "ok":
                assert time.monotonic() < deadline
                time.sleep(0.05)

        async def use() -> None:
            store = connect(f"redis+cluster://127.0.0.1:{node.port}")
            await store.save("a", "one", MINUTE)
            assert await store.load("a") == "one"
            assert await store.degraded() is None
            await store.close()

        asyncio.run(use())
    finally:
        node.stop()


@pytest.mark.parametrize(
    "url",
    [
        "http://x",
        "redis+sentinel://127.0.0.1:26379",
        "redis+cluster://",
        "redis+other://x",
        "redis://127.0.0.1:port",
        "nonsense",
        "redis://127.0.0.1/0?foo=bar",
        "redis://[::1",
        "redis+cluster://127.0.0.1:7000?x=1",
    ],
)
def test_wrong_redis_url_is_told(url: str) -> None:
    """A URL of none of the known shapes is refused with the shapes there are."""
    with pytest.raises(SettingsError, match="REDIS_URL: is no Redis URL; write redis://host"):
        connect(url)


def test_redis_away_is_a_store_error_in_time() -> None:
    """A server that does not answer is told as such, without its address or our key."""

    async def use() -> None:
        for scheme in ("redis", "redis+cluster"):
            store = connect(f"{scheme}://127.0.0.1:{free_port()}")
            with pytest.raises(SessionStoreError) as caught:
                await asyncio.wait_for(store.load("secret-key"), 5)
            assert "secret-key" not in str(caught.value)
            assert "127.0.0.1" not in str(caught.value)
            assert (await store.degraded() or "").startswith("redis: ")
            await store.close()

    asyncio.run(use())


class Flaky(MemoryStore):
    """A store that can be away, and counts how often it is asked."""

    def __init__(self, clock: Clock) -> None:
        """Start present."""
        super().__init__(clock)
        self.is_away = False
        self.asked = 0

    def _ask(self) -> None:
        self.asked += 1
        if self.is_away:
            message = "ConnectionError"
            raise SessionStoreError(message)

    async def load(self, key: str) -> str | None:
        """Load, unless away."""
        self._ask()
        return await super().load(key)

    async def save(self, key: str, value: str, ttl: timedelta) -> None:
        """Save, unless away."""
        self._ask()
        await super().save(key, value, ttl)


def test_conversation_goes_on_while_the_store_is_away() -> None:
    """What is saved while the first store is away is found again, and the first is left alone."""

    async def use() -> None:
        clock = Clock()
        first = Flaky(clock)
        store = SparedStore(first, clock)
        await store.save("old", "before", MINUTE)
        first.is_away = True
        assert await store.load("old") == "before"
        await store.save("a", "one", MINUTE)
        assert await store.load("a") == "one"
        assert first.asked == 2
        clock.now += PAUSE.total_seconds()
        first.is_away = False
        assert await store.load("a") == "one"
        await store.save("a", "two", MINUTE)
        assert await first.load("a") == "two"
        await store.delete("a")
        assert await store.load("a") is None
        await store.close()

    asyncio.run(use())


def test_what_was_saved_last_counts_after_the_store_is_back() -> None:
    """A place saved while the store was away wins over the older one that the store still has."""

    async def use() -> None:
        clock = Clock()
        first = Flaky(clock)
        store = SparedStore(first, clock)
        await store.save("a", "old", timedelta(hours=1))
        await store.save("b", "old", timedelta(hours=1))
        first.is_away = True
        await store.save("a", "new", timedelta(hours=1))
        await store.delete("b")
        clock.now += PAUSE.total_seconds()
        first.is_away = False
        assert await first.load("a") == "old"
        assert await store.load("a") == "new"
        assert await store.load("b") is None

    asyncio.run(use())


def test_what_the_store_forgot_is_forgotten() -> None:
    """While the store answers, its word counts, not the copy: another process may have wiped it."""

    async def use() -> None:
        clock = Clock()
        first = Flaky(clock)
        store = SparedStore(first, clock)
        await store.save("a", "one", MINUTE)
        await first.delete("a")
        assert await store.load("a") is None

    asyncio.run(use())


def test_away_and_back_are_each_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """An operator sees when the store went and came back, not a line for every caller."""

    async def use() -> None:
        clock = Clock()
        first = Flaky(clock)
        store = SparedStore(first, clock)
        first.is_away = True
        for _ in range(3):
            await store.load("a")
            clock.now += PAUSE.total_seconds()
        first.is_away = False
        await store.load("a")
        await store.save("a", "one", MINUTE)

    with caplog.at_level("WARNING"):
        asyncio.run(use())
    assert [record.message for record in caplog.records] == [
        "session store away, conversations go on in memory",
        "session store is back",
    ]
    assert vars(caplog.records[0])["error"] == "ConnectionError"


def test_what_has_expired_leaves_memory_though_nobody_calls() -> None:
    """In every store, whatever was saved first: also what was saved or wiped during an outage."""

    async def use() -> None:
        clock = Clock()
        first = Flaky(clock)
        store = SparedStore(first, clock)
        await store.save("copied", "one", MINUTE)
        first.is_away = True
        await store.save("newer", "two", MINUTE)
        await store.delete("wiped")  # remembered for hours
        first.is_away = False
        clock.now += MINUTE.total_seconds() - 1
        await store.purge()
        assert [len(part._kept) for part in (store._copies, store._newer)] == [1, 2]
        clock.now += 1
        await store.purge()
        assert [list(part._kept) for part in (store._copies, store._newer)] == [[], ["wiped"]]
        clock.now += LONGEST_SESSION.total_seconds()
        await store.purge()
        assert not store._newer._kept

    asyncio.run(use())


def test_health_is_told_at_the_start_and_when_it_changes() -> None:
    """Whoever watches hears that the store is there, goes away, and is back; each once."""
    told: list[bool] = []

    async def use() -> None:
        clock = Clock()
        first = Flaky(clock)
        store = SparedStore(first, clock, on_health=told.append)
        await store.save("a", "one", MINUTE)
        first.is_away = True
        for _ in range(3):
            await store.load("a")
            clock.now += PAUSE.total_seconds()
        first.is_away = False
        await store.save("a", "one", MINUTE)

    asyncio.run(use())
    assert told == [True, False, True]


def test_memory_never_grows_beyond_its_limit() -> None:
    """A flood of conversations pushes out the oldest, and expired ones leave by themselves."""

    async def use() -> None:
        clock = Clock()
        store = MemoryStore(clock)
        for number in range(MAX_SESSIONS + 10):
            await store.save(str(number), "x", MINUTE)
        assert await store.load("9") is None
        assert await store.load("10") == "x"
        clock.now += 61
        await store.save("new", "x", MINUTE)
        assert len(store._kept) == 1

    asyncio.run(use())


# --- the value and the token --------------------------------------------------------------------


@pytest.mark.parametrize(
    "session",
    [
        Session(Position("en", "home")),
        Session(Position("zh-Hans", "under-18-images", 4), delivery_mark("token")),
    ],
    ids=str,
)
def test_session_survives_its_stored_form(session: Session) -> None:
    """What is stored is read back the same."""
    assert parse_session(str(session)) == session


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "en/home/0",
        "en/home -",
        "en/home/0 x",
        "en/../0 -",
        "en/home/0 - more",
        "\x00",
        "a" * 500,
    ],
)
def test_anything_else_is_no_session(stored: str) -> None:
    """A value that is not ours begins a new conversation instead of failing."""
    assert parse_session(stored) is None


def test_tokens_are_long_random_and_recognised() -> None:
    """Each token has at least 128 random bits and never comes twice."""
    tokens = {make_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert all(is_token(token) and len(token) * 6 >= 128 for token in tokens)
    assert not is_token("")
    assert not is_token("short")
    assert not is_token("x" * 30 + "\n")


def test_delivery_mark_keeps_no_token() -> None:
    """The mark tells deliveries apart and does not hold the carrier's token."""
    assert delivery_mark("") == "-"
    assert delivery_mark("abc") == delivery_mark("abc") != delivery_mark("abd")
    assert "abc" not in delivery_mark("abc")
