"""What may never be sent or said, looked for in every reply of the table before the first call."""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote
from xml.etree import ElementTree as ET

from referral_line.content.checks import split_words
from referral_line.content.model import Channel, Script
from referral_line.conversation.position import Position
from referral_line.errors import Fault, Severity
from referral_line.languages.catalogue import Catalogue, Texts, Unfinished
from referral_line.languages.checks import Finding
from referral_line.languages.language import SOURCE_LANGUAGE
from referral_line.languages.wording import normalise
from referral_line.replies.reply import SmsReply, VoiceReply
from referral_line.replies.segments import MAX_BODY
from referral_line.replies.table import Table

MAX_TWIML = 64_000
"""Bytes of one response (error 11750: over 64 kB)."""
MAX_SAID = 3000
"""Characters of one ``<Say>``: the limit of Polly voices, the strictest documented."""
MAX_SAID_ENCODED = 4500
"""URL-encoded characters of one ``<Say>``; a Bengali letter costs nine."""
LOCK_SCREEN = 40
"""Characters of a message that other people may see on a locked screen."""
BUDGETS = {True: (2, 3), False: (5, 7)}
"""Segments of the first menu and of any other message: in English, then in other languages."""


def check_table(table: Table, script: Script, texts: Iterable[Texts]) -> dict[str, list[Fault]]:
    """Return the faults of every language by tag; a language without any maps to an empty list."""
    found: dict[str, list[Fault]] = {}
    for language in texts:
        catalogue = _catalogue(language)
        file = catalogue.file if catalogue else script.file
        discreet = discreet_stems(script, language)
        faults = found.setdefault(language.tag, [])
        faults += catalogue.faults if catalogue else ()
        for position, reply in table.sms.items():
            if position.language == language.tag:
                line = _line(position, Channel.SMS, catalogue)
                faults += [
                    Fault(file, line, str(position), text, severity)
                    for severity, text in (
                        *check_message(reply.text, discreet),
                        *_check_segments(position, reply, script),
                        *check_xml(reply.twiml),
                    )
                ]
        for position, call in table.voice.items():
            if position.language == language.tag:
                line = _line(position, Channel.VOICE, catalogue)
                faults += [
                    Fault(file, line, str(position), text, severity)
                    for severity, text in (*check_call(call), *check_xml(call.twiml))
                ]
    return found


def _catalogue(language: Texts) -> Catalogue | None:
    """Return the catalogue that texts come from; English has none."""
    if isinstance(language, Unfinished):
        return language.catalogue
    return language if isinstance(language, Catalogue) else None


def _line(position: Position, channel: Channel, catalogue: Catalogue | None) -> int | None:
    """Return the line of the message that a reply begins with, where a catalogue has it."""
    return catalogue.lines.get(f"{position.node}/{channel}") if catalogue else None


def discreet_stems(script: Script, language: Texts) -> list[str]:
    """Return the beginnings of words, normalised, that a locked screen must not show."""
    words = split_words(language.text(script.phrases["discreet"]["words"]))
    return [normalise(word) for word in words]


def check_message(text: str, discreet: Iterable[str]) -> Iterator[Finding]:
    """Yield what is wrong with one text message; ``discreet`` as ``discreet_stems`` returns it."""
    if len(text) > MAX_BODY:
        yield Severity.ERROR, f"{len(text)} characters; the carrier sends {MAX_BODY} at most"
    shown = normalise(text[:LOCK_SCREEN])
    for stem in discreet:
        if re.search(rf"\b{re.escape(stem)}", shown):
            yield (
                Severity.ERROR,
                (
                    f"names '{stem}' in the first {LOCK_SCREEN} characters, which others may see "
                    f"on a locked screen: {text[:LOCK_SCREEN]!r}"
                ),
            )


def _check_segments(position: Position, reply: SmsReply, script: Script) -> Iterator[Finding]:
    node = script.nodes[position.node]
    is_foreign = node.language is not None or any(option.language for option in node.options)
    # A reply that bears a language's own name is in its script, whatever the rest is written in.
    first, other = BUDGETS[position.language == SOURCE_LANGUAGE and not is_foreign]
    is_first = position.node == script.roles["start"] and position.turn == 0
    limit = first if is_first else other
    if reply.count.segments > limit:
        yield (
            Severity.WARNING,
            (
                f"{reply.count.segments} segments ({reply.count.units} units of "
                f"{reply.count.encoding}); {limit} at most, or it costs and arrives in pieces"
            ),
        )


def check_call(reply: VoiceReply) -> Iterator[Finding]:
    """Yield what the carrier's voices can't say in one breath."""
    for said in reply.spoken:
        if len(said.text) > MAX_SAID or len(quote(said.text)) > MAX_SAID_ENCODED:
            yield (
                Severity.ERROR,
                f"a paragraph is too long for the voice; divide it: {said.text[:60]!r}…",
            )


def check_xml(twiml: bytes) -> Iterator[Finding]:
    """Yield what keeps the carrier from reading a reply: its size, or XML that is none."""
    if len(twiml) > MAX_TWIML:
        yield Severity.ERROR, f"{len(twiml)} bytes of TwiML; {MAX_TWIML} at most"
    try:
        ET.fromstring(twiml)  # noqa: S314 - our own output, made a moment ago
    except ET.ParseError as error:
        yield Severity.ERROR, f"breaks the TwiML: {error}"
