"""The translator's commands, tried as a new operator would."""

import json
import re
import shutil
from pathlib import Path

import polib
import pytest
from click.testing import CliRunner, Result

from conftest import ROOT, THREE
from referral_line.cli.commands import line as commands
from referral_line.languages.language import known_languages


def run(*arguments: str, **environ: str) -> Result:
    """Run a command in this process, with three languages where none are named."""
    return CliRunner().invoke(commands, arguments, env={**THREE, **environ})


@pytest.fixture
def locales(tmp_path: Path) -> Path:
    """A copy of two catalogues to break."""
    for tag in ("cy", "pl"):
        shutil.copytree(ROOT / "locales" / tag, tmp_path / "locales" / tag)
    return tmp_path / "locales"


def break_polish(locales: Path, old: str, new: str) -> Path:
    """Replace words in the Polish translations; return the catalogue's path."""
    path = locales / "pl" / "LC_MESSAGES" / "messages.po"
    catalogue = polib.pofile(str(path), wrapwidth=1_000_000)
    for entry in catalogue:
        entry.msgstr = entry.msgstr.replace(old, new)
    catalogue.save()
    return path


def test_check_is_content_with_what_is_shipped(locales: Path) -> None:
    """No fault, exit code 0, and the languages looked at."""
    result = run("catalogue", "check", "--locales", str(locales))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "2 catalogues: cy, pl; faults: 0, warnings: 0\n"


def test_check_names_file_line_and_place(locales: Path) -> None:
    """What is wrong is told so that an editor can jump to it; exit code 1."""
    path = break_polish(locales, "{crimestoppers}", "0800 555 112")
    result = run("catalogue", "check", "--locales", str(locales))
    assert result.exit_code == 1
    faults = result.stderr.splitlines()
    assert all(re.match(rf"{re.escape(str(path))}:\d+: error: [a-z0-9/-]+: ", f) for f in faults)
    assert any("someone-else/sms: lost the placeholder {crimestoppers}" in f for f in faults)
    assert any("has the number '0800'" in f for f in faults)


def test_check_counts_segments(locales: Path) -> None:
    """A message over its budget is refused with the count, at the line of its text."""
    path = break_polish(locales, "Wróć", "Wróć " * 90)
    result = run("catalogue", "check", "pl", "--locales", str(locales))
    assert result.exit_code == 1
    told = r":\d+: warning: pl/\S+/0: \d+ segments \(\d+ units of UCS-2\); 7 at most"
    assert re.search(re.escape(str(path)) + told, result.stderr)


def test_check_of_one_language_is_silent_on_others(locales: Path) -> None:
    """Whoever keeps Welsh is not held up by a fault in Polish."""
    break_polish(locales, "{crimestoppers}", "0800 555 112")
    result = run("catalogue", "check", "CY", "--locales", str(locales))
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize("tags", [(), ("pl",)], ids=["all", "named"])
def test_check_looks_at_what_is_not_served_too(locales: Path, tags: tuple[str, ...]) -> None:
    """A catalogue that the settings leave out is checked and shown all the same."""
    break_polish(locales, "{crimestoppers}", "0800 555 112")
    english = {"REFERRAL_LINE_LANGUAGES": "en"}
    result = run("catalogue", "check", *tags, "--locales", str(locales), **english)
    assert result.exit_code == 1
    assert "lost the placeholder {crimestoppers}" in result.stderr
    shown = run("catalogue", "preview", "cy", "--locales", str(locales), **english)
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert '<div lang="cy"' in shown.stdout


def test_check_of_a_language_without_catalogue_is_wrong_use() -> None:
    """What there is, is named."""
    result = run("catalogue", "check", "tlh")
    assert result.exit_code == 2
    assert "'tlh' has no catalogue" in result.stderr


def test_update_tells_what_it_did(locales: Path) -> None:
    """A message that a catalogue lacks is added; the rest is up to date."""
    path = locales / "pl" / "LC_MESSAGES" / "messages.po"
    catalogue = polib.pofile(str(path), wrapwidth=1_000_000)
    catalogue.remove(next(entry for entry in catalogue if entry.msgctxt == "paid/sms"))
    catalogue.save()
    result = run("catalogue", "update", "--locales", str(locales))
    assert result.exit_code == 0
    template, welsh, polish = result.stdout.splitlines()
    assert template.startswith(f"{locales}/messages.pot: ")
    assert welsh.endswith("messages.po: up to date")
    assert polish.endswith("pl/LC_MESSAGES/messages.po: 1 new (paid/sms)")


def test_new_language_from_the_first_command_to_the_last(locales: Path) -> None:
    """A new catalogue is made, told to be empty, previewed, and takes nothing else out."""
    result = run("catalogue", "new", "sk", "--locales", str(locales))
    assert result.exit_code == 0
    assert "referral-line catalogue check sk" in result.stdout
    environ = {"REFERRAL_LINE_LANGUAGES": "en,pl,sk"}
    checked = run("catalogue", "check", "sk", "--locales", str(locales), **environ)
    assert checked.exit_code == 1
    assert "not translated yet" in checked.stderr
    shown = run("catalogue", "preview", "sk", "--locales", str(locales), **environ)
    assert shown.exit_code == 0
    assert "[In danger now? Call 999.]" in shown.stdout
    rows = json.loads(run("languages", "--json", "--locales", str(locales), **environ).stdout)
    slovak = next(row for row in rows if row["tag"] == "sk")
    assert (slovak["served"], slovak["complete"], slovak["translated"]) == (False, False, 0)
    again = run("catalogue", "new", "sk", "--locales", str(locales))
    assert again.exit_code == 1
    assert "exists already" in again.stderr


