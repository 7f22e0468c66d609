"""Nothing of a caller is found anywhere: the proof behind "we keep nothing".

Conversations by text and by phone from handsets with unmistakable numbers, names, places, words and
pictures, good and bad, with faults inside, against the real server behind the shipped proxy
configuration with a real Redis. Then every place where something could have stayed is searched for
every form it could have.
"""

import base64
import hashlib
import hmac
import os
import re
import secrets
import socket
import ssl
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote, urlencode

import httpx2
import pytest
from redis import Redis

from canaries import Canary, Needle, needles, search
from conftest import ROOT, THREE, Server, free_port, shipped_proxy, start_nginx, start_redis
from faulty_server import HANDLER_FAILS, REPLY_IS_MISSING, TROUBLE
from handset import ACCOUNT, FORM, PUBLIC_URL, TOKEN, Handset, sign

SHARED_KEY = "shared-key-that-signs-webhooks"
REDIS_PASSWORD = "password-of-this-redis"
SECRETS = {
    "the auth token": TOKEN.encode(),
    "the shared key": SHARED_KEY.encode(),
    "the account": ACCOUNT.encode(),
    "the Redis password": REDIS_PASSWORD.encode(),
    "the public URL": PUBLIC_URL.encode(),
}

ENGLISH, POLISH, WELSH = "+447700900461", "+48512345978", "+447700900832"
WORDS = "Quetzalfjord"
CALLER = [
    Canary("a number", ENGLISH, is_number=True),
    Canary("a foreign number", POLISH, is_number=True),
    Canary("a third number", WELSH, is_number=True),
    Canary("a name", "ZEPHYRINE QUILLFEATHER"),
    Canary("a city", "LLANGWYRFECHAN-ON-QUORN"),
    Canary("a county", "ZZ-WOXSHIRE"),
    Canary("a postcode", "QX97 4ZJ"),
    Canary("words", WORDS),
    Canary("words that break the handler", HANDLER_FAILS),
    Canary("words whose reply is missing", REPLY_IS_MISSING),
    Canary("a picture", "https://media.example.net/Media/MEc0ffee5eed"),
    Canary("a message's id", "SM" + "5eedc0ffee" * 3 + "77"),
    Canary("a call's id", "CA" + "0ddba11cab" * 3 + "99"),
    Canary("an address", "203.0.113.177"),
    Canary("a device", "Brontophone/7.7"),
    Canary("a delivery", "idempotent-vexillology-4471", may_be_hashed=True),
    Canary("a stranger's cookie", "session=Wyvernquillwyvernquill0123456789"),
]


class Places:
    """Everything that was found lying about, by name."""

    def __init__(self) -> None:
        """Begin with none."""
        self.found: dict[str, bytes] = {}

    def add(self, name: str, content: bytes) -> None:
        """Keep a place; a name that is there already gets a number."""
        known = sum(1 for each in self.found if each.partition("#")[0] == name)
        self.found[f"{name}#{known}" if known else name] = content

    def add_folder(self, name: str, folder: Path) -> None:
        """Keep every file below a folder, its name too."""
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                with suppress(FileNotFoundError):  # servers remove files of their own meanwhile
                    content = path.read_bytes()
                    self.add(f"{name}: {path.relative_to(folder)}", str(path).encode() + content)


class Monitor(threading.Thread):
    """Listens to every command that reaches Redis."""

    def __init__(self, port: int) -> None:
        """Begin to listen."""
        super().__init__(daemon=True)
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.sendall(f"AUTH {REDIS_PASSWORD}\r\nMONITOR\r\n".encode())
        self.heard = b""
        self.start()

    def run(self) -> None:
        """Listen until Redis ends."""
        with suppress(OSError), closing(self._socket):
            while data := self._socket.recv(65536):
                self.heard += data


