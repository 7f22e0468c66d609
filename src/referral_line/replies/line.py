"""The line, compiled: from settings to the table, once at start. What can fail fails here."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from referral_line.content.checks import check_script, check_services
from referral_line.content.completion import Offer, complete
from referral_line.content.loader import PACKAGED, load_directory, load_script
from referral_line.content.model import Connect, Directory, Script
from referral_line.conversation.engine import Conversation
from referral_line.conversation.vocabulary import compile_vocabulary
from referral_line.errors import CatalogueError, ContentError, Fault, SettingsError, Severity
from referral_line.languages.catalogue import (
    Catalogue,
    SourceTexts,
    Texts,
    Unfinished,
    default_folder,
    find_tags,
    load_catalogue,
    read_catalogue,
)
from referral_line.languages.detection import Detector
from referral_line.languages.language import SOURCE_LANGUAGE, known_languages
from referral_line.languages.names import unserved_languages
from referral_line.languages.recordings import Recording, digest, find_recordings, recording_name
from referral_line.replies.checks import check_table, discreet_stems
from referral_line.replies.table import Compiler, Table
from referral_line.settings import Settings

NEVER_CONNECTED = frozenset({"police-999", "police-101"})
"""Emergency and police numbers are dialled from the caller's own phone: a bridge would hand over
our number and address instead of theirs (facts on Twilio, section 5)."""


@dataclass(frozen=True, slots=True, repr=False)
class Line:
    """Everything a turn needs: the conversation and the table."""

    script: Script
    directory: Directory
    conversation: Conversation
    table: Table
    languages: tuple[str, ...]
    drafts: tuple[str, ...]
    """Served languages whose catalogue awaits a native reviewer."""
    spoken: AbstractSet[str]
    """Tags of the languages that can be heard in calls."""
    audio: Path
    """The folder of recordings, with one folder a language."""
    recordings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By tag, the file names of recordings by the digest of their text."""
    discreet: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By tag, beginnings of words that a locked screen must not show."""
    spoken_numbers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By tag, then by service id, how the number of a service is read out."""
    left_out: Mapping[str, tuple[Fault, ...]] = field(default_factory=dict)
    """Languages that can't be served, each with its faults."""
    warnings: tuple[Fault, ...] = ()

    def is_spoken(self, tag: str) -> bool:
        """Whether a language answers calls too."""
        return tag in self.spoken

    @property
    def silent(self) -> list[str]:
        """Tags of the languages that answer texts alone."""
        return [tag for tag in self.languages if not self.is_spoken(tag)]

    @property
    def facts_due(self) -> int:
        """How many facts on services are due for confirmation."""
        return sum("due for confirmation" in fault.text for fault in self.warnings)

    def texts_to_record(self, tag: str) -> list[Recording]:
        """List what is read aloud in a language, each text once, in the order of the script."""
        found: dict[str, Recording] = {}
        for position, reply in self.table.voice.items():
            for say in reply.spoken:
                if say.tag == tag:
                    name = recording_name(position.node, say.text)
                    found.setdefault(digest(say.text), Recording(name, say.text))
        return list(found.values())


def compile_line(settings: Settings, *, today: date) -> Line:
    """Load, check and compile everything.

    A faulty catalogue takes only its own language out of service; a faulty script, directory,
    setting or default language stops everything.

    Raises:
        ContentError: the script or the directory has faults.
        CatalogueError: the default language can't be served.
        SettingsError: languages or transfers name what does not exist.
    """
    for name, given in (
        ("CONTENT", settings.content),
        ("LOCALES", settings.locales),
        ("AUDIO", settings.audio),
    ):
        if given is not None and not given.is_dir():
            text = f"{given} is no folder"
            raise SettingsError([Fault("environment", None, f"REFERRAL_LINE_{name}", text)])
    folder = settings.content or PACKAGED
    script, directory = load_script(folder), load_directory(folder)
    found = [*check_script(script, directory), *check_services(directory, today=today)]
    errors = [fault for fault in found if _is_error(fault)]
    if errors:
        raise ContentError(errors)
    _check_transfers(settings, directory)
    texts, left_out = _load_texts(settings, script)
    mute: frozenset[str] = frozenset()
    while True:
        line, faulty = _compile(settings, script, directory, texts, mute)
        lacking = _lacking_recordings(line)
        if not faulty and not lacking:
            break
        mute |= lacking
        left_out |= faulty
        texts = [language for language in texts if language.tag not in faulty]
        _require_default(settings, texts, left_out)
    _check_connected(settings, line)
    stale = [fault for fault in found if not _is_error(fault)]
    missing = [
        Fault(
            str(audio_folder(settings) / tag),
            None,
            tag,
            "not every text is recorded, so none is played; "
            f"`referral-line recordings check {tag}`",
            Severity.WARNING,
        )
        for tag in sorted(mute)
    ]
    return replace(line, left_out=left_out, warnings=(*line.warnings, *stale, *missing))


