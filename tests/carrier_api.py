"""A carrier's REST API on this machine, held to the published description of the real one.

Every request to it and every success it answers with is checked against
``openapi/twilio_api_v2010.json``, so that neither our calls nor this stand-in drift from the API.
"""

import base64
import copy
import json
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

DESCRIPTION = Path(__file__).parent / "openapi" / "twilio_api_v2010.json"
HOST = "https://api.twilio.com"
Record = dict[str, Any]

_FORM = "application/x-www-form-urlencoded"
_CLEARED_BY_BLANK = ("SmsApplicationSid", "VoiceApplicationSid", "TrunkSid")


@cache
def description() -> tuple[Record, OpenAPI]:
    """Read the published description."""
    published = json.loads(DESCRIPTION.read_text())
    operation = published["paths"][
        "/2010-04-01/Accounts/{AccountSid}/IncomingPhoneNumbers/{Sid}.json"
    ]
    form = operation["post"]["requestBody"]["content"][_FORM]["schema"]["properties"]
    for name in _CLEARED_BY_BLANK:
        # Relaxed: a blank value is how the API clears these, and the pattern leaves no room for it.
        form[name] = {"anyOf": [form[name], {"type": "string", "enum": [""]}]}
    return published, OpenAPI.from_dict(published)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back. ``body`` is JSON unless it is bytes."""

    status: int
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)


def refusal(status: int, code: int, message: str = "Refused", **headers: str) -> Answer:
    """Return a refusal as the carrier writes it; ``Retry_After="1"`` gives a header."""
    body = {
        "code": code,
        "message": message,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    return Answer(status, body, {name.replace("_", "-"): text for name, text in headers.items()})


HTML = Answer(200, b"<html><title>Sign in</title></html>", {"Content-Type": "text/html"})
"""A page of a proxy in the carrier's place."""


class Closed:
    """The connection ends in the middle of an answer."""


@dataclass(frozen=True, slots=True)
class Slow:
    """The answer comes after so many seconds."""

    seconds: float


@dataclass(slots=True)
class Fault:
    """What happens instead of an answer, so many times, to requests like this."""

    happens: Answer | Closed | Slow
    method: str | None
    path: str
    times: int


