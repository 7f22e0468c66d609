"""The line, compiled: from settings to the table, once at start. What can fail fails here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from referral_line.content.checks import check_script, check_services
from referral_line.content.completion import complete
from referral_line.content.loader import PACKAGED, load_directory, load_script
from referral_line.content.model import Connect, Directory, Script
from referral_line.conversation.engine import Conversation
from referral_line.conversation.vocabulary import compile_vocabulary
from referral_line.errors import CatalogueError, ContentError, Fault, SettingsError, Severity
from referral_line.languages.catalogue import (
    Catalogue,
    Texts,
    default_folder,
    find_tags,
    load_catalogue,
)
from referral_line.languages.language import known_languages
from referral_line.replies.checks import check_table
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
    left_out: Mapping[str, tuple[Fault, ...]] = field(default_factory=dict)
    """Languages that can't be served, each with its faults."""
    warnings: tuple[Fault, ...] = ()

    def is_spoken(self, tag: str) -> bool:
        """Whether a language answers calls too."""
        return known_languages()[tag].voice is not None


def compile_line(settings: Settings, *, today: date) -> Line:
    """Load, check and compile everything.

    A faulty catalogue takes only its own language out of service; a faulty script, directory,
    setting or default language stops everything.

    Raises:
        ContentError: the script or the directory has faults.
        CatalogueError: the default language can't be served.
        SettingsError: languages or transfers name what does not exist.
    """
    for name, given in (("CONTENT", settings.content), ("LOCALES", settings.locales)):
        if given is not None and not given.is_dir():
            text = f"{given} is no folder"
            raise SettingsError([Fault("environment", None, f"REFERRAL_LINE_{name}", text)])
    folder = settings.content or PACKAGED
    script, directory = load_script(folder), load_directory(folder)
    found = [*check_script(script, directory), *check_services(directory, today=today)]
    errors = [fault for fault in found if fault.severity is Severity.ERROR]
    if errors:
        raise ContentError(errors)
    _check_transfers(settings, directory)
    texts, left_out = _load_texts(settings, script)
    while True:
        line, faulty = _compile(settings, script, directory, texts)
        if not faulty:
            break
        left_out |= faulty
        texts = [language for language in texts if language.tag not in faulty]
        _require_default(settings, texts, left_out)
    _check_connected(settings, line)
    stale = [fault for fault in found if fault.severity is Severity.WARNING]
    return replace(line, left_out=left_out, warnings=(*line.warnings, *stale))


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


def _load_texts(
    settings: Settings, script: Script
) -> tuple[list[Texts], dict[str, tuple[Fault, ...]]]:
    folder = settings.locales or default_folder()
    present = {tag.casefold(): tag for tag in find_tags(folder)}
    unknown = [tag for tag in settings.languages if tag.casefold() not in present]
    if unknown:
        text = f"no catalogue for {', '.join(unknown)}; there are {', '.join(present.values())}"
        raise SettingsError([Fault("environment", None, "REFERRAL_LINE_LANGUAGES", text)])
    wanted = [present[tag.casefold()] for tag in settings.languages] or list(present.values())
    texts: list[Texts] = []
    left_out: dict[str, tuple[Fault, ...]] = {}
    for tag in dict.fromkeys(wanted):
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
    settings: Settings, script: Script, directory: Directory, texts: Sequence[Texts]
) -> tuple[Line, dict[str, tuple[Fault, ...]]]:
    tags = tuple(language.tag for language in texts)
    whole = complete(
        script,
        directory,
        languages=tags,
        transfers=settings.transfers,
        can_text_me=settings.can_text_me,
    )
    vocabulary = compile_vocabulary(whole, directory, texts)
    table = Compiler(
        script=whole,
        directory=directory,
        languages=tags,
        path_prefix=settings.path_prefix,
        session_minutes=-(-settings.session_seconds // 60),
        caller_id=settings.number.get_secret_value() if settings.number else None,
        default_language=_default(settings),
    ).compile(texts)
    faults = check_table(table, script, texts)
    faulty = {
        tag: tuple(found)
        for tag, found in faults.items()
        if any(fault.severity is Severity.ERROR for fault in found)
    }
    line = Line(
        script=whole,
        directory=directory,
        conversation=Conversation(whole, vocabulary, default_language=_default(settings)),
        table=table,
        languages=tags,
        drafts=tuple(
            language.tag
            for language in texts
            if isinstance(language, Catalogue) and language.is_draft
        ),
        warnings=tuple(
            fault
            for found in faults.values()
            for fault in found
            if fault.severity is Severity.WARNING
        ),
    )
    return line, faulty
