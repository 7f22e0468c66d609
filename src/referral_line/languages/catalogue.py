"""Catalogues: one language's texts, looked up so that a missing one is an error, never English."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog
from babel.messages.catalog import Message as Entry
from babel.messages.pofile import PoFileError, read_po

from referral_line.content.checks import check_typing, split_words
from referral_line.content.model import CARRIER_WORDS, PLACEHOLDER, Message
from referral_line.errors import CatalogueError, Fault
from referral_line.languages.language import SOURCE_LANGUAGE, known_languages

CATALOGUE_FILE = Path("LC_MESSAGES", "messages.po")
PACKAGED = Path(__file__).parents[1] / "locales"
CHECKOUT = Path(__file__).parents[3] / "locales"

_STATUS = re.compile(r"^Review-Status:\s*(.+)$", re.MULTILINE)
_DRAFT = re.compile(r"\b(draft|awaiting)\b", re.IGNORECASE)
_PARAGRAPH = re.compile(r"\n\s*\n")


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
class Catalogue:
    """One language's checked translations, keyed by context and English text."""

    tag: str
    file: str
    entries: Mapping[tuple[str, str], str]
    status: str
    """The ``Review-Status`` of the header, as written."""

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
            return self.entries[message.context, message.text]
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
    path = folder / tag.replace("-", "_") / CATALOGUE_FILE
    catalog = _read(path, tag)
    file = str(path)
    faults = list(_check_catalog(catalog, file, tag))
    entries: dict[tuple[str, str], str] = {}
    for message in messages:
        entry = catalog.get(message.text, message.context)
        found = list(_check_entry(message, entry, file))
        faults += found
        if entry is not None and not found:
            entries[message.context, message.text] = str(entry.string)
    if faults:
        raise CatalogueError(faults)
    return Catalogue(tag=tag, file=file, entries=entries, status=_status(catalog))


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


def _status(catalog: Catalog) -> str:
    comment = "\n".join(line.lstrip("# ").rstrip() for line in catalog.header_comment.splitlines())
    found = _STATUS.search(comment)
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


def _check_entry(message: Message, entry: Entry | None, file: str) -> Iterator[Fault]:
    for text in _explain(message, entry):
        yield Fault(file, entry.lineno if entry else None, message.context, text)


def _explain(message: Message, entry: Entry | None) -> Iterator[str]:
    if entry is None:
        yield "missing message; run `make catalogues`, then translate it"
        return
    translation = entry.string
    if not isinstance(translation, str) or not translation.strip():
        yield "not translated yet; write its msgstr"
    elif entry.fuzzy:
        yield "fuzzy: the English changed; check the translation and take the mark off"
    else:
        yield from _check_characters(translation)
        yield from _check_placeholders(message, translation)
        if message.context.endswith("/words"):
            yield from _check_words(translation)
            return
        yield from check_typing(message.text, translation)
        if message.context.endswith("/voice"):
            yield from _check_speech(message, translation)


def _check_characters(translation: str) -> Iterator[str]:
    for character in translation:
        if ord(character) < ord(" ") and character != "\n":
            yield f"holds the control character U+{ord(character):04X}, which breaks a reply"
    if re.search(r"[{}]", re.sub(PLACEHOLDER, "", translation)):
        yield "has a brace that belongs to no placeholder"


def _check_placeholders(message: Message, translation: str) -> Iterator[str]:
    wanted = Counter(re.findall(PLACEHOLDER, message.text))
    found = Counter(re.findall(PLACEHOLDER, translation))
    if message.context.endswith("/words"):
        # Translators write as many words as they like; what they may not do is add a service.
        wanted, found = Counter(set(wanted) & set(found)), Counter(set(found))
    for name in (wanted - found).elements():
        yield f"lost the placeholder {{{name}}}; put it back"
    for name in (found - wanted).elements():
        yield f"has the extra placeholder {{{name}}}; take it out"


def _check_words(translation: str) -> Iterator[str]:
    for word in split_words(translation):
        if word.casefold() in CARRIER_WORDS:
            yield f"'{word}' belongs to the carrier; no choice of ours may need it"


def _check_speech(message: Message, translation: str) -> Iterator[str]:
    words = split_words(translation)
    if message.context == "phrase/digits/voice" and len(words) != len("0123456789"):
        yield f"{len(words)} words; ten are needed, zero to nine, with commas between"
    if len(_PARAGRAPH.split(message.text)) != len(_PARAGRAPH.split(translation)):
        yield "another number of paragraphs than the English; a blank line is a pause to write"