def list_texts_to_record(settings: Settings, tag: str) -> list[Recording]:
    """List what is to be read aloud in a language that is served, recorded or not.

    Raises:
        CatalogueError: the language can't be served.
        SettingsError: the settings don't serve it.
    """
    folder = settings.content or PACKAGED
    script, directory = load_script(folder), load_directory(folder)
    texts, left_out = _load_texts(settings, script)
    if tag in left_out:
        raise CatalogueError(left_out[tag])
    if all(language.tag != tag for language in texts):
        text = f"'{tag}' is not among the languages served; add it, its texts depend on the menu"
        raise SettingsError([Fault("environment", None, "REFERRAL_LINE_LANGUAGES", text)])
    line, _ = _compile(settings, script, directory, texts, heard=frozenset({tag}))
    return line.texts_to_record(tag)


def _lacking_recordings(line: Line) -> frozenset[str]:
    """Return the languages with recordings of which some are missing: all are played, or none."""
    return frozenset(
        tag
        for tag in line.recordings
        if any(digest(each.text) not in line.recordings[tag] for each in line.texts_to_record(tag))
    )


def audio_folder(settings: Settings) -> Path:
    """Return the folder of recordings: the one named, or ``audio/`` beside the catalogues."""
    return settings.audio or locales_folder(settings).parent / "audio"


def compile_unfinished(
    settings: Settings, tags: Iterable[str]
) -> tuple[Line, dict[str, tuple[Fault, ...]]]:
    """Compile every catalogue however far it goes, for those who check and translate.

    Args:
        settings: Their languages are in the menus, so that what is seen and counted is what callers
            would get.
        tags: The languages that are asked about, whether the settings serve them or not.

    Returns:
        The line, which is for looking at and not for callers, and the faults of each language.

    Raises:
        ContentError: the script or the directory has faults.
        SettingsError: a language is named that has no catalogue.
    """
    folder = settings.content or PACKAGED
    script, directory = load_script(folder), load_directory(folder)
    errors = [fault for fault in check_script(script, directory) if _is_error(fault)]
    if errors:
        raise ContentError(errors)
    texts: list[Texts] = [SourceTexts()]
    faults: dict[str, tuple[Fault, ...]] = {}
    for tag in dict.fromkeys((*_wanted_tags(settings), *tags)):
        if tag == SOURCE_LANGUAGE:
            continue
        try:
            catalogue = read_catalogue(locales_folder(settings), tag, script.messages())
        except CatalogueError as error:
            faults[tag] = error.faults
            continue
        if tag in known_languages():
            texts.append(Unfinished(catalogue))
        faults[tag] = catalogue.faults
    line, found = _compile(settings, script, directory, texts)
    for fault in (*(each for faulty in found.values() for each in faulty), *line.warnings):
        tag = fault.place.partition("/")[0]
        if tag in faults and fault not in faults[tag]:
            faults[tag] = (*faults[tag], fault)
    return line, faults


def compile_today(settings: Settings) -> Line:
    """Compile with the operator's calendar day, by which facts fall due. Raises as above."""
    return compile_line(settings, today=date.today())  # noqa: DTZ011 - their day, not UTC's


def _check_transfers(settings: Settings, directory: Directory) -> None:
    faults = []
    for name in settings.transfers:
        service = directory.services.get(name)
        if service is None:
            text = f"'{name}' is no service of services.toml"
        elif name in NEVER_CONNECTED or not service.phone_e164:
            text = f"'{name}' can't be connected to: it has no full international number"
        elif not service.is_confirmed:
            text = f"'{name}' is not confirmed yet"
        else:
            continue
        faults.append(Fault("environment", None, "REFERRAL_LINE_TRANSFERS", text))
    if faults:
        raise SettingsError(faults)


def _check_connected(settings: Settings, line: Line) -> None:
    """Refuse a transfer that no call ever offers, rather than leave an operator wondering."""
    numbers = {
        node.action.number
        for node in line.script.nodes.values()
        if isinstance(node.action, Connect)
    }
    faults = [
        Fault(
            "environment",
            None,
            "REFERRAL_LINE_TRANSFERS",
            f"'{name}' is never offered: where calls name it, another one stands before it",
        )
        for name in settings.transfers
        if line.directory.services[name].phone_e164 not in numbers
    ]
    if faults:
        raise SettingsError(faults)


def locales_folder(settings: Settings) -> Path:
    """Return the folder of catalogues: the one named, or the one that comes with the line."""
    return settings.locales or default_folder()


