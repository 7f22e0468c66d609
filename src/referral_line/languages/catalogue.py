"""Catalogues: one language's texts, looked up so that a missing one is an error, never English."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Protocol

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog
from babel.messages.catalog import Message as Entry
from babel.messages.pofile import PoFileError, read_po

from referral_line.content.model import Message
from referral_line.errors import CatalogueError, Fault, Severity
from referral_line.languages.checks import Finding, check_translation
from referral_line.languages.language import SOURCE_LANGUAGE, Language, known_languages

CATALOGUE_FILE = Path("LC_MESSAGES", "messages.po")
PACKAGED = Path(__file__).parents[1] / "locales"
CHECKOUT = Path(__file__).parents[3] / "locales"

_STATUS = re.compile(r"^Review-Status:[^\S\n]*(\S.*)$", re.MULTILINE)
_DATE = re.compile(r"^Review-Date:[^\S\n]*(\d{4}-\d{2}-\d{2})[^\S\n]*$", re.MULTILINE)
_DRAFT = re.compile(r"\b(draft|awaiting)\b", re.IGNORECASE)


def default_folder() -> Path:
    """Where the catalogues are: in an installed package beside it, in a checkout at its top."""
    return PACKAGED if PACKAGED.is_dir() else CHECKOUT


class Texts(Protocol):
    """One language's texts."""

    @property
    def tag(self) -> str:
        """The BCP 47 tag."""
        ...

    def text(self, message: Message) -> str:
        """Return the text of a message in this language."""
        ...


@dataclass(frozen=True, slots=True)
class SourceTexts:
    """English, the language the script is written in."""

    tag: str = SOURCE_LANGUAGE

    def text(self, message: Message) -> str:
        """Return the message as written."""
        return message.text


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A catalogue on its way: English in square brackets stands for what is missing or faulty.

    For a translator's eyes only, never for callers.
    """

    catalogue: "Catalogue"

    @property
    def tag(self) -> str:
        """The BCP 47 tag."""
        return self.catalogue.tag

    def text(self, message: Message) -> str:
        """Return the translation, or the English in brackets."""
        found = self.catalogue.entries.get((message.context, message.msgid))
        return found or "\n".join(
            f"[{line}]" if line.strip() else line for line in message.text.splitlines()
        )


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One language's checked translations, keyed by context and msgid."""

    tag: str
    file: str
    entries: Mapping[tuple[str, str], str]
    status: str
    """The ``Review-Status`` of the header, as written."""
    lines: Mapping[str, int] = field(default_factory=dict)
    """The line of each message by context, for faults found later."""
    faults: tuple[Fault, ...] = ()
    """What should be mended. A catalogue with errors is read, not served."""

    @property
    def is_draft(self) -> bool:
        """Whether a native reviewer has still to sign off."""
        return _DRAFT.search(self.status) is not None

    def text(self, message: Message) -> str:
        """Return the translation of a message.

        Raises:
            CatalogueError: there is none; the caller would otherwise hear English.
        """
        try:
            return self.entries[message.context, message.msgid]
        except KeyError:
            fault = Fault(self.file, None, message.context, "has no translation of this message")
            raise CatalogueError([fault]) from None


def find_tags(folder: Path) -> list[str]:
    """List the tags that a folder has: English, then the others in the order of languages.toml."""
    present = {
        path.parents[1].name.replace("_", "-") for path in folder.glob(f"*/{CATALOGUE_FILE}")
    }
    ordered = [tag for tag in known_languages() if tag in present]
    strange = sorted(present.difference(known_languages()))
    return [SOURCE_LANGUAGE, *(tag for tag in ordered + strange if tag != SOURCE_LANGUAGE)]


def load_catalogue(folder: Path, tag: str, messages: Iterable[Message]) -> Texts:
    """Read and check the catalogue of a language.

    Args:
        folder: Holds ``<locale>/LC_MESSAGES/messages.po`` for each language.
        tag: BCP 47 tag; the folder of ``zh-Hans`` is ``zh_Hans``.
        messages: Every message of the script; each must have its translation.

    Raises:
        CatalogueError: every fault, with file, line and place.
    """
    if tag == SOURCE_LANGUAGE:
        return SourceTexts()
    catalogue = read_catalogue(folder, tag, messages)
    if any(fault.severity is Severity.ERROR for fault in catalogue.faults):
        raise CatalogueError(catalogue.faults)
    return catalogue


