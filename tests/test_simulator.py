"""The browser phone: the same webhooks as the carrier, in a real Chromium."""

import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Page, Request, expect, sync_playwright

from conftest import THREE, Server, free_port
from referral_line.conversation.position import Position
from referral_line.replies.line import Line

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """``referral-line demo`` as a newcomer starts it."""
    port = free_port()
    command = (sys.executable, "-m", "referral_line", "demo", "--port", str(port), "--no-browser")
    environ = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    environ |= THREE
    server = Server(*command, port=port, environ=environ, folder=tmp_path_factory.mktemp("demo"))
    yield server
    server.stop()


@pytest.fixture
def client(demo: Server) -> Iterator[httpx2.Client]:
    """A client of the demo."""
    with httpx2.Client(base_url=f"http://127.0.0.1:{demo.port}", timeout=10) as client:
        yield client


def test_demo_prints_its_address(demo: Server) -> None:
    """Outsiders read the address from the first line."""
    first = demo.output.read_text().splitlines()[0]
    assert f"http://127.0.0.1:{demo.port}/simulator" in first


def test_message_goes_through_the_real_webhook(client: httpx2.Client, line: Line) -> None:
    """What the simulator shows is byte for byte what a phone gets."""
    answer = client.post("/simulator/sms", json={"body": "hello"}).json()
    home = line.table.message(Position("en", "home"))
    assert answer["twiml"].encode() == home.twiml
    assert (answer["status"], answer["segments"], answer["encoding"]) == (200, 2, "GSM-7")
    assert re.fullmatch(r"session=[\w-]{22,}", answer["cookie"])
    assert answer["max_age"] == 1800
    later = client.post("/simulator/sms", json={"body": "1", "cookie": answer["cookie"]}).json()
    assert "18 or over" in later["twiml"]
    last = client.post("/simulator/sms", json={"body": "stop", "cookie": answer["cookie"]}).json()
    assert last["max_age"] == 0


def test_picture_and_language_path(client: httpx2.Client) -> None:
    """A picture is told of, never sent; a number of one language can be texted."""
    picture = client.post("/simulator/sms", json={"pictures": 1}).json()
    assert "We did not open yours" in picture["twiml"]
    polish = client.post("/simulator/sms", json={"body": "x", "path": "sms/pl"}).json()
    assert "Nie płać" in polish["twiml"]


def test_call_goes_through_the_real_webhook(client: httpx2.Client, line: Line) -> None:
    """A call follows the paths of the replies."""
    first = client.post("/simulator/voice", json={"path": "/voice", "digits": None}).json()
    assert first["twiml"].encode() == line.table.call(Position("en", "languages")).twiml
    path = re.findall(r'action="([^"]+)"', first["twiml"])[0]
    home = client.post("/simulator/voice", json={"path": path, "digits": "3"}).json()
    assert home["twiml"].encode() == line.table.call(Position("pl", "home")).twiml


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("sms", {"body": 1}),
        ("sms", {"body": "x", "path": "../admin"}),
        ("sms", {"body": "x", "cookie": "session=a\r\nx: y"}),
        ("sms", {"body": "x" * 1601}),
        ("sms", {"unknown": "x"}),
        ("voice", {"path": "/healthz"}),
        ("voice", {"path": "http://127.0.0.1/voice"}),
        ("voice", {"path": "/voice", "digits": "123"}),
        ("voice", {"path": 5}),
    ],
)
def test_strange_requests_are_refused(client: httpx2.Client, path: str, body: object) -> None:
    """The simulator takes what its own page sends, nothing else."""
    assert client.post(f"/simulator/{path}", json=body).status_code == 400
    assert client.post(f"/simulator/{path}", content=b"\xff").status_code == 400


def test_page_may_load_nothing_from_elsewhere(client: httpx2.Client) -> None:
    """A content security policy holds page and files to this server."""
    for path in ("/simulator", "/simulator/static/simulator.js"):
        policy = client.get(path).headers["content-security-policy"]
        assert policy.startswith("default-src 'self'")


def test_real_webhooks_do_not_know_the_simulators_token(client: httpx2.Client) -> None:
    """Beside the simulator the webhooks still want the carrier's signature."""
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert client.post("/sms", content="Body=hello", headers=form).status_code == 403


# --- in a browser -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def make_page(chromium: str, demo: Server) -> Iterator[Callable[..., Page]]:
    """Open the simulator in Chromium, at some size; every request it makes is kept."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)

        def make(width: int = 1200, height: int = 800, scheme: str = "light") -> Page:
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme="dark" if scheme == "dark" else "light",
            )
            page = context.new_page()
            page.goto(f"http://127.0.0.1:{demo.port}/simulator")
            expect(page.locator("#language option")).not_to_have_count(1)
            return page

        yield make
        browser.close()


def send(page: Page, text: str) -> None:
    """Type a message, send it, and wait for the answer."""
    answers = page.locator("#thread .bubble.in").count()
    page.fill("#sms-body", text)
    page.click("#sms-send")
    expect(page.locator("#thread .bubble.in")).to_have_count(answers + 1)


def test_text_conversation_in_the_browser(make_page: Callable[..., Page]) -> None:
    """A newcomer texts the line, in English and in Polish, and finishes."""
    page = make_page()
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))  # noqa: PLW0108 - a method has no room for playwright's mark
    send(page, "hello")
    expect(page.locator("#thread .bubble.in").last).to_contain_text("In danger now? Call 999.")
    expect(page.locator("#thread")).to_contain_text("2 segments")
    send(page, "polski")
    expect(page.locator("#thread .bubble.in").last).to_contain_text("999")
    send(page, "1")
    expect(page.locator("#thread .bubble.in").last).to_contain_text("101")
    page.click("#sms-picture")
    expect(page.locator("#thread .bubble.in")).to_have_count(4)
    assert {request.url.split("/")[2] for request in asked} == {page.url.split("/")[2]}
    page.click("#sms-new")
    expect(page.locator("#thread .bubble")).to_have_count(0)


def test_call_in_the_browser(make_page: Callable[..., Page]) -> None:
    """A newcomer calls, presses keys with the mouse and the keyboard, and is heard at once."""
    page = make_page()
    page.click("#call-button")
    expect(page.locator("#call-state")).to_have_text("In a call")
    expect(page.locator("#transcript .said").first).to_contain_text("nine nine nine")
    page.click("#keypad button[data-key='3']")
    expect(page.locator("#transcript .said[lang^='pl']").first).to_be_visible()
    page.keyboard.press("4")
    expect(page.locator("#transcript")).to_contain_text("jeden jeden sześć, jeden dwa trzy")
    page.click("#call-button")
    expect(page.locator("#call-state")).to_have_text("Call ended")


def test_silence_in_the_browser(make_page: Callable[..., Page]) -> None:
    """Waiting is shown and can be skipped; silence at the languages leads to the rules."""
    page = make_page()
    page.click("#call-button")
    page.locator("#skip-wait").click(timeout=30_000)
    expect(page.locator("#transcript")).to_contain_text("Don't panic", timeout=10_000)


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (375, "dark"), (320, "light")])
def test_page_fits_the_screen(
    make_page: Callable[..., Page], width: int, scheme: str, tmp_path: Path
) -> None:
    """Nothing sticks out sideways at any width, in light and dark."""
    page = make_page(width, 720, scheme)
    send(page, "hello")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.screenshot(path=tmp_path / "page.png")


def test_page_logs_no_error(make_page: Callable[..., Page]) -> None:
    """The page loads and works without an error in the console."""
    page = make_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.reload()
    send(page, "hello")
    assert problems == []
