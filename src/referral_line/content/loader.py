"""From the two TOML files to the model. Every fault is found before anything is refused."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from referral_line.content.locator import locate
from referral_line.content.model import (
    Directory,
    Force,
    Message,
    Node,
    Option,
    Script,
    Service,
)
from referral_line.errors import ContentError, Fault

SCRIPT_FILE = "script.toml"
SERVICES_FILE = "services.toml"
PACKAGED = Path(__file__).parent

_Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
_Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
_Phone = Annotated[str, StringConstraints(pattern=r"^([0-9]+( [0-9]+)*)?$")]
_Link = Annotated[str, StringConstraints(pattern=r"^(https://[^\s{}]+)?$")]
_Model = TypeVar("_Model", bound=BaseModel)
_Entry = TypeVar("_Entry")
_Confidence = Literal["solid", "confirm"]


class _Raw(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _RawPhrase(_Raw):
    sms: _Text | None = None
    voice: _Text | None = None
    words: _Text | None = None
    note: str = ""


class _RawStanding(_Raw):
    key: Annotated[str, StringConstraints(pattern=r"^[0-9*]$")]
    sms: _Text | None = None
    voice: _Text | None = None
    note: str = ""


class _RawOption(_RawStanding):
    to: _Slug


class _RawNode(_RawPhrase):
    crisis: int | None = None
    interpreter: bool = False
    back: _Slug | None = None
    ends: bool = False
    options: tuple[_RawOption, ...] = ()


class _RawStandings(_Raw):
    distress: _RawStanding
    finish: _RawStanding
    back: _RawStanding
    languages: _RawStanding
    repeat: _RawStanding
    transfer: _RawStanding
    text_me: _RawStanding

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=lambda name: name.replace("_", "-")
    )


class _RawPhrases(_Raw):
    again: _RawPhrase
    interpreter: _RawPhrase
    more: _RawPhrase
    offer: _RawPhrase
    digits: _RawPhrase
    polite: _RawPhrase
    discreet: _RawPhrase


class _RawTemplates(_Raw):
    force_page: _RawNode
    force_by_phone: _RawNode
    unserved: _RawNode
    transfer: _RawNode
    transferring: _RawNode
    transferred: _RawNode
    text_me: _RawNode
    texted: _RawNode

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=lambda name: name.replace("_", "-")
    )


class _RawScript(_Raw):
    start: _Slug
    numbers: _Slug
    languages: _Slug
    more_languages: _Slug = Field(alias="more-languages")
    picture: _Slug
    finish: _Slug
    distress: _Slug
    danger: _Slug
    standing: _RawStandings
    phrases: _RawPhrases
    nodes: dict[_Slug, _RawNode]
    templates: _RawTemplates


class _RawSms(_Raw):
    number: _Phone
    keyword: str = ""


class _RawService(_Raw):
    id: _Slug
    parent: _Slug | None = None
    name: _Text
    phone: _Phone
    phone_e164: Annotated[str, StringConstraints(pattern=r"^(\+44[0-9]{7,10})?$")] = ""
    option: Annotated[str, StringConstraints(pattern=r"^[0-9]*$")] = ""
    sms: _RawSms | None = None
    url: _Link
    hours: str
    hours_confidence: _Confidence = "solid"
    cost: str
    who: str
    nations: tuple[Literal["england", "wales", "scotland", "northern-ireland"], ...]
    anonymous: bool | Literal["partly"]
    anonymous_note: str = ""
    languages: str
    what_for: str
    notes: str
    source: _Text
    verified_on: Annotated[
        str, StringConstraints(pattern=r"^(undated|\d{4}(-(0[1-9]|1[0-2])(-\d{2})?)?)$")
    ]
    confidence: _Confidence


class _RawForce(_Raw):
    id: _Slug
    name: _Text
    also: tuple[_Text, ...]
    nation: Literal["england", "wales", "scotland", "northern-ireland"]
    url: _Link
    source: _Text
    verified_on: Annotated[
        str, StringConstraints(pattern=r"^(undated|\d{4}(-(0[1-9]|1[0-2])(-\d{2})?)?)$")
    ]
    confidence: _Confidence


class _RawDirectory(_Raw):
    service: tuple[_RawService, ...]
    force: tuple[_RawForce, ...] = ()


def load_script(folder: Path = PACKAGED) -> Script:
    """Read ``script.toml`` from a folder.

    Raises:
        ContentError: the file is missing, is no TOML, or has a wrong shape; every fault with its
            line. Whether the conversation makes sense is for ``checks``.
    """
    path = folder / SCRIPT_FILE
    return parse_script(_read(path), file=str(path))


def parse_script(source: str, *, file: str = SCRIPT_FILE) -> Script:
    """Make a script of the text of a script file. Raises ``ContentError`` as ``load_script``."""
    lines = locate(source)
    raw = _validate(_RawScript, source, lines, file)
    writer = _Writer(lines)
    return Script(
        file=file,
        roles=_named(raw, str),
        nodes={name: writer.node(name, node, f"nodes.{name}") for name, node in raw.nodes.items()},
        standing={
            name: writer.option(f"standing.{name}", option, f"standing/{name}", "every menu")
            for name, option in _named(raw.standing, _RawStanding).items()
        },
        phrases={
            name: writer.phrase(name, phrase)
            for name, phrase in _named(raw.phrases, _RawPhrase).items()
        },
        templates={
            name: writer.node(name, node, f"templates.{name}")
            for name, node in _named(raw.templates, _RawNode).items()
        },
    )


def _named(table: BaseModel, kind: type[_Entry]) -> dict[str, _Entry]:
    """Return the entries of a table by the names they have in the file."""
    return {
        (field.alias or name): entry
        for name, field in type(table).model_fields.items()
        if isinstance(entry := getattr(table, name), kind)
    }


def load_directory(folder: Path = PACKAGED) -> Directory:
    """Read ``services.toml`` from a folder. Raises ``ContentError`` as ``load_script``."""
    path = folder / SERVICES_FILE
    return parse_directory(_read(path), file=str(path))


def parse_directory(source: str, *, file: str = SERVICES_FILE) -> Directory:
    """Make a directory of the text of a services file. Raises as ``load_script``."""
    lines = locate(source)
    raw = _validate(_RawDirectory, source, lines, file)
    faults = [
        *_duplicates("service", [service.id for service in raw.service], lines, file),
        *_duplicates("force", [force.id for force in raw.force], lines, file),
    ]
    if faults:
        raise ContentError(faults)
    services = {
        entry.id: Service(
            id=entry.id,
            name=entry.name,
            phone=entry.phone,
            phone_e164=entry.phone_e164,
            option=entry.option,
            text_number=entry.sms.number if entry.sms else "",
            text_keyword=entry.sms.keyword if entry.sms else "",
            url=entry.url,
            verified_on=entry.verified_on,
            is_confirmed=entry.confidence == "solid",
            is_hours_confirmed=entry.hours_confidence == "solid",
            line=lines.get(f"service[{index}]", 1),
        )
        for index, entry in enumerate(raw.service)
    }
    forces = {
        entry.id: Force(
            id=entry.id,
            name=entry.name,
            also=entry.also,
            url=entry.url,
            verified_on=entry.verified_on,
            is_confirmed=entry.confidence == "solid",
            line=lines.get(f"force[{index}]", 1),
        )
        for index, entry in enumerate(raw.force)
    }
    return Directory(file=file, services=services, forces=forces)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        text = f"can't be read ({error.strerror}); point REFERRAL_LINE_CONTENT at its folder"
        raise ContentError([Fault(str(path), None, path.name, text)]) from error
    except UnicodeDecodeError as error:
        text = f"is not UTF-8 at byte {error.start}; save it as UTF-8"
        raise ContentError([Fault(str(path), None, path.name, text)]) from error


def _validate(model: type[_Model], source: str, lines: Mapping[str, int], file: str) -> _Model:
    try:
        return model.model_validate(tomllib.loads(source))
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found[1]) if found else None
        raise ContentError([Fault(file, line, "TOML", str(error))]) from error
    except ValidationError as error:
        raise ContentError(
            [
                _fault(item["loc"], item["msg"], item.get("input"), lines, file)
                for item in error.errors()
            ]
        ) from error


def _fault(
    path: tuple[int | str, ...], text: str, value: object, lines: Mapping[str, int], file: str
) -> Fault:
    name = ""
    line = None
    for part in path:
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else part
        line = lines.get(name, line)
    shown = f" (is {value!r})" if isinstance(value, str | int | float) else ""
    return Fault(file, line, name, f"{text}{shown}")


def _duplicates(
    kind: str, ids: Iterable[str], lines: Mapping[str, int], file: str
) -> Iterable[Fault]:
    seen: set[str] = set()
    for index, name in enumerate(ids):
        if name in seen:
            line = lines.get(f"{kind}[{index}].id", 1)
            yield Fault(file, line, name, f"{kind} id used twice; give each its own")
        seen.add(name)


_AT_SMS = "Text message at '{}'. Keep the lines. Numbers and links in braces are filled in for you."
_AT_VOICE = (
    "Spoken in a call at '{}'. A blank line is a pause; keep as many. Numbers in braces are read "
    "out digit by digit."
)
_LABEL = "Menu line in a text message, after the key {} at '{}', to '{}'. Five words or fewer."
_SPOKEN = (
    "Spoken menu line at '{}', to '{}'. Say the reason before the key; keep braces as they are."
)
_WORDS = (
    "Words people may type to reach '{}', with commas between. Not seen by callers. Write what "
    "people in your language would type, as many as you like; capitals and accents don't matter. "
    "= in front: only as the whole message. * at the end of a word: any ending. ... between words: "
    "up to three other words may stand there."
)
_ENGLISH = "English has: {}"
_KINDS = {
    "sms": "Used in text messages.",
    "voice": "Spoken in calls.",
    "words": "Words with commas between, as many as your language needs. Not seen by callers.",
}


class _Writer:
    """Makes messages of raw texts: each with its context, its line and comments for translators."""

    def __init__(self, lines: Mapping[str, int]) -> None:
        self._lines = lines

    def _line(self, path: str) -> int:
        """Return the line of a path, or of the nearest part above it that can be found."""
        while path and path not in self._lines:
            path = path.rpartition(".")[0]
        return self._lines.get(path, 1)

    def node(self, name: str, raw: _RawNode, path: str) -> Node:
        def text(kind: str, comment: str) -> Message | None:
            return self._message(raw, kind, path, name, comment.format(name))

        return Node(
            id=name,
            sms=text("sms", _AT_SMS),
            voice=text("voice", _AT_VOICE),
            words=text("words", _WORDS),
            options=tuple(
                self.option(f"{path}.options[{index}]", option, f"{name}/{option.to}", name)
                for index, option in enumerate(raw.options)
            ),
            crisis=raw.crisis,
            interpreter=raw.interpreter,
            back=raw.back,
            ends=raw.ends,
            line=self._line(path),
        )

    def option(self, path: str, raw: _RawStanding, context: str, menu: str) -> Option:
        to = raw.to if isinstance(raw, _RawOption) else ""
        target = to or context.rpartition("/")[2]
        label, spoken = _LABEL.format(raw.key, menu, target), _SPOKEN.format(menu, target)
        return Option(
            key=raw.key,
            to=to,
            sms=self._message(raw, "sms", path, context, label),
            voice=self._message(raw, "voice", path, context, spoken),
            line=self._line(path),
        )

    def phrase(self, name: str, raw: _RawPhrase) -> Mapping[str, Message]:
        found = {
            kind: self._message(raw, kind, f"phrases.{name}", f"phrase/{name}", comment)
            for kind, comment in _KINDS.items()
        }
        return {kind: message for kind, message in found.items() if message is not None}

    def _message(
        self, raw: _RawPhrase | _RawStanding, kind: str, path: str, context: str, comment: str
    ) -> Message | None:
        text: str | None = getattr(raw, kind)
        if text is None:
            return None
        comments = [part for part in (comment, raw.note) if part]
        key = ""
        if kind == "words":
            # Found by a sentence that stays, so that a new English word makes nothing fuzzy.
            comments.append(_ENGLISH.format(text))
            key = f"Words for {context}"
        line = self._line(f"{path}.{kind}")
        return Message(f"{context}/{kind}", text, line, tuple(comments), key)