def read_catalogue(folder: Path, tag: str, messages: Iterable[Message]) -> Catalogue:
    """Read a catalogue as far as it goes; its faults come with it, errors among them.

    Raises:
        CatalogueError: the file can't be read at all.
    """
    path = catalogue_path(folder, tag)
    catalog = _read(path, tag)
    file = str(path)
    faults = list(_check_catalog(catalog, file, tag))
    entries: dict[tuple[str, str], str] = {}
    lines: dict[str, int] = {}
    for message in messages:
        entry = catalog.get(message.msgid, message.context)
        found = list(_check_entry(message, entry, file, known_languages().get(tag)))
        faults += found
        if entry is not None and not any(fault.severity is Severity.ERROR for fault in found):
            entries[message.context, message.msgid] = str(entry.string)
        if entry is not None:
            lines[message.context] = entry.lineno or 1
    return Catalogue(tag, file, entries, _status(catalog), lines, tuple(faults))


def catalogue_path(folder: Path, tag: str) -> Path:
    """Return where a language's catalogue is: ``zh_Hans/LC_MESSAGES/messages.po``."""
    return folder / tag.replace("-", "_") / CATALOGUE_FILE


def _read(path: Path, tag: str) -> Catalog:
    try:
        locale = Locale.parse(tag, sep="-")
        with path.open("rb") as file:
            return read_po(file, locale=locale, abort_invalid=True)
    except OSError as error:
        text = f"can't be read ({error.strerror}); `pybabel init` makes a new catalogue"
        raise CatalogueError([Fault(str(path), None, tag, text)]) from error
    except PoFileError as error:
        raise CatalogueError([Fault(str(path), error.lineno or None, tag, str(error))]) from error
    except UnicodeDecodeError as error:
        text = f"is not UTF-8 at byte {error.start}; save it as UTF-8"
        raise CatalogueError([Fault(str(path), None, tag, text)]) from error
    except (UnknownLocaleError, ValueError) as error:
        text = f"'{tag}' is no language tag that CLDR knows; rename the folder"
        raise CatalogueError([Fault(str(path), None, tag, text)]) from error


def _status(catalog: Catalog, pattern: re.Pattern[str] = _STATUS) -> str:
    comment = "\n".join(line.lstrip("# ").rstrip() for line in catalog.header_comment.splitlines())
    found = pattern.search(comment)
    return found[1] if found else ""


def _check_catalog(catalog: Catalog, file: str, tag: str) -> Iterator[Fault]:
    if tag not in known_languages():
        text = f"'{tag}' is not in languages.toml; add its names, voice and emergency words there"
        yield Fault(file, None, tag, text)
    if not _status(catalog):
        text = (
            "no Review-Status in the header; write who reviewed it and when, or that it is a draft"
        )
        yield Fault(file, 1, tag, text)
    elif not _is_day(_status(catalog, _DATE)):
        text = "no Review-Date in the header; write the day of that status, such as 2026-11-24"
        yield Fault(file, 1, tag, text)
    for message, errors in catalog.check():
        # Babel's own checks: plural forms, and formats that other programs would trip over.
        for error in errors:
            yield Fault(file, message.lineno, str(message.context or tag), str(error))


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _check_entry(
    message: Message, entry: Entry | None, file: str, language: Language | None
) -> Iterator[Fault]:
    for severity, text in _explain(message, entry, language):
        line = entry.lineno if entry else None
        yield Fault(file, line, message.context, text, severity)


def _explain(message: Message, entry: Entry | None, language: Language | None) -> Iterator[Finding]:
    if entry is None:
        yield Severity.ERROR, "missing message; run `referral-line catalogue update`, translate it"
        return
    translation = entry.string
    if not isinstance(translation, str) or not translation.strip():
        yield Severity.ERROR, "not translated yet; write its msgstr"
    elif entry.fuzzy:
        yield Severity.ERROR, "fuzzy: the English changed; check the translation, take the mark off"
    elif language is not None:
        yield from check_translation(message, translation, language)
