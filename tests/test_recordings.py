"""Recorded speech: what to record, what is wrong with a recording, and when it is played."""

import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx2
import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect, sync_playwright

from conftest import TODAY, Server, free_port
from referral_line.conversation.position import Position
from referral_line.errors import Severity
from referral_line.languages.listening import check_recordings, listen
from referral_line.languages.recordings import Recording, digest, find_recordings, recording_name
from referral_line.replies.line import Line, compile_line, list_texts_to_record
from referral_line.settings import load_settings

RATE = 8000
TEXT = "You are not alone, and this is not your fault."


def speech(
    seconds: float, level: float = 0.2, rate: int = RATE
) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """A sound that rises and falls like speech, without a longer silence."""
    time = np.arange(int(seconds * rate)) / rate
    return np.sin(2 * np.pi * 180 * time) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * time)) * level


def quiet(seconds: float) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Silence."""
    return np.zeros(int(seconds * RATE))


SOUNDS: dict[str, tuple[Callable[[], object], int, str]] = {
    "too-short": (lambda: speech(0.5), RATE, "lasts 0.5 seconds"),
    "too-long": (lambda: speech(60), RATE, "it is another text, or cut off"),
    "silent": (lambda: quiet(4), RATE, "is silent"),
    "faint": (lambda: speech(4, 0.008), RATE, "dB; speak so that it is"),
    "loud": (lambda: np.sign(speech(4)) * 0.9, RATE, "dB; speak so that it is"),
    "cut-off": (lambda: np.clip(speech(4) * 20, -1, 1), RATE, "cut off at its loudest"),
    "gap": (
        lambda: np.concatenate([speech(2), quiet(4), speech(2)]),
        RATE,
        "4.0 seconds of silence",
    ),
    "low-rate": (lambda: speech(4, rate=4000), 4000, "4000 samples a second"),
}


@pytest.mark.parametrize(("sound", "rate", "text"), SOUNDS.values(), ids=SOUNDS.keys())
def test_bad_recording_is_told(
    tmp_path: Path, sound: Callable[[], object], rate: int, text: str
) -> None:
    """Each fault says what is wrong, in figures."""
    path = tmp_path / "x.wav"
    soundfile.write(path, sound(), rate)
    assert any(text in told for told in listen(path, TEXT)), list(listen(path, TEXT))


@pytest.mark.parametrize("ending", ["wav", "mp3"])
def test_good_recording_is_left_alone(tmp_path: Path, ending: str) -> None:
    """A clear recording of about the right length is good, in either format."""
    path = tmp_path / f"x.{ending}"
    soundfile.write(path, speech(4), RATE)
    assert list(listen(path, TEXT)) == []


def test_other_format_is_told(tmp_path: Path) -> None:
    """What the carrier can't play is told, though we can read it."""
    path = tmp_path / "x.flac"
    soundfile.write(path, speech(4), RATE)
    assert list(listen(path, TEXT)) == ["is FLAC; the carrier plays WAV and MP3"]


def test_no_sound_is_told(tmp_path: Path) -> None:
    """A file that holds no sound is a fault, not a traceback."""
    path = tmp_path / "x.wav"
    path.write_bytes(b"no sound")
    (told,) = listen(path, TEXT)
    assert told.startswith("can't be played")


def test_recording_belongs_to_its_words(tmp_path: Path) -> None:
    """A recording of other words, or of a number that has changed, is never found."""
    name = recording_name("paid", TEXT)
    soundfile.write(tmp_path / f"{name}.wav", speech(4), RATE)
    (tmp_path / "notes.txt").write_text("not a recording")
    found = find_recordings(tmp_path)
    assert found == {digest(TEXT): f"{name}.wav"}
    assert digest("You  are not alone,\nand this is not your fault.") in found
    assert digest(TEXT.replace("not", "never")) not in found
    assert find_recordings(tmp_path / "nowhere") == {}


def test_missing_and_left_over_recordings_are_told(tmp_path: Path) -> None:
    """What is missing is an error with its words; what no text needs any more is a warning."""
    soundfile.write(tmp_path / f"{recording_name('paid', 'Old words.')}.wav", speech(2), RATE)
    missing, left_over = check_recordings(tmp_path, [Recording(recording_name("paid", TEXT), TEXT)])
    assert missing.text.endswith(TEXT)
    assert missing.severity is Severity.ERROR
    assert left_over.severity is Severity.WARNING


# --- a language that is heard only by recordings -----------------------------------------------


def record(folder: Path, texts: list[Recording]) -> None:
    """Record every text, as long as it takes."""
    folder.mkdir(parents=True, exist_ok=True)
    for recording in texts:
        soundfile.write(
            folder / f"{recording.name}.wav", speech(len(recording.text) / 12 + 0.5), RATE
        )


