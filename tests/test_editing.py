"""Making and updating catalogues: nothing a translator wrote is ever lost."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polib
import pytest
from babel.messages.pofile import read_po

from conftest import ROOT
from referral_line.content.loader import load_script
from referral_line.content.model import Message
from referral_line.errors import CatalogueError
from referral_line.languages.catalogue import catalogue_path, read_catalogue
from referral_line.languages.editing import new_catalogue, update_catalogue, write_template

MESSAGES = list(load_script().messages())


@pytest.fixture
def polish(tmp_path: Path) -> Path:
    """A copy of the Polish catalogue."""
    path = catalogue_path(tmp_path, "pl")
    path.parent.mkdir(parents=True)
    shutil.copy(catalogue_path(ROOT / "locales", "pl"), path)
    return path


def entries(path: Path) -> dict[str, polib.POEntry]:
    """Every message of a catalogue by context, read by polib."""
    return {entry.msgctxt: entry for entry in polib.pofile(str(path))}


def changed(context: str, **values: str) -> list[Message]:
    """The script's messages with one of them changed."""
    return [replace(m, **values) if m.context == context else m for m in MESSAGES]  # type: ignore[arg-type]


def test_shipped_catalogues_are_up_to_date(polish: Path) -> None:
    """An update of what is shipped changes nothing, so that a diff shows only what was meant."""
    before = polish.read_bytes()
    assert not update_catalogue(polish, MESSAGES)
    assert polish.read_bytes() == before


def test_changed_english_turns_fuzzy_and_keeps_both(polish: Path) -> None:
    """The translation stays, marked fuzzy, with the old English beside it for comparison."""
    old = entries(polish)["paid/sms"]
    changes = update_catalogue(polish, changed("paid/sms", text="New English: {police-101}"))
    new = entries(polish)["paid/sms"]
    assert changes.fuzzy == ("paid/sms",)
    assert (new.msgid, new.msgstr) == ("New English: {police-101}", old.msgstr)
    assert new.previous_msgid == old.msgid
    assert new.fuzzy


def test_second_change_keeps_the_english_that_was_translated(polish: Path) -> None:
    """However often the English changes, what stands beside is what the translator saw."""
    seen = entries(polish)["paid/sms"].msgid
    update_catalogue(polish, changed("paid/sms", text="Second"))
    update_catalogue(polish, changed("paid/sms", text="Third"))
    assert entries(polish)["paid/sms"].previous_msgid == seen


def test_babel_reads_what_was_updated(polish: Path) -> None:
    """The other PO reader agrees, fuzzy mark and all; the language is then not served."""
    update_catalogue(polish, changed("paid/sms", text="New English: {police-101}"))
    with polish.open("rb") as file:
        message = read_po(file).get("New English: {police-101}", "paid/sms")
    assert message
    assert message.fuzzy
    catalogue = read_catalogue(
        polish.parents[2], "pl", changed("paid/sms", text="New English: {police-101}")
    )
    assert [fault.text for fault in catalogue.faults] == [
        "fuzzy: the English changed; check the translation, take the mark off"
    ]


def test_another_english_word_makes_nothing_fuzzy(polish: Path) -> None:
    """Each language has words of its own: one more in English concerns no translator."""
    assert not update_catalogue(polish, changed("distress/words", text="one more word"))


def test_new_message_is_added_empty(polish: Path) -> None:
    """A message that the catalogue lacks comes in where the script has it, to be translated."""
    more = [*MESSAGES[:3], Message("home/new/sms", "New", 1, ("A comment.",)), *MESSAGES[3:]]
    assert update_catalogue(polish, more).added == ("home/new/sms",)
    entry = entries(polish)["home/new/sms"]
    assert (entry.msgstr, entry.comment) == ("", "A comment.")


def test_removed_message_is_kept_and_comes_back(polish: Path) -> None:
    """What the script drops goes out of use with its translation, and returns with it."""
    translated = entries(polish)["paid/sms"].msgstr
    without = [message for message in MESSAGES if message.context != "paid/sms"]
    assert update_catalogue(polish, without).removed == ("paid/sms",)
    assert entries(polish)["paid/sms"].obsolete
    assert not update_catalogue(polish, without)
    update_catalogue(polish, MESSAGES)
    entry = entries(polish)["paid/sms"]
    assert (entry.msgstr, entry.obsolete, entry.fuzzy) == (translated, 0, False)


def test_translators_notes_stay(polish: Path) -> None:
    """A note that a translator wrote beside a message survives an update."""
    catalogue = polib.pofile(str(polish), wrapwidth=1_000_000)
    entry = next(entry for entry in catalogue if entry.msgctxt == "standing/back/sms")
    entry.tcomment = "checked by phone"
    catalogue.save()
    update_catalogue(polish, MESSAGES)
    assert entries(polish)["standing/back/sms"].tcomment == "checked by phone"


@pytest.mark.parametrize("tag", ["sk", "zh-Hant", "ga"])
def test_new_catalogue_has_every_message_and_says_that_it_is_not_begun(
    tmp_path: Path, tag: str
) -> None:
    """It opens in both readers, every message waits for its translation."""
    path = new_catalogue(tmp_path, tag, MESSAGES, now=datetime(2026, 11, 24, tzinfo=UTC))
    assert path == tmp_path / tag.replace("-", "_") / "LC_MESSAGES" / "messages.po"
    catalogue = read_catalogue(tmp_path, tag, MESSAGES)
    assert {fault.text for fault in catalogue.faults} == {"not translated yet; write its msgstr"}
    assert len(catalogue.faults) == len(MESSAGES)
    assert catalogue.is_draft
    found = polib.pofile(str(path))
    assert [entry.msgctxt for entry in found] == [message.context for message in MESSAGES]
    assert all(entry.comment for entry in found)
    assert "2026-11-24" in found.header
    assert "nplurals" in found.metadata["Plural-Forms"]


@pytest.mark.parametrize(
    ("tags", "text"),
    [(["pl", "pl"], "exists already"), (["tlh"], "not in languages.toml"), (["../x"], "not in")],
    ids=["twice", "unknown", "path"],
)
def test_new_catalogue_is_refused(tmp_path: Path, tags: Sequence[str], text: str) -> None:
    """Nothing is overwritten, and no language is begun that the line knows nothing of."""
    *before, last = tags
    for tag in before:
        new_catalogue(tmp_path, tag, MESSAGES)
    with pytest.raises(CatalogueError, match=text):
        new_catalogue(tmp_path, last, MESSAGES)


def test_unreadable_catalogue_is_not_touched(polish: Path) -> None:
    """A file that is no catalogue is told and left as it is."""
    polish.write_bytes(b'msgid "a\nnonsense')
    with pytest.raises(CatalogueError, match=r"messages\.po"):
        update_catalogue(polish, MESSAGES)
    assert polish.read_bytes() == b'msgid "a\nnonsense'


def test_template_is_what_pybabel_extracts(tmp_path: Path) -> None:
    """Our own template has the same messages, contexts and comments as the shipped one."""
    write_template(tmp_path, MESSAGES)
    made, shipped = entries(tmp_path / "messages.pot"), entries(ROOT / "locales" / "messages.pot")
    assert {c: (e.msgid, e.comment) for c, e in made.items()} == {
        c: (e.msgid, e.comment) for c, e in shipped.items()
    }
    written = (tmp_path / "messages.pot").read_bytes()
    write_template(tmp_path, MESSAGES)
    assert (tmp_path / "messages.pot").read_bytes() == written