def test_preview_shows_every_reply_as_callers_get_it() -> None:
    """Numbers filled in and read out, segments, English beside, in one page that loads nothing."""
    page = run("catalogue", "preview", "pl").stdout
    assert '<div lang="pl" dir="ltr">' in page
    assert "116 123" in page
    assert "jeden jeden sześć, jeden dwa trzy" in page
    assert "one one six, one two three" in page
    assert re.search(r"\d segments, \d+ units of UCS-2", page)
    assert "Police. Help, Polish." in page
    assert not re.search(r"(src|href)=", page)
    for node in ("home", "distress", "under-18", "finish", "force-page, as in force-"):
        assert f"<h2>{node}" in page


def test_preview_runs_right_to_left() -> None:
    """Urdu and Arabic stand as they are read, with English beside them as it is."""
    page = run("catalogue", "preview", "ur", REFERRAL_LINE_LANGUAGES="en,ur").stdout
    assert '<div lang="ur" dir="rtl">' in page
    assert '<div class="english" lang="en" dir="ltr">' in page


def test_preview_as_text() -> None:
    """In a terminal the same, with the places named."""
    shown = run("catalogue", "preview", "cy", "--text").stdout
    assert "--- home, text message: " in shown
    assert "--- distress, call: " in shown
    assert "[cy] " in shown


def test_preview_tells_faults_and_shows_what_there_is(locales: Path) -> None:
    """A faulty message stands there in English, in brackets, and is told on stderr."""
    break_polish(locales, "{crimestoppers}", "0800 555 112")
    shown = run("catalogue", "preview", "pl", "--locales", str(locales))
    assert shown.exit_code == 0
    assert "lost the placeholder {crimestoppers}" in shown.stderr
    assert "[Worried about a child or a friend? See below.]" in shown.stdout
    assert "0800 555 112" not in re.sub(r"<li>.*?</li>", "", shown.stdout)


def test_preview_of_a_file_that_is_no_catalogue(locales: Path) -> None:
    """There is nothing to show; the fault says why."""
    (locales / "pl" / "LC_MESSAGES" / "messages.po").write_text('msgid "a\n')
    shown = run("catalogue", "preview", "pl", "--locales", str(locales))
    assert shown.exit_code == 1
    assert "messages.po" in shown.stderr


def test_languages_are_listed() -> None:
    """A row each: served, complete, reviewed, voice, letters, segments, speakers; a sum below."""
    result = run("languages")
    lines = result.stdout.splitlines()
    assert re.split(r"\s{2,}", lines[0])[:6] == [
        "tag",
        "code",
        "language",
        "served",
        "complete",
        "reviewed",
    ]
    polish = re.split(r"\s{2,}", next(row for row in lines if row.startswith("pl ")))
    assert polish[:8] == ["pl", "23", "Polish", "yes", "yes", "draft", "Polly.Ola-Neural", "UCS-2"]
    assert polish[-1] == "611,845"
    assert "3 served, of which 2 are drafts; 3 with a voice" in lines[-1]


def test_languages_as_json() -> None:
    """A list of objects that other programs read."""
    rows = json.loads(run("languages", "--json").stdout)
    welsh = next(row for row in rows if row["tag"] == "cy")
    assert welsh["served"] is welsh["complete"] is True
    assert welsh["reviewed"] is False
    assert welsh["voice"] == "Polly.Gwyneth"
    assert "machine draft" in welsh["status"]
    assert welsh["segments"]["opening"] <= 5
    assert {row["tag"]: row["reviewed"] for row in rows}["en"] is True


def test_census_figures_that_may_not_be_quoted_are_not() -> None:
    """A figure from memory stays out of the table."""
    assert known_languages()["sq"].speakers is None
    assert known_languages()["ur"].speakers == 269849


def test_recordings_are_listed_and_checked(tmp_path: Path) -> None:
    """The sheet names each file and its words; the check says what is missing."""
    environ = {"REFERRAL_LINE_LANGUAGES": "en,ur", "REFERRAL_LINE_AUDIO": str(tmp_path)}
    sheet = run("recordings", "list", "ur", **environ)
    assert sheet.exit_code == 0
    head, *texts = sheet.stdout.strip().split("\n\n")
    assert head == f"# {len(texts)} texts to read aloud. Folder: {tmp_path / 'ur'}"
    names = [text.splitlines()[0] for text in texts]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9-]+-[0-9a-f]{10}\.wav", name) for name in names)
    checked = run("recordings", "check", "ur", **environ)
    assert checked.exit_code == 1
    assert checked.stderr.count("is missing; read aloud: ") == len(texts)


@pytest.mark.parametrize("command", ["list", "check"])
def test_recordings_of_a_language_that_is_not_served_are_told(command: str) -> None:
    """What is read aloud depends on the menu; for a language outside it nothing is invented."""
    result = run("recordings", command, "ur", REFERRAL_LINE_LANGUAGES="en,pl")
    assert result.exit_code == 2
    assert "'ur' is not among the languages served" in result.stderr
