"""Languages: facts, names, catalogues that can't break the line, and translators' tools."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polib
import pytest

from conftest import ROOT, TODAY
from referral_line.content.loader import load_script
from referral_line.content.model import Message
from referral_line.errors import CatalogueError
from referral_line.languages.catalogue import (
    Catalogue,
    SourceTexts,
    default_folder,
    find_tags,
    load_catalogue,
)
from referral_line.languages.language import known_languages
from referral_line.languages.names import language_names
from referral_line.languages.numbers import is_number, read_aloud
from referral_line.replies.line import compile_line
from referral_line.settings import load_settings

LOCALES = ROOT / "locales"


@pytest.fixture
def locales(tmp_path: Path) -> Path:
    """A copy of two catalogues to break."""
    for tag in ("cy", "pl"):
        shutil.copytree(LOCALES / tag, tmp_path / "locales" / tag)
    return tmp_path / "locales"


def edit_catalogue(locales: Path, context: str, edit: Callable[[polib.POEntry], None]) -> int:
    """Change one message of the Polish catalogue; return the line it is on."""
    path = locales / "pl" / "LC_MESSAGES" / "messages.po"
    catalogue = polib.pofile(str(path), wrapwidth=0)
    entry = next(entry for entry in catalogue if entry.msgctxt == context)
    edit(entry)
    catalogue.save()
    lines = path.read_text(encoding="utf-8").splitlines()
    return lines.index(f'msgctxt "{context}"') + 1


def faults_of(locales: Path) -> list[str]:
    """The faults of the Polish catalogue."""
    try:
        load_catalogue(locales, "pl", load_script().messages())
    except CatalogueError as error:
        return [str(fault) for fault in error.faults]
    return []


def setting(text: str) -> Callable[[polib.POEntry], None]:
    """An edit that sets a translation."""

    def edit(entry: polib.POEntry) -> None:
        entry.msgstr = text

    return edit


def replacing(old: str, new: str) -> Callable[[polib.POEntry], None]:
    """An edit that replaces words that are there."""

    def edit(entry: polib.POEntry) -> None:
        assert old in entry.msgstr
        entry.msgstr = entry.msgstr.replace(old, new, 1)

    return edit


@pytest.mark.parametrize("tag", ["cy", "pl"])
def test_shipped_catalogues_are_complete_and_marked_as_drafts(tag: str) -> None:
    """Welsh and Polish have every message, and say that a native reviewer has still to see them."""
    catalogue = load_catalogue(LOCALES, tag, load_script().messages())
    assert isinstance(catalogue, Catalogue)
    assert catalogue.is_draft
    assert "machine draft" in catalogue.status


BROKEN: dict[str, tuple[str, Callable[[polib.POEntry], None], str]] = {
    "empty": ("home/sms", setting(""), "not translated yet"),
    "fuzzy": ("home/sms", lambda entry: entry.flags.append("fuzzy"), "fuzzy: the English changed"),
    "lost-number": (
        "paid/sms",
        replacing("{police-101}", "101"),
        "lost the placeholder {police-101}",
    ),
    "other-number": (
        "paid/sms",
        replacing("{police-101}", "{police-999}"),
        "has the extra placeholder {police-999}",
    ),
    "broken-brace": ("paid/sms", replacing("{police-101}", "{police-101"), "has a brace"),
    "control": ("home/sms", replacing(".", ".\x1b"), "U+001B, which breaks a reply"),
    "nine-digits": (
        "phrase/digits/voice",
        setting("zero, jeden, dwa, trzy, cztery, pięć, sześć, siedem, osiem"),
        "9 words; ten are needed",
    ),
    "paragraphs": ("home/voice", replacing("\n\n", " "), "another number of paragraphs"),
    "typed-number": (
        "paid/sms",
        replacing(".", ". 0800 555 112"),
        "has the number '0800', which the English has not",
    ),
    "typed-link": (
        "paid/sms",
        replacing(".", ". https://evil.example"),
        "has the link 'https://evil.example'",
    ),
    "carrier-capitals": (
        "paid/sms",
        replacing(".", ". STOP"),
        "'STOP' reads as STOP",
    ),
    "carrier-word": ("finish/words", setting("STOP, koniec"), "'STOP' belongs to the carrier"),
    "service-in-words": (
        "finish/words",
        setting("{samaritans}"),
        "has the extra placeholder {samaritans}",
    ),
}


@pytest.mark.parametrize(("context", "edit", "text"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_message_is_refused(
    locales: Path, context: str, edit: Callable[[polib.POEntry], None], text: str
) -> None:
    """Each mistake is told with file, line and message, so a translator can go there."""
    line = edit_catalogue(locales, context, edit)
    (found, *_) = [fault for fault in faults_of(locales) if text in fault]
    assert found.startswith(str(locales / "pl" / "LC_MESSAGES" / "messages.po"))
    assert context in found
    reported = int(found.removeprefix(str(locales)).split(":")[1])
    assert 0 <= reported - line <= 1


def test_missing_message_is_refused(locales: Path) -> None:
    """A message that the catalogue does not have is a fault, never English by accident."""
    path = locales / "pl" / "LC_MESSAGES" / "messages.po"
    catalogue = polib.pofile(str(path), wrapwidth=0)
    catalogue.remove(next(entry for entry in catalogue if entry.msgctxt == "paid/sms"))
    catalogue.save()
    (fault,) = faults_of(locales)
    assert "paid/sms: missing message" in fault


def test_catalogue_without_review_status_is_refused(locales: Path) -> None:
    """Callers and reviewers must know who stands behind the words."""
    path = locales / "pl" / "LC_MESSAGES" / "messages.po"
    path.write_text(path.read_text("utf-8").replace("Review-Status", "Status"), "utf-8")
    (fault,) = faults_of(locales)
    assert "no Review-Status" in fault


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b'msgid "a"\nnonsense\n', "error: pl: "),
        (b"\xff\xfe", "UTF-8"),
    ],
    ids=["syntax", "encoding"],
)
def test_unreadable_catalogue_is_told(locales: Path, content: bytes, text: str) -> None:
    """A file that is no catalogue is a fault, not a traceback."""
    (locales / "pl" / "LC_MESSAGES" / "messages.po").write_bytes(content)
    (fault, *_) = faults_of(locales)
    assert text in fault


def test_folder_of_no_language_is_told(locales: Path) -> None:
    """A folder whose name is no language tag says so; one that CLDR lacks likewise."""
    shutil.copytree(locales / "pl", locales / "polish")
    shutil.copytree(locales / "pl", locales / "tlh")
    assert find_tags(locales)[:3] == ["en", "cy", "pl"]
    for tag in ("polish", "tlh", "ro"):
        with pytest.raises(CatalogueError):
            load_catalogue(locales, tag, load_script().messages())


def test_bad_catalogue_takes_only_itself_out(locales: Path) -> None:
    """With a fault in Polish, English and Welsh are served, and the fault is told."""
    edit_catalogue(locales, "paid/sms", replacing("{police-101}", "101"))
    line = compile_line(load_settings({"REFERRAL_LINE_LOCALES": str(locales)}), today=TODAY)
    assert line.languages == ("en", "cy")
    assert "lost the placeholder" in line.left_out["pl"][0].text
    assert all(option.language != "pl" for option in line.script.nodes["languages"].options)


def test_bad_default_language_stops_everything(locales: Path) -> None:
    """Without the language of first messages there is no line to serve."""
    edit_catalogue(locales, "paid/sms", replacing("{police-101}", "101"))
    environ = {"REFERRAL_LINE_LOCALES": str(locales), "REFERRAL_LINE_DEFAULT_LANGUAGE": "pl"}
    with pytest.raises(CatalogueError, match="lost the placeholder"):
        compile_line(load_settings(environ), today=TODAY)


def test_message_that_names_the_subject_on_a_locked_screen_takes_its_language_out(
    locales: Path,
) -> None:
    """What others could read on a locked screen is held back in every language."""
    edit_catalogue(locales, "paid/sms", lambda entry: setting("Szantaż. " + entry.msgstr)(entry))
    line = compile_line(load_settings({"REFERRAL_LINE_LOCALES": str(locales)}), today=TODAY)
    (fault, *_) = line.left_out["pl"]
    assert "locked screen" in fault.text


def test_drafts_can_be_held_back(locales: Path) -> None:
    """With REVIEWED_ONLY, a catalogue is served once a reviewer has signed its header."""
    path = locales / "cy" / "LC_MESSAGES" / "messages.po"
    signed = "Review-Status: reviewed by A. Native"
    path.write_text(re.sub("Review-Status: .*", signed, path.read_text("utf-8")), "utf-8")
    environ = {"REFERRAL_LINE_LOCALES": str(locales), "REFERRAL_LINE_REVIEWED_ONLY": "1"}
    line = compile_line(load_settings(environ), today=TODAY)
    assert line.languages == ("en", "cy")
    assert line.drafts == ()
    assert "is a draft" in line.left_out["pl"][0].text


def test_missing_text_is_an_error_at_look_up() -> None:
    """Looking up a message that is not there raises, so a gap is found at start."""
    catalogue = load_catalogue(LOCALES, "pl", load_script().messages())
    with pytest.raises(CatalogueError, match="has no translation"):
        catalogue.text(Message("home/new", "New", 1))
    assert SourceTexts().text(Message("home/new", "New", 1)) == "New"


def test_default_folder_is_the_checkout_here() -> None:
    """In a checkout the catalogues at its top are used, so an edit shows at once."""
    assert default_folder() == LOCALES


# --- names, voices, numbers ---------------------------------------------------------------------


def test_every_language_has_what_callers_need() -> None:
    """Each known language has its names and the English words for an interpreter."""
    languages = known_languages()
    assert {"en", "cy", "pl", "ur", "zh-Hans"} <= languages.keys()
    for language in languages.values():
        assert language.endonym
        assert language.emergency_words.startswith("Police. Help")
        assert language.direction in {"ltr", "rtl"}
    assert languages["ur"].voice is None
    assert languages["zh-Hans"].shown_name == "普通话 / 简体中文"


def test_languages_are_known_by_many_names() -> None:
    """Tag, own name, English name, and the name in every other served language."""
    names = language_names(["en", "cy", "pl"])
    for name in ("cy", "Cymraeg", "Welsh", "walijski"):
        assert names[name] == "cy"
    for name in ("pl", "polski", "Polish", "Pwyleg"):
        assert names[name] == "pl"
    assert language_names(["zh-Hant"])["廣東話"] == "zh-Hant"


def test_hi_is_a_greeting_first() -> None:
    """Hindi is served by its names; 'hi' alone says hello."""
    names = language_names(["en", "hi"])
    assert "hi" not in names
    assert names["Hindi"] == names["हिन्दी"] == "hi"


def test_languages_that_cldr_lacks_still_have_their_own_names() -> None:
    """A tag that CLDR does not know brings no error, only fewer names."""
    assert language_names(["en", "ckb"])["Kurdish"] == "ckb"


@pytest.mark.parametrize(
    ("value", "expected"),
    [("999", True), ("0800 555 111", True), ("", False), ("SHOUT", False), ("1 ", False)],
)
def test_numbers_are_told_from_words(value: str, expected: bool) -> None:
    """Only digits in groups are read out digit by digit."""
    assert is_number(value) is expected


def test_numbers_are_read_in_their_groups() -> None:
    """A comma, which voices pause at, stands between the groups that people know."""
    digits = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    assert read_aloud("116 123", digits) == "one one six, one two three"


# --- translators' tools -------------------------------------------------------------------------


def run_pybabel(*arguments: str) -> None:
    """Run ``pybabel`` as a translator would."""
    subprocess.run(
        [sys.executable, "-m", "babel.messages.frontend", *arguments],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )


def test_pybabel_extracts_updates_and_compiles(tmp_path: Path, locales: Path) -> None:
    """The standard tool works unaided: extract from the script, update, compile."""
    template = tmp_path / "messages.pot"
    run_pybabel("extract", "-F", "babel.cfg", "--no-location", "-o", str(template), "src")
    extracted = {(entry.msgctxt, entry.msgid) for entry in polib.pofile(str(template))}
    assert extracted == {(m.context, m.msgid) for m in load_script().messages()}
    run_pybabel("update", "-i", str(template), "-d", str(locales), "--no-wrap")
    assert faults_of(locales) == []
    run_pybabel("compile", "-d", str(locales), "--statistics")
    assert (locales / "pl" / "LC_MESSAGES" / "messages.mo").stat().st_size > 10_000


def test_template_is_up_to_date() -> None:
    """The template has every message with its comments for translators."""
    template = {entry.msgctxt: entry for entry in polib.pofile(str(LOCALES / "messages.pot"))}
    for message in load_script().messages():
        assert template[message.context].msgid == message.msgid
        assert template[message.context].comment.split() == "\n".join(message.comments).split()


@pytest.mark.parametrize("tag", ["cy", "pl"])
def test_glossary_fixes_the_words(tag: str) -> None:
    """Each language has its glossary, marked as what it is."""
    glossary = (LOCALES / tag / "GLOSSARY.md").read_text(encoding="utf-8")
    assert "awaiting native review." in glossary
    for word in ("police", "blackmail", "evidence", "anonymous"):
        assert word in glossary.casefold()