class Phone(Handset):
    """A handset whose carrier sends everything it knows of the caller along."""

    def __init__(self, client: httpx2.Client, number: str, places: Places) -> None:
        """Keep every response in the places to be searched."""
        super().__init__(client, number)
        self._places = places
        self.tokens: set[str] = set()

    def form(self, *more: tuple[str, str]) -> list[tuple[str, str]]:
        """Return the fields of one webhook."""
        return [
            ("AccountSid", ACCOUNT),
            ("MessageSid", "SM" + "5eedc0ffee" * 3 + "77"),
            ("CallSid", "CA" + "0ddba11cab" * 3 + "99"),
            *((name, self.number) for name in ("From", "Caller", "ForwardedFrom")),
            ("To", "+447700900999"),
            ("CallerName", "ZEPHYRINE QUILLFEATHER"),
            ("ProfileName", "ZEPHYRINE QUILLFEATHER"),
            ("FromCity", "LLANGWYRFECHAN-ON-QUORN"),
            ("FromState", "ZZ-WOXSHIRE"),
            ("FromZip", "QX97 4ZJ"),
            ("MediaUrl0", "https://media.example.net/Media/MEc0ffee5eed"),
            ("MediaContentType0", "image/jpeg"),
            *more,
        ]

    def send(self, path: str, *more: tuple[str, str], status: int = 200) -> httpx2.Response:
        """Post a signed webhook, keep what came back, and return it."""
        response = self.post(
            path,
            self.form(*more),
            headers={
                "i-twilio-idempotency-token": "idempotent-vexillology-4471" + secrets.token_hex(4),
                "user-agent": "Brontophone/7.7",
                "x-forwarded-for": "203.0.113.177",
            },
        )
        keep(self._places, response)
        assert response.status_code == status
        if "set-cookie" in response.headers:
            self.cookie = response.headers["set-cookie"].split(";")[0]
            self.tokens.add(self.cookie.partition("=")[2])
        return response

    def say(self, body: str, pictures: int = 0) -> str:
        """Send a message and return the reply."""
        return self.send("/sms", ("Body", body), ("NumMedia", str(pictures))).text


def keep(places: Places, response: httpx2.Response) -> None:
    """Keep a response, head and body; of our own cookie what stands beside the random token."""
    head = "\n".join(f"{name}: {value}" for name, value in response.headers.items())
    for cookie in response.headers.get_list("set-cookie"):
        assert COOKIE.fullmatch(cookie), cookie
        head = head.replace(cookie, cookie.partition(";")[2])
    places.add("a response", head.encode() + b"\n\n" + response.content)


COOKIE = re.compile(r"session=[A-Za-z0-9_-]{32}; Max-Age=(0|1800); Path=/; Secure; HttpOnly")


class Scene:
    """The whole deployment in one folder."""

    def __init__(self, folder: Path) -> None:
        """Start Redis, the server and the proxy."""
        self.phones: list[Phone] = []
        self.process_limits: list[str] = []
        self.twice: list[dict[str, str]] = []
        """What is kept of each of two conversations of one number, which say the same."""
        self.folder = folder
        self.places = Places()
        self.redis_folder, home = folder / "redis", folder / "server"
        for each in (self.redis_folder, home / "tmp", folder / "nginx"):
            each.mkdir(parents=True)
        self.redis = start_redis(
            self.redis_folder, "--requirepass", REDIS_PASSWORD, "--rdbcompression", "no"
        )
        self.monitor = Monitor(self.redis.port)
        self.metrics_port, port = free_port(), free_port()
        self.counts = home / "counts.jsonl"
        self.server = Server(
            *(sys.executable, str(ROOT / "tests" / "faulty_server.py"), "serve"),
            *("--port", str(port), "--workers", "2"),
            port=port,
            environ={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(ROOT / "tests"),
                "PYTHONDONTWRITEBYTECODE": "1",
                "HOME": str(home),
                "TMPDIR": str(home / "tmp"),
                "TWILIO_ACCOUNT_SID": ACCOUNT,
                "TWILIO_AUTH_TOKEN": TOKEN,
                "REFERRAL_LINE_SHARED_KEYS": SHARED_KEY,
                "REFERRAL_LINE_PUBLIC_URL": PUBLIC_URL,
                "REDIS_URL": f"redis://:{REDIS_PASSWORD}@127.0.0.1:{self.redis.port}/0",
                "REFERRAL_LINE_COUNTS_FILE": str(self.counts),
                "REFERRAL_LINE_METRICS": f"127.0.0.1:{self.metrics_port}",
                TROUBLE: str(folder / "trouble"),
                "CANARY_ALLOWED": f"{home}:{self.redis.port}",
                **THREE,
            },
            folder=home,
        )
        self.proxy = start_nginx(folder / "nginx", shipped_proxy(port), "line.example.org")
        self.client = httpx2.Client(
            base_url=f"https://127.0.0.1:{self.proxy.port}",
            headers={"host": "line.example.org"},
            verify=trusting(folder / "nginx"),
            timeout=20,
        )

    def process_ids(self) -> list[int]:
        """The server's processes: the parent and its workers."""
        found = [self.server.process.pid]
        for path in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                parent = path.read_text(encoding="utf-8").rpartition(")")[2].split()[1]
                if int(parent) in found:
                    found.append(int(path.parent.name))
        return found

    def stop(self) -> None:
        """End what still runs."""
        self.client.close()
        for each in (self.proxy, self.server, self.redis):
            each.stop()