@pytest.fixture(scope="module")
def audio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every Urdu recording; Urdu has no voice at the carrier."""
    folder = tmp_path_factory.mktemp("audio")
    record(
        folder / "ur",
        list_texts_to_record(load_settings({"REFERRAL_LINE_LANGUAGES": "en,ur,pl"}), "ur"),
    )
    return folder


def compiled(audio: Path) -> Line:
    """The line in English, Urdu and Polish with a folder of recordings."""
    environ = {"REFERRAL_LINE_LANGUAGES": "en,ur,pl", "REFERRAL_LINE_AUDIO": str(audio)}
    return compile_line(load_settings(environ), today=TODAY)


def test_whole_recordings_bring_a_language_into_calls(audio: Path) -> None:
    """Urdu gets its key in the spoken menu, and every word of it is played."""
    line = compiled(audio)
    assert line.is_spoken("ur")
    menu = line.table.call(line.conversation.offer_languages())
    assert [say.tag for say in menu.spoken if say.recording] == ["ur"]
    twiml = ET.fromstring(line.table.call(Position("ur", "danger")).twiml)  # noqa: S314 - our own
    played = [play.text or "" for play in twiml.iter("Play")]
    assert played
    assert all(path.startswith("/audio/ur/danger-") for path in played[:2])
    # The English words for an operator are spoken by the English voice, whoever says the rest.
    assert {say.text for say in twiml.iter("Say")} == {"Police. Help, Urdu."}


def test_recordings_are_all_good(audio: Path) -> None:
    """What was recorded from the sheet passes the check."""
    settings = load_settings(
        {"REFERRAL_LINE_LANGUAGES": "en,ur,pl", "REFERRAL_LINE_AUDIO": str(audio)}
    )
    assert check_recordings(audio / "ur", list_texts_to_record(settings, "ur")) == []


def test_one_missing_recording_keeps_a_language_out_of_calls(audio: Path, tmp_path: Path) -> None:
    """Half a language is none: it is not offered in calls, says so, and answers texts."""
    copy = tmp_path / "audio" / "ur"
    copy.mkdir(parents=True)
    for path in sorted((audio / "ur").iterdir())[1:]:
        (copy / path.name).write_bytes(path.read_bytes())
    line = compiled(tmp_path / "audio")
    assert not line.is_spoken("ur")
    assert any("not every text is recorded" in fault.text for fault in line.warnings)
    menu = line.table.call(line.conversation.offer_languages())
    assert "ur" not in {say.tag for say in menu.spoken}
    assert line.table.message(Position("ur", "home")).text


# --- served, and played in the browser phone ----------------------------------------------------


@pytest.fixture(scope="module")
def demo(audio: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """A client of ``referral-line demo`` with the Urdu recordings."""
    port = free_port()
    environ = {
        **os.environ,
        "REFERRAL_LINE_LANGUAGES": "en,ur,pl",
        "REFERRAL_LINE_AUDIO": str(audio),
    }
    command = (sys.executable, "-m", "referral_line", "demo", "--port", str(port), "--no-browser")
    server = Server(*command, port=port, environ=environ, folder=tmp_path_factory.mktemp("demo"))
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
        yield client
    server.stop()


def play(client: httpx2.Client) -> list[str]:
    """The paths of the recordings that an Urdu caller hears first."""
    answer = client.post("/simulator/voice", json={"path": "/voice/ur/home", "digits": None}).json()
    paths = re.findall(r"<Play>([^<]+)</Play>", answer["twiml"])
    assert [caption["path"] for caption in answer["captions"]] == paths
    assert all(caption["tag"] == "ur" for caption in answer["captions"])
    return paths


def test_recordings_are_served_to_be_kept(demo: httpx2.Client, audio: Path) -> None:
    """Byte for byte, with a type the carrier plays, a mark for asking again, and a time to keep."""
    path = play(demo)[0]
    answer = demo.get(path)
    assert answer.content == (audio / "ur" / Path(path).name).read_bytes()
    assert answer.headers["content-type"] in {"audio/x-wav", "audio/wav"}
    assert answer.headers["cache-control"] == "public, max-age=86400"
    assert answer.headers["etag"]
    assert demo.head(path).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/audio/ur/none.wav", "/audio/pl/x.wav", "/audio/ur/..%2f..%2fpyproject.toml", "/audio/ur/"],
)
def test_nothing_else_is_served(demo: httpx2.Client, path: str) -> None:
    """Only what calls play can be fetched."""
    assert demo.get(path).status_code == 404


def test_recordings_are_played_in_a_real_browser(demo: httpx2.Client, chromium: str) -> None:
    """The browser phone fetches the recordings, and shows their words."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"],
        )
        page = browser.new_page()
        fetched: list[str] = []
        page.on("response", lambda response: fetched.append(response.url))
        page.goto(f"{demo.base_url}/simulator")
        page.select_option("#language", "ur")
        page.check("#sound")
        page.click("#call-button")
        expect(page.locator("#transcript .said[lang='ur']").first).to_be_visible(timeout=15_000)
        expect(page.locator("#transcript .said[lang='ur']")).to_have_count(2, timeout=30_000)
        browser.close()
    assert any("/audio/ur/" in url for url in fetched)
