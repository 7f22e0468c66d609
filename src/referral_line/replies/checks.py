"""What may never be sent or said, looked for in every reply of the table before the first call."""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote
from xml.etree import ElementTree as ET

from referral_line.content.checks import split_words
from referral_line.content.model import Script
from referral_line.conversation.position import Position
from referral_line.conversation.wording import normalise
from referral_line.errors import Fault, Severity
from referral_line.languages.catalogue import Catalogue, Texts
from referral_line.languages.language import SOURCE_LANGUAGE
from referral_line.replies.reply import VoiceReply
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
        file = language.file if isinstance(language, Catalogue) else script.file
        discreet = _stems(script, language)
        faults = found.setdefault(language.tag, [])
        for position, reply in table.sms.items():
            if position.language == language.tag:
                texts_of = _check_message(reply.text, discreet)
                faults += [Fault(file, None, str(position), text) for text in texts_of]
                faults += _check_segments(position, reply.count.segments, script, file)
                faults += _check_xml(position, reply.twiml, file)
        for position, call in table.voice.items():
            if position.language == language.tag:
                faults += [Fault(file, None, str(position), text) for text in _check_call(call)]
                faults += _check_xml(position, call.twiml, file)
    return found


def _stems(script: Script, language: Texts) -> list[str]:
    words = split_words(language.text(script.phrases["discreet"]["words"]))
    return [normalise(word) for word in words]


def _check_message(text: str, discreet: Iterable[str]) -> Iterator[str]:
    if len(text) > MAX_BODY:
        yield f"{len(text)} characters; the carrier sends {MAX_BODY} at most"
    shown = normalise(text[:LOCK_SCREEN])
    for stem in discreet:
        if re.search(rf"\b{re.escape(stem)}", shown):
            yield (
                f"names '{stem}' in the first {LOCK_SCREEN} characters, which others may see on a "
                f"locked screen: {text[:LOCK_SCREEN]!r}"
            )


def _check_segments(
    position: Position, segments: int, script: Script, file: str
) -> Iterator[Fault]:
    first, other = BUDGETS[position.language == SOURCE_LANGUAGE]
    is_first = position.node == script.roles["start"] and position.turn == 0
    limit = first if is_first else other
    if segments > limit:
        text = f"{segments} segments; {limit} at most, or it costs and arrives in pieces"
        yield Fault(file, None, str(position), text, Severity.WARNING)


def _check_call(reply: VoiceReply) -> Iterator[str]:
    for said in reply.spoken:
        if len(said.text) > MAX_SAID or len(quote(said.text)) > MAX_SAID_ENCODED:
            yield f"a paragraph is too long for the voice; divide it: {said.text[:60]!r}…"


def _check_xml(position: Position, twiml: bytes, file: str) -> Iterator[Fault]:
    if len(twiml) > MAX_TWIML:
        text = f"{len(twiml)} bytes of TwiML; {MAX_TWIML} at most"
        yield Fault(file, None, str(position), text)
    try:
        ET.fromstring(twiml)  # noqa: S314 - our own output, made a moment ago
    except ET.ParseError as error:
        yield Fault(file, None, str(position), f"breaks the TwiML: {error}")