def trusting(folder: Path) -> ssl.SSLContext:
    """Trust the certificate of one nginx: its name is the public one, its address is here."""
    context = ssl.create_default_context(cafile=str(folder / "full.pem"))
    context.check_hostname = False
    return context


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The deployment after everything that can happen to it has happened."""
    scene = Scene(tmp_path_factory.mktemp("canaries"))
    try:
        phones = play(scene)
        look(scene, "while it ran")
        lose_redis(scene, phones)
        scene.server.stop()
        scene.proxy.stop()
        look_at_the_rest(scene)
        scene.phones = phones
        yield scene
    finally:
        scene.stop()


def play(scene: Scene) -> list[Phone]:
    """Let callers text and call, well and badly; strangers too."""
    phones = [Phone(scene.client, number, scene.places) for number in (ENGLISH, POLISH, WELSH)]
    english, polish, welsh = phones
    assert "In danger now" in english.say(f"hello, I am {WORDS}")
    assert "18 or over" in english.say("1")
    english.say(f"1 {WORDS}")
    assert "open" in english.say(WORDS, pictures=1)
    english.say("Cleveland")
    polish.say("polski")
    polish.say(f"nie chcę żyć {WORDS}")
    assert "Samaritans" in welsh.say("I can't cope")
    welsh.say("9")
    assert "delete" in welsh.say("bye")
    call = english.send("/voice", ("CallStatus", "ringing"))
    assert "Gather" in call.text
    for path, digits in (("languages/0", "1"), ("home/0", "1"), ("blackmailed/0", "7700900461")):
        english.send(f"/voice/en/{path}", ("Digits", digits))
    write_twice(scene)
    break_things(scene, english)
    misbehave(scene, english)
    return phones


def write_twice(scene: Scene) -> None:
    """Let one number begin a conversation twice, with the same words, and see what is kept."""
    with Redis(port=scene.redis.port, password=REDIS_PASSWORD) as redis:
        for _ in range(2):
            before = set(redis.scan_iter())
            phone = Phone(scene.client, ENGLISH, scene.places)
            phone.say(WORDS)
            (key,) = set(redis.scan_iter()) - before
            (token,) = phone.tokens
            value = redis.get(key)
            assert value is not None
            kept = {"token": token, "key": key.decode(), "value": value.decode()}
            scene.twice.append(kept)


def break_things(scene: Scene, phone: Phone) -> None:
    """Provoke faults inside, and texts that are hard to read."""
    phone.say("hello")
    for words in (HANDLER_FAILS, REPLY_IS_MISSING):
        assert "116 123" in phone.say(f"{words} {WORDS} {ENGLISH}")
    phone.send("/voice/" + quote(f"{ENGLISH}/{WORDS}"), ("Digits", "1"))
    phone.send("/sms/" + quote(WORDS), ("Body", WORDS))
    phone.send("/sms", *[(f"{WORDS}{number}", ENGLISH) for number in range(400)])
    phone.send("/sms", ("Body", f"{WORDS}\x00\x0b\ud7ff"), ("Body", ENGLISH))
    pairs = phone.form(("Body", WORDS))
    raw = urlencode(pairs).encode() + b"&Odd=%ff%fe"
    mac = hmac.new(TOKEN.encode(), digestmod=hashlib.sha1)
    signed = [(name.encode(), value.encode()) for name, value in pairs] + [(b"Odd", b"\xff\xfe")]
    mac.update((PUBLIC_URL + "/sms").encode())
    mac.update(b"".join(name + value for name, value in sorted(set(signed))))
    answer = scene.client.post(
        "/sms",
        content=raw,
        headers={
            "content-type": FORM,
            "x-twilio-signature": base64.b64encode(mac.digest()).decode(),
        },
    )
    keep(scene.places, answer)
    assert answer.status_code == 200


def misbehave(scene: Scene, phone: Phone) -> None:
    """Send what is refused: unsigned, oversized, of another kind, no HTTP at all."""
    form = urlencode(phone.form(("Body", WORDS)))
    stranger = {
        "content-type": FORM,
        "cookie": "session=Wyvernquillwyvernquill0123456789",
        "user-agent": "Brontophone/7.7",
        "x-forwarded-for": "203.0.113.177",
        "referer": f"https://{WORDS}.example/{quote(ENGLISH)}",
    }
    wrong = {"x-twilio-signature": sign("/voice", phone.form())}
    requests: list[tuple[int, str, str, bytes, dict[str, str]]] = [
        (403, "POST", "/sms", form.encode(), {}),
        (403, "POST", f"/sms?From={quote(ENGLISH)}&Body={WORDS}", form.encode(), wrong),
        (403, "POST", f"/voice/{quote(ENGLISH)}", form.encode(), wrong),
        (413, "POST", "/sms", form.encode() + b"&Pad=" + WORDS.encode() * 5600, {}),
        (413, "POST", "/sms", form.encode() + b"&Pad=" + WORDS.encode() * 9000, {}),
        (415, "POST", "/sms", form.encode(), {"content-type": "application/json"}),
        (415, "POST", "/sms", form.encode(), {"content-type": f"text/{WORDS}"}),
        (405, "GET", f"/sms?From={quote(ENGLISH)}&Body={WORDS}", b"", {}),
        (405, "PUT", f"/voice?Caller={quote(ENGLISH)}", form.encode(), {}),
        (404, "POST", f"/{WORDS}/{quote(ENGLISH)}", form.encode(), {}),
        (404, "GET", f"/leaflet/{WORDS}", b"", {}),
        (404, "GET", f"/audio/pl/{WORDS}.wav", b"", {}),
        (200, "GET", f"/readyz?From={quote(ENGLISH)}", b"", {}),
        (400, "GET", "/", b"", {"x-long": WORDS * 1000}),
        (405, "GET", f"/voice?{WORDS}", b"", {"connection": "upgrade", "upgrade": "websocket"}),
    ]
    for status, method, path, body, headers in requests:
        answer = scene.client.request(method, path, content=body, headers=stranger | headers)
        assert answer.status_code == status, (method, path, answer.status_code)
        keep(scene.places, answer)
        # The same without the proxy, for whoever runs another one.
        with (
            suppress(httpx2.HTTPError),
            httpx2.Client(base_url=f"http://127.0.0.1:{scene.server.port}", timeout=20) as direct,
        ):
            keep(
                scene.places,
                direct.request(method, path, content=body, headers=stranger | headers),
            )
    for port in (scene.server.port, scene.proxy.port):
        for junk in (
            f"{WORDS} {ENGLISH}\r\n\r\n".encode(),
            f"POST /sms?{WORDS} HTTP/1.1\r\nhost: x\r\ncontent-length: 900\r\n"
            f"content-type: {FORM}\r\n\r\nFrom={ENGLISH}&Body={WORDS}".encode(),
        ):
            with socket.create_connection(("127.0.0.1", port), 5) as connection:
                connection.sendall(junk)


def lose_redis(scene: Scene, phones: list[Phone]) -> None:
    """Let Redis end in the middle of a conversation."""
    phones[0].say("hello")
    scene.redis.stop()
    for body in ("1", f"1 {WORDS}", HANDLER_FAILS, "9"):
        phones[0].say(body)
    ready = scene.client.get("/readyz")
    keep(scene.places, ready)
    assert ready.json()["status"] == "degraded"


def look(scene: Scene, when: str) -> None:
    """Gather all there is while the servers run."""
    places = scene.places
    with Redis(port=scene.redis.port, password=REDIS_PASSWORD) as redis:
        redis.save()
        for key in redis.scan_iter():
            assert 0 < redis.ttl(key) <= 1800
            places.add("a key of Redis", key)
            places.add("a value of Redis", redis.get(key) or b"")
            places.add("a dumped value of Redis", redis.dump(key) or b"")
        for name in ("keyspace", "clients", "commandstats", "stats"):
            places.add(f"Redis INFO {name}", repr(redis.info(name)).encode())
        places.add("Redis CLIENT LIST", repr(redis.client_list()).encode())
        places.add("Redis SLOWLOG", repr(redis.slowlog_get(1000)).encode())
    metrics = httpx2.get(f"http://127.0.0.1:{scene.metrics_port}/metrics", timeout=10)
    places.add("metrics", metrics.content)
    places.add_folder(f"files {when}", scene.folder)
    for process_id in scene.process_ids():
        for path in Path(f"/proc/{process_id}/fd").glob("*"):
            with suppress(OSError):
                target = path.readlink()
                if target.is_absolute() and not target.is_relative_to("/dev") and target.is_file():
                    assert target.is_relative_to(scene.folder), f"writes or reads {target}"
    scene.process_limits = [
        Path(f"/proc/{process_id}/limits").read_text(encoding="utf-8")
        for process_id in scene.process_ids()
    ]


def look_at_the_rest(scene: Scene) -> None:
    """Gather what is left when everything has ended."""
    scene.places.add("every command that reached Redis", scene.monitor.heard)
    scene.places.add_folder("files at the end", scene.folder)


def wanted(scene: Scene) -> list[Needle]:
    """Every form of everything of the callers, their session tokens included."""
    tokens = {token for phone in scene.phones for token in phone.tokens}
    ours = [Canary("a session token", token, may_be_hashed=True) for token in sorted(tokens)]
    return needles([*CALLER, *ours], SECRETS)


def test_nothing_of_a_caller_is_found_anywhere(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    """In no key, value, command or dump of Redis, log, metric, count, reply or file."""
    sought = wanted(scene)
    hits = search(scene.places.found, sought)
    with capsys.disabled():
        print(  # noqa: T201 - the figure that this suite is for
            f"\ncanaries: {len(sought)} forms of {len(CALLER)} values looked for in "
            f"{len(scene.places.found)} places, {sum(map(len, scene.places.found.values()))} "
            f"bytes: {len(hits)} hits"
        )
    assert hits == []


def test_server_writes_and_speaks_to_nothing_else(scene: Scene) -> None:
    """Whatever the search above does not read, the server has not opened, nor sent anything to."""
    assert (scene.folder / "trouble").read_text(encoding="utf-8") == ""


def test_same_caller_is_another_one_each_time(scene: Scene) -> None:
    """Two conversations of one number have nothing in common: no token, key, value or mark."""
    assert len(scene.twice) == 2
    first, second = scene.twice
    assert first.keys() == second.keys() == {"token", "key", "value"}
    for name in first:
        assert first[name] != second[name], name


def test_every_kind_of_place_was_looked_at(scene: Scene) -> None:
    """The search above had something to search, of each kind."""
    kinds = {name.partition("#")[0].partition(":")[0] for name in scene.places.found}
    assert kinds >= {
        "a key of Redis",
        "a value of Redis",
        "a dumped value of Redis",
        "a response",
        "every command that reached Redis",
        "files at the end",
        "files while it ran",
        "metrics",
        "Redis SLOWLOG",
    }
    files = " ".join(name for name in scene.places.found if name.startswith("files"))
    for name in ("dump.rdb", "counts.jsonl", "error.log", "access.log", f"{scene.server.port}.log"):
        assert name in files
    assert b"SET" in scene.places.found["every command that reached Redis"]
    assert b"referral_line_turns_total" in scene.places.found["metrics"]
    assert b'"sms":' in scene.counts.read_bytes()


def test_redis_holds_sessions_and_nothing_else(scene: Scene) -> None:
    """Each key is a session's, each value a position and a mark; no other command writes."""
    keys = [value for name, value in scene.places.found.items() if name.startswith("a key of")]
    values = [value for name, value in scene.places.found.items() if name.startswith("a value of")]
    assert len(keys) == len(values) > 1
    for key in keys:
        assert re.fullmatch(rb"referral-line:session:[0-9a-f]{64}", key)
    for value in values:
        assert re.fullmatch(rb"[A-Za-z-]+/[a-z0-9-]+/[0-4] ([0-9a-f]{16}|-)", value)
    heard = re.findall(rb'\] "([A-Za-z]+)"', scene.places.found["every command that reached Redis"])
    ours = {b"HELLO", b"AUTH", b"CLIENT", b"SELECT", b"PING", b"GET", b"SET", b"DEL"}
    looking = {b"SAVE", b"SCAN", b"TTL", b"DUMP", b"INFO", b"SLOWLOG"}
    assert {word.upper() for word in heard} <= ours | looking