def _wanted_tags(settings: Settings) -> list[str]:
    """List the languages to serve, in menu order: those of the settings, or all there are."""
    present = {tag.casefold(): tag for tag in find_tags(locales_folder(settings))}
    unknown = [tag for tag in settings.languages if tag.casefold() not in present]
    if unknown:
        text = f"no catalogue for {', '.join(unknown)}; there are {', '.join(present.values())}"
        raise SettingsError([Fault("environment", None, "REFERRAL_LINE_LANGUAGES", text)])
    wanted = [present[tag.casefold()] for tag in settings.languages] or list(present.values())
    return list(dict.fromkeys(wanted))


def _load_texts(
    settings: Settings, script: Script
) -> tuple[list[Texts], dict[str, tuple[Fault, ...]]]:
    folder = locales_folder(settings)
    texts: list[Texts] = []
    left_out: dict[str, tuple[Fault, ...]] = {}
    for tag in _wanted_tags(settings):
        try:
            language = load_catalogue(folder, tag, script.messages())
        except CatalogueError as error:
            left_out[tag] = error.faults
            continue
        if settings.reviewed_only and isinstance(language, Catalogue) and language.is_draft:
            text = "is a draft, and REFERRAL_LINE_REVIEWED_ONLY is set"
            left_out[tag] = (Fault(language.file, 1, tag, text),)
            continue
        texts.append(language)
    _require_default(settings, texts, left_out)
    return texts, left_out


def _require_default(
    settings: Settings, texts: Sequence[Texts], left_out: Mapping[str, tuple[Fault, ...]]
) -> None:
    tag = _default(settings)
    if not any(known_languages()[language.tag].voice for language in texts):
        text = "none of the languages served has a voice for calls; serve one that has, such as en"
        raise SettingsError([Fault("environment", None, "REFERRAL_LINE_LANGUAGES", text)])
    if any(language.tag == tag for language in texts):
        return
    if tag in left_out:
        raise CatalogueError(left_out[tag])
    text = f"'{tag}' is not among the languages served; add it to REFERRAL_LINE_LANGUAGES"
    raise SettingsError([Fault("environment", None, "REFERRAL_LINE_DEFAULT_LANGUAGE", text)])


def _default(settings: Settings) -> str:
    """Return the default language's tag as languages.toml writes it, whatever its capitals."""
    known = {tag.casefold(): tag for tag in known_languages()}
    return known.get(settings.default_language.casefold(), settings.default_language)


def _compile(
    settings: Settings,
    script: Script,
    directory: Directory,
    texts: Sequence[Texts],
    mute: AbstractSet[str] = frozenset(),
    heard: AbstractSet[str] = frozenset(),
) -> tuple[Line, dict[str, tuple[Fault, ...]]]:
    """Compile every reply of the given texts.

    Args:
        settings: The settings.
        script: The script as written.
        directory: The services.
        texts: The languages to serve.
        mute: Tags of languages that are not to be heard, though there are some recordings.
        heard: Tags of languages that are, though there are none.

    Returns:
        The line, and the faults of each language that can't be served with them.
    """
    tags = tuple(language.tag for language in texts)
    recordings = {
        tag: found
        for tag in tags
        if (found := find_recordings(audio_folder(settings) / tag)) and tag not in mute
    }
    spoken = heard | {tag for tag in tags if known_languages()[tag].voice or tag in recordings}
    unserved = unserved_languages(tags, answered_in=_default(settings))
    whole = complete(
        script,
        directory,
        languages=[Offer(tag, known_languages()[tag].code, tag in spoken) for tag in tags],
        unserved=unserved,
        transfers=settings.transfers,
        can_text_me=settings.can_text_me,
    )
    messages = list(script.messages())
    conversation = Conversation(
        whole,
        compile_vocabulary(whole, directory, texts, unserved),
        Detector(
            {language.tag: [language.text(message) for message in messages] for language in texts}
        ),
        default_language=_default(settings),
    )
    compiler = Compiler(
        script=whole,
        directory=directory,
        languages=tags,
        path_prefix=settings.path_prefix,
        session_minutes=-(-settings.session_seconds // 60),
        caller_id=settings.number.get_secret_value() if settings.number else None,
        default_language=_default(settings),
        spoken=spoken,
        recordings=recordings,
    )
    table = compiler.compile(texts)
    faults = check_table(table, whole, texts)
    faulty = {tag: tuple(found) for tag, found in faults.items() if any(map(_is_error, found))}
    line = Line(
        script=whole,
        directory=directory,
        conversation=conversation,
        table=table,
        languages=tags,
        spoken=spoken,
        audio=audio_folder(settings),
        recordings=recordings,
        discreet={language.tag: discreet_stems(whole, language) for language in texts},
        spoken_numbers={language.tag: compiler.spoken_numbers(language) for language in texts},
        drafts=tuple(
            language.tag
            for language in texts
            if isinstance(language, Catalogue) and language.is_draft
        ),
        warnings=tuple(
            fault for found in faults.values() for fault in found if not _is_error(fault)
        ),
    )
    return line, faulty


def _is_error(fault: Fault) -> bool:
    return fault.severity is Severity.ERROR