class CarrierApi:
    """The API of one account; a context manager, which fails the test for a request it forbids.

    ``numbers``, ``messages``, ``calls`` hold the records as the API gives them; ``media`` holds
    files by their message's SID. ``requests`` has each method and path as they came.
    """

    def __init__(self, *, page_size: int = 1000) -> None:
        """Make an empty account. ``page_size`` is the most records on one page."""
        self._count = count(1)
        self._told: set[str] = set()
        self.account_sid = self.sid("AC")
        self.api_key = "SK" + "5" * 32
        self.api_secret = "made-up-secret"
        self.auth_token = "made-up-token"
        self.page_size = page_size
        self.account: Record = {
            "sid": self.account_sid,
            "owner_account_sid": self.account_sid,
            "friendly_name": "A line",
            "status": "active",
            "type": "Full",
        }
        self.numbers: list[Record] = []
        self.messages: list[Record] = []
        self.calls: list[Record] = []
        self.media: dict[str, list[Record]] = {}
        self.keeps: set[str] = set()
        """Settings of numbers, such as ``sms_url``, that an update leaves as they are."""
        self.drops_fragments = False
        """Whether an update loses what stands behind ``#`` in an address."""
        self.filters = True
        """Whether lists heed To and From."""
        self.requests: list[tuple[str, str]] = []
        self.problems: list[str] = []
        self._faults: list[Fault] = []
        self._lock = threading.RLock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        """The base URL, for ``REFERRAL_LINE_CARRIER_API_URL``."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def environ(self) -> dict[str, str]:
        """What an operator would set to use this account."""
        return {
            "TWILIO_ACCOUNT_SID": self.account_sid,
            "TWILIO_API_KEY": self.api_key,
            "TWILIO_API_SECRET": self.api_secret,
            "REFERRAL_LINE_CARRIER_API_URL": self.url,
        }

    def __enter__(self) -> Self:
        """Begin to listen."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, and fail if anything was against the published description."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        assert not self.problems, self.problems

    def sid(self, prefix: str) -> str:
        """Make a SID that no other record has."""
        made = f"{prefix}{next(self._count):032x}"
        self._told.add(made)
        return made

    def leaks(self, output: str) -> list[str]:
        """Return what a command must never print: SIDs, secrets, callers' numbers and words."""
        secrets = {self.api_secret, self.auth_token, self.api_key}
        return sorted(secret for secret in self._told | secrets if secret in output)

    def _note(self, record: Record) -> None:
        lines = {number["phone_number"] for number in self.numbers}
        told = {record["to"], record["from"], record.get("body")}
        self._told |= {text for text in told if text} - lines

    def add_number(self, phone_number: str, **fields: object) -> Record:
        """Add a number that can take texts and calls, and points nowhere."""
        sid = self.sid("PN")
        record: Record = {
            "sid": sid,
            "account_sid": self.account_sid,
            "phone_number": phone_number,
            "friendly_name": phone_number,
            "capabilities": {"sms": True, "mms": False, "voice": True, "fax": False},
            "sms_url": "",
            "sms_method": "POST",
            "sms_fallback_url": "",
            "sms_fallback_method": "POST",
            "sms_application_sid": None,
            "voice_url": None,
            "voice_method": "POST",
            "voice_fallback_url": None,
            "voice_fallback_method": "POST",
            "voice_application_sid": None,
            "voice_caller_id_lookup": False,
            "voice_receive_mode": "voice",
            "status_callback": "",
            "status_callback_method": "POST",
            "trunk_sid": None,
            "uri": f"/2010-04-01/Accounts/{self.account_sid}/IncomingPhoneNumbers/{sid}.json",
            **fields,
        }
        self.numbers.append(record)
        return record

    def add_message(
        self, to: str, from_: str, created: datetime | None, *, files: int = 0, **fields: object
    ) -> Record:
        """Add a message that was received, newest first, with so many files."""
        sid = self.sid("MM" if files else "SM")
        record: Record = {
            "sid": sid,
            "account_sid": self.account_sid,
            "to": to,
            "from": from_,
            "body": "they have my pictures",
            "status": "received",
            "direction": "inbound",
            "num_media": str(files),
            "num_segments": "1",
            "date_created": _date(created),
            "date_sent": None,
            **fields,
        }
        self.messages.insert(0, record)
        self._note(record)
        if files:
            self.media[sid] = [
                {"sid": self.sid("ME"), "account_sid": self.account_sid, "parent_sid": sid}
                for _ in range(files)
            ]
        return record

    def add_call(self, to: str, from_: str, created: datetime | None, **fields: object) -> Record:
        """Add a completed call, newest first."""
        record: Record = {
            "sid": self.sid("CA"),
            "account_sid": self.account_sid,
            "to": to,
            "from": from_,
            "status": "completed",
            "direction": "inbound",
            "date_created": _date(created),
            "start_time": None,
            **fields,
        }
        self.calls.insert(0, record)
        self._note(record)
        return record

    def fail(
        self,
        happens: Answer | Closed | Slow,
        *,
        times: int = 1,
        method: str | None = None,
        path: str = "",
    ) -> None:
        """Let the next requests fail whose method is this and whose path contains this."""
        self._faults.append(Fault(happens, method, path, times))

    def fault_is_over(self) -> None:
        """Forget every fault."""
        with self._lock:
            self._faults.clear()

    def counted(self, method: str, part: str = "") -> int:
        """Return how many requests there were with this method and this in the path."""
        return sum(asked == method and part in path for asked, path in self.requests)

    def answer(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> Answer | Closed:
        """Answer one request."""
        parts = urlsplit(target)
        request = MockRequest(
            HOST,
            method,
            parts.path,
            args=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers=dict(headers),
            data=body,
            content_type=headers.get("Content-Type", ""),
        )
        if parts.path == "/":  # no part of the API: whoever wants to know the time asks here
            return refusal(404, 20404)
        with self._lock:
            self.requests.append((method, parts.path))
            self._check_request(request)
            fault = self._take_fault(method, parts.path)
        if isinstance(fault, Slow):
            time.sleep(fault.seconds)
        elif fault is not None:
            return fault
        with self._lock:
            if not self._is_known(headers.get("Authorization", "")):
                return refusal(401, 20003, "Authenticate")
            answer = self._route(request)
            self._check_answer(request, answer)
            return answer

    def _take_fault(self, method: str, path: str) -> Answer | Closed | Slow | None:
        for fault in self._faults:
            if fault.times and fault.method in {None, method} and fault.path in path:
                fault.times -= 1
                return fault.happens
        return None

    def _is_known(self, authorization: str) -> bool:
        pairs = (self.api_key, self.api_secret), (self.account_sid, self.auth_token)
        known = {base64.b64encode(f"{user}:{word}".encode()).decode() for user, word in pairs}
        return authorization.removeprefix("Basic ") in known

    def _check_request(self, request: MockRequest) -> None:
        published, checker = description()
        try:
            checker.validate_request(request)
        except OpenAPIError as error:
            self.problems.append(f"{request.method} {request.path}: {error}")
            return
        # The checker passes over names that the description does not have.
        path = next(path for path in published["paths"] if _matches(path, request.path))
        declared = published["paths"][path][request.method]
        names = {entry["name"] for entry in declared["parameters"] if entry["in"] == "query"}
        fields = declared.get("requestBody", {"content": {_FORM: {"schema": {"properties": {}}}}})
        form = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        unknown = set(request.args or {}) - names
        unknown |= set(form) - set(fields["content"][_FORM]["schema"]["properties"])
        if unknown:
            self.problems.append(f"{request.method} {request.path}: no such names: {unknown}")

    def _check_answer(self, request: MockRequest, answer: Answer) -> None:
        if answer.status >= 400:  # the description tells of successes only
            return
        body = b"" if answer.body is None else json.dumps(answer.body).encode()
        try:
            description()[1].validate_response(request, MockResponse(body, answer.status))
        except OpenAPIError as error:
            cause = getattr(error.__cause__, "schema_errors", error.__cause__)
            self.problems.append(f"answer to {request.method} {request.path}: {error}: {cause}")

    def _route(self, request: MockRequest) -> Answer:
        inside = request.path.removeprefix("/2010-04-01/Accounts/").removesuffix(".json")
        account, *rest = inside.split("/")
        lists = {
            "Messages": ("messages", self.messages),
            "Calls": ("calls", self.calls),
            "IncomingPhoneNumbers": ("incoming_phone_numbers", self.numbers),
        }
        if account != self.account_sid or (rest and rest[0] not in lists):
            return refusal(404, 20404)
        if not rest:
            return Answer(200, self.account)
        key, records = lists[rest[0]]
        if rest[2:] == ["Media"]:
            if self._find(records, rest[1]) is None:
                return refusal(404, 20404)
            key, records = "media_list", self.media.get(rest[1], [])
        elif rest[2:]:
            return self._one(request, self.media.get(rest[1], []), rest[3])
        elif rest[1:]:
            return self._one(request, records, rest[1])
        return self._page(request, key, records)

    @staticmethod
    def _find(records: Sequence[Record], sid: str) -> Record | None:
        return next((record for record in records if record["sid"] == sid), None)

    def _one(self, request: MockRequest, records: list[Record], sid: str) -> Answer:
        record = self._find(records, sid)
        if record is None:
            return refusal(404, 20404)
        if request.method == "delete":
            records.remove(record)
            return Answer(204)
        if request.method == "post":
            self._update(record, dict(parse_qsl(request.body.decode(), keep_blank_values=True)))
        return Answer(200, copy.deepcopy(record))

    def _update(self, record: Record, form: Mapping[str, str]) -> None:
        for given, text in form.items():
            name = _snake(given)
            if name in self.keeps:
                continue
            value: object = text
            if name == "voice_caller_id_lookup":
                value = text == "true"
            elif name.endswith("_sid"):
                value = text or None
            elif name.endswith("_url") and self.drops_fragments:
                value = text.partition("#")[0]
            record[name] = value

    def _page(self, request: MockRequest, key: str, records: Sequence[Record]) -> Answer:
        asked = dict(request.args or {})
        chosen = list(records)
        if self.filters:
            # The filter of numbers finds parts of them too; those of messages and calls do not.
            chosen = [
                record
                for record in chosen
                if asked.get("To") in {None, record.get("to")}
                and asked.get("From") in {None, record.get("from")}
                and asked.get("PhoneNumber", "") in record.get("phone_number", "")
            ]
        size = min(int(asked.get("PageSize", 50)), self.page_size)
        sids = [record["sid"] for record in chosen]
        # A page begins behind the last record of the one before, so that deleting skips nothing.
        after = asked.get("PageToken", "").removeprefix("PA")
        start = sids.index(after) + 1 if after in sids else 0
        page = chosen[start : start + size]
        following = None
        if start + size < len(chosen):
            number = int(asked.get("Page", 0)) + 1
            query = {**asked, "Page": number, "PageToken": "PA" + page[-1]["sid"]}
            following = f"{request.path}?{urlencode(query, quote_via=quote)}"
        body = {
            key: copy.deepcopy(page),
            "page": int(asked.get("Page", 0)),
            "page_size": size,
            "start": start,
            "end": max(start + len(page) - 1, 0),
            "uri": request.path,
            "first_page_uri": f"{request.path}?PageSize={size}&Page=0",
            "next_page_uri": following,
            "previous_page_uri": None,
        }
        return Answer(200, body)


def _date(when: datetime | None) -> str | None:
    return format_datetime(when.astimezone(UTC)) if when else None


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)[1:]


def _matches(pattern: str, path: str) -> bool:
    ours, theirs = pattern.split("/"), path.split("/")
    return len(ours) == len(theirs) and all(
        part == given
        or (part.startswith("{") and part.endswith(".json") == given.endswith(".json"))
        for part, given in zip(ours, theirs, strict=True)
    )


def _handler_for(api: CarrierApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            answer = api.answer(self.command, self.path, dict(self.headers.items()), body)
            if isinstance(answer, Closed):
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b'{"messages": [')
                self.close_connection = True
                return
            sent = answer.body
            if not isinstance(sent, bytes):
                sent = b"" if sent is None else json.dumps(sent).encode()
            headers = {"Content-Type": "application/json", **answer.headers}
            self.send_response(answer.status)
            for name, text in headers.items():
                self.send_header(name, text)
            if answer.status != 204:
                self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            with suppress(ConnectionError):  # whoever asked may have lost patience
                self.wfile.write(sent)

        do_GET = do_POST = do_DELETE = _do  # noqa: N815 - the server looks for these names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
            """Keep quiet: what the tests print is looked at."""

    return Handler
