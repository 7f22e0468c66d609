"""A phone and its carrier, as the line sees them: signed form posts, one cookie a pair."""

import secrets
from collections.abc import Iterable, Mapping
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import httpx2
from twilio.request_validator import RequestValidator

ACCOUNT = "AC" + "0a" * 16
TOKEN = "test-token-0123456789"
PUBLIC_URL = "https://line.example.org"
FORM = "application/x-www-form-urlencoded"

Form = Iterable[tuple[str, str]]


def sign(
    path: str,
    form: Form,
    *,
    token: str = TOKEN,
    algorithm: str | None = None,
    public_url: str = PUBLIC_URL,
) -> str:
    """Sign a form post as the carrier does, for the public URL."""
    grouped: dict[str, list[str]] = {}
    for name, value in form:
        grouped.setdefault(name, []).append(value)

    class Grouped(dict[str, list[str]]):
        def getall(self, name: str) -> list[str]:
            return self[name]

    signature: str = RequestValidator(token).compute_signature(
        public_url + path, Grouped(grouped), algorithm
    )
    return signature


class Handset:
    """One phone number texting and calling the line through the carrier."""

    def __init__(
        self, client: httpx2.Client, number: str = "+447700900001", *, public_url: str = PUBLIC_URL
    ) -> None:
        """Borrow an HTTP client; the carrier's cookie for this number is kept here."""
        self._client = client
        self._public_url = public_url
        self.number = number
        self.cookie = ""
        self.action = "/voice"
        self.last: httpx2.Response | None = None

    def post(
        self, path: str, form: Form, *, headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        """Post a signed form."""
        pairs = list(form)
        prefix = httpx2.URL(self._public_url).path.rstrip("/")
        self.last = self._client.post(
            path,
            content=urlencode(pairs),
            headers={
                "content-type": FORM,
                "x-twilio-signature": sign(
                    path.removeprefix(prefix), pairs, public_url=self._public_url
                ),
                **({"cookie": self.cookie} if self.cookie else {}),
                **(headers or {}),
            },
        )
        # The cookie is the carrier's, one for each number; the client would keep one for all.
        self._client.cookies.clear()
        return self.last

    def text(
        self,
        body: str,
        *,
        path: str = "/sms",
        pictures: int = 0,
        delivery: str | None = None,
    ) -> str:
        """Send a message and return the text that comes back."""
        form = [
            ("AccountSid", ACCOUNT),
            ("MessageSid", "SM" + secrets.token_hex(16)),
            ("From", self.number),
            ("To", "+447700900999"),
            ("FromCity", ""),
            ("Body", body),
            ("NumMedia", str(pictures)),
        ]
        token = delivery or secrets.token_hex(16)
        response = self.post(path, form, headers={"i-twilio-idempotency-token": token})
        assert response.status_code == 200, response.text
        header = response.headers["set-cookie"]
        self.cookie = "" if "Max-Age=0" in header else header.split(";")[0]
        return read_message(response.content)

    def call(self, path: str = "/voice") -> ET.Element:
        """Call the line and return the TwiML that answers."""
        return self._turn(path, [])

    def press(self, key: str) -> ET.Element:
        """Press a key, or stay silent with an empty one, and return what comes back."""
        return self._turn(self.action, [("Digits", key)])

    def _turn(self, path: str, keys: list[tuple[str, str]]) -> ET.Element:
        form = [
            ("AccountSid", ACCOUNT),
            ("CallSid", "CA" + "1" * 32),
            ("From", self.number),
            ("To", "+447700900999"),
            ("CallStatus", "in-progress" if keys else "ringing"),
            *keys,
        ]
        response = self.post(path, form)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"].startswith("text/xml")
        twiml = ET.fromstring(response.content)  # noqa: S314 - our own reply
        gather = twiml.find("Gather")
        redirect = twiml.find("Redirect")
        if gather is not None:
            self.action = gather.attrib["action"]
        elif redirect is not None:
            self.action = redirect.text or ""
        return twiml


def read_message(twiml: bytes) -> str:
    """Return the text of the one message in a reply."""
    messages = ET.fromstring(twiml).findall("Message")  # noqa: S314 - our own reply
    assert len(messages) == 1
    return messages[0].text or ""


def spoken(twiml: ET.Element) -> str:
    """Return everything said in a turn of a call, a line each."""
    return "\n".join(say.text or "" for say in twiml.iter("Say"))