def test_faults_were_provoked_and_told(scene: Scene) -> None:
    """The log of the server says what failed, so the silence about callers is no silence at all."""
    log = scene.server.output.read_text(encoding="utf-8")
    for trace in (
        "RuntimeError from KeyError",
        "KeyError",
        "session store away",
        "a careless line",
        "a library has logged something",
    ):
        assert trace in log
    assert "Traceback" not in log


def test_proxy_writes_nothing_down(scene: Scene) -> None:
    """With the shipped configuration nginx' own logs stay empty and no body becomes a file."""
    folder = scene.folder / "nginx"
    assert (folder / "access.log").read_bytes() == b""
    assert b"request" not in (folder / "error.log").read_bytes()
    assert not any((folder / "client_body").rglob("*"))


def test_server_process_leaves_no_core(scene: Scene) -> None:
    """Neither the parent nor a worker may dump its memory."""
    assert len(scene.process_limits) >= 3
    for limits in scene.process_limits:
        (core,) = [line for line in limits.splitlines() if line.startswith("Max core file size")]
        assert core.split()[4] == "0"


def test_an_nginx_without_our_lines_would_be_caught(scene: Scene, tmp_path: Path) -> None:
    """The same requests behind a careless proxy are found at once: the search is no formality."""
    careless = "\n".join(
        line
        for line in shipped_proxy(scene.server.port).splitlines()
        if not any(word in line for word in ("access_log", "error_log", "client_body_buffer_size"))
    )
    folder = tmp_path / "nginx"
    folder.mkdir()
    proxy = start_nginx(folder, careless, "line.example.org")
    try:
        url = f"https://127.0.0.1:{proxy.port}/sms?From={quote(ENGLISH)}"
        httpx2.post(url, content=f"Body={WORDS}", verify=trusting(folder), timeout=20)
        time.sleep(0.2)
    finally:
        proxy.stop()
    places = Places()
    places.add_folder("careless", folder)
    hits = search(places.found, wanted(scene))
    assert any("a number" in hit and "access.log" in hit for hit in hits)


