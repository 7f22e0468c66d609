"""Making catalogues and bringing them up to the script: what a translator's work begins with.

Written with polib: Babel 2.18 wraps a message's previous text so that other PO readers refuse the
file. Babel, Poedit, Weblate and the translate toolkit read what is written here.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import polib
from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

from referral_line.content.model import PLACEHOLDER, Message
from referral_line.errors import CatalogueError, Fault
from referral_line.languages.catalogue import catalogue_path
from referral_line.languages.language import known_languages

TEMPLATE_FILE = "messages.pot"
NOT_STARTED = "not translated yet, awaiting native review"

_PROJECT = "referral-line"
_HOLDER = "The referral-line authors"
_BUGS = "the project's issue tracker"
_NO_WRAP = 1_000_000
"""polib wraps at a width; a text stays in its own lines, so that a change shows as one."""
_HEADER = """\
{language} translations for {project}.
Copyright (C) {year} {holder}
This file is distributed under the same license as the {project} project.

Review-Status: {status}
Review-Date: {day}"""


@dataclass(frozen=True, slots=True)
class Changes:
    """What an update did to a catalogue, each a list of contexts."""

    added: tuple[str, ...] = ()
    fuzzy: tuple[str, ...] = ()
    """Their English changed; the old English is kept beside them."""
    removed: tuple[str, ...] = ()
    """Kept at the end of the file, out of use."""

    def __bool__(self) -> bool:
        """Whether there is anything to translate or look at."""
        return bool(self.added or self.fuzzy or self.removed)


def write_template(folder: Path, messages: Iterable[Message]) -> Path:
    """Write ``messages.pot``, the same as ``pybabel extract`` does; return its path."""
    template = Catalog(
        project=_PROJECT,
        copyright_holder=_HOLDER,
        msgid_bugs_address=_BUGS,
        charset="utf-8",
        fuzzy=False,
    )
    for message in messages:
        template.add(message.msgid, context=message.context, auto_comments=message.comments)
    path = folder / TEMPLATE_FILE
    made = BytesIO()
    write_po(made, template, width=0)
    # Without a new message there is nothing to say: a new date alone would be a change to review.
    if not path.exists() or _body(path.read_bytes()) != _body(made.getvalue()):
        path.write_bytes(made.getvalue())
    return path


def _body(template: bytes) -> bytes:
    """What follows the header."""
    return template.partition(b"\n\n")[2]


def new_catalogue(
    folder: Path, tag: str, messages: Iterable[Message], *, now: datetime | None = None
) -> Path:
    """Write an empty catalogue for a language; return its path.

    Raises:
        CatalogueError: languages.toml has no such tag, or there is a catalogue already.
    """
    path = catalogue_path(folder, tag)
    if tag not in known_languages():
        text = (
            f"'{tag}' is not in languages.toml; add its table there first: names, script, voice, "
            "emergency words, a code of two digits that no other language has"
        )
        raise CatalogueError([Fault(str(path), None, tag, text)])
    if path.exists():
        text = "exists already; `referral-line catalogue update` brings it up to the script"
        raise CatalogueError([Fault(str(path), None, tag, text)])
    moment = now or datetime.now(UTC)
    locale = Locale.parse(tag, sep="-")
    name = known_languages()[tag].english_name
    catalogue = polib.POFile(wrapwidth=_NO_WRAP)
    catalogue.header = _HEADER.format(
        language=name,
        project=_PROJECT,
        year=moment.year,
        holder=_HOLDER,
        status=NOT_STARTED,
        day=moment.date(),
    )
    catalogue.metadata = {
        "Project-Id-Version": _PROJECT,
        "Report-Msgid-Bugs-To": _BUGS,
        "PO-Revision-Date": f"{moment:%Y-%m-%d %H:%M%z}",
        "Last-Translator": "",
        "Language": str(locale),
        "Language-Team": name,
        "Plural-Forms": Catalog(locale=locale).plural_forms,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Transfer-Encoding": "8bit",
    }
    catalogue.extend(_entry(message) for message in messages)
    path.parent.mkdir(parents=True, exist_ok=True)
    catalogue.save(str(path))
    return path


def update_catalogue(path: Path, messages: Iterable[Message]) -> Changes:
    """Bring a catalogue up to the script, losing nothing.

    A message is known by its context. Where its English changed, the translation stays, is marked
    fuzzy, and the old English is kept beside it. What the script no longer has goes to the end of
    the file, out of use, and comes back with its translation should the script have it again.

    Raises:
        CatalogueError: the file can't be read.
    """
    try:
        old = polib.pofile(str(path), wrapwidth=_NO_WRAP)
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogueError([Fault(str(path), None, path.name, str(error))]) from error
    known = {entry.msgctxt: entry for entry in sorted(old, key=lambda entry: not entry.obsolete)}
    added, fuzzy = [], []
    entries = []
    for message in messages:
        entry = _entry(message)
        before = known.pop(message.context, None)
        if before is None:
            added.append(message.context)
        else:
            _carry_over(before, entry)
            if entry.previous_msgid and entry.previous_msgid != before.previous_msgid:
                fuzzy.append(message.context)
        entries.append(entry)
    removed = tuple(context for context, entry in known.items() if not entry.obsolete)
    for entry in known.values():
        entry.obsolete = True
        entries.append(entry)
    old[:] = entries
    old.save(str(path))
    return Changes(tuple(added), tuple(fuzzy), removed)


def _entry(message: Message) -> polib.POEntry:
    return polib.POEntry(
        msgctxt=message.context,
        msgid=message.msgid,
        comment="\n".join(message.comments),
        flags=["python-brace-format"] if re.search(PLACEHOLDER, message.msgid) else [],
    )


def _carry_over(before: polib.POEntry, entry: polib.POEntry) -> None:
    """Keep a translation, a translator's note and what is fuzzy about them."""
    entry.msgstr = before.msgstr
    entry.tcomment = before.tcomment
    if before.msgid == entry.msgid:
        entry.previous_msgctxt, entry.previous_msgid = (
            before.previous_msgctxt,
            before.previous_msgid,
        )
        is_fuzzy = before.fuzzy
    else:
        entry.previous_msgid = before.previous_msgid or before.msgid
        is_fuzzy = bool(before.msgstr)
    if is_fuzzy:
        entry.flags.insert(0, "fuzzy")