@pytest.mark.parametrize("canary", CALLER, ids=lambda canary: canary.name)
def test_search_finds_what_is_there(canary: Canary) -> None:
    """Each form of each canary, planted in the middle of other bytes, is found and named."""
    for needle in needles([canary], SECRETS):
        window = needle.window or len(needle.value)
        for start in {0, (len(needle.value) - window) // 2, len(needle.value) - window}:
            kept = needle.value[start : start + window]
            place = {"a haystack": b"\x00hay" * 9 + kept + b"stack\xff" * 9}
            assert search(place, [needle]) == [f"{needle.name} in a haystack"]


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param(ENGLISH.encode(), id="raw"),
        pytest.param(b"7700900461", id="without country code"),
        pytest.param(b"07700 900461", id="as people write it"),
        pytest.param(b"%2B447700900461", id="percent-encoded"),
        pytest.param(base64.b64encode(b"from=" + ENGLISH.encode() + b"&x"), id="base64"),
        pytest.param(hashlib.md5(b"447700900461", usedforsecurity=False).digest(), id="md5"),
        pytest.param(hashlib.sha256(b"07700900461").hexdigest().encode(), id="sha256"),
        pytest.param(hashlib.sha1(b"+447700900461").hexdigest()[:16].encode(), id="short sha1"),  # noqa: S324
        pytest.param(hashlib.sha256(b"+447700900461").hexdigest()[-16:].encode(), id="its tail"),
        pytest.param(hashlib.md5(b"07700900461").hexdigest().upper().encode(), id="capitals"),  # noqa: S324
        pytest.param(str(zlib.crc32(b"+447700900461")).encode(), id="checksum"),
        pytest.param(b"*****900461", id="shortened"),
        pytest.param(
            hmac.new(TOKEN.encode(), b"7700900461", "sha256").hexdigest().encode(),
            id="HMAC with the auth token",
        ),
        pytest.param(
            base64.urlsafe_b64encode(hmac.digest(SHARED_KEY.encode(), ENGLISH.encode(), "sha1")),
            id="HMAC with the shared key, base64",
        ),
    ],
)
def test_every_way_to_keep_a_number_would_be_found(kept: bytes) -> None:
    """Forms made here by other code than the search's own are found too."""
    assert search({"Redis": b"..." + kept + b"..."}, needles(CALLER, SECRETS))


def test_nothing_is_left_behind(scene: Scene) -> None:
    """The private folder of the metrics' shares went with the server."""
    assert list((scene.folder / "server" / "tmp").iterdir()) == []
