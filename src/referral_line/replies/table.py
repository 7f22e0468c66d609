"""The table: every reply of every served language, made once, before the first call."""

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import cached_property

from referral_line.content.checks import split_words
from referral_line.content.model import (
    PLACEHOLDER,
    Channel,
    Connect,
    Directory,
    Message,
    Node,
    Option,
    Script,
    SendText,
)
from referral_line.conversation.position import MAX_TURN, Position
from referral_line.languages.catalogue import Texts
from referral_line.languages.language import SOURCE_LANGUAGE, known_languages
from referral_line.languages.numbers import is_number, read_aloud, write_for
from referral_line.languages.recordings import digest
from referral_line.replies.leaflet import SECTIONS, render_leaflet
from referral_line.replies.reply import (
    Dial,
    Gather,
    HangUp,
    Pause,
    Redirect,
    Say,
    SendSms,
    SmsReply,
    Verb,
    VoiceReply,
)
from referral_line.replies.segments import (
    Encoding,
    count_segments,
    find_encoding,
    spare_typography,
)
from referral_line.replies.twiml import render_call, render_message
from referral_line.replies.wording import Values, fill, fill_lines, fill_paragraphs

BREATH_SECONDS = 1
WRITING_SECONDS = 2
"""A pause after a paragraph with a number in it, to write it down."""

CODE_DIGITS = 2
"""How many keys the code of a language has."""

SHOWN_LANGUAGES = 2
"""So many other languages are named in the first text message; then 'more'."""

_SMS_LAST_TURN = 2
"""By text: the reply, the menu again, then the numbers."""


@dataclass(frozen=True, slots=True)
class Table:
    """Ready replies by position, one table a channel. Look-ups never fail for a known position."""

    sms: Mapping[Position, SmsReply]
    voice: Mapping[Position, VoiceReply]
    leaflets: Mapping[str, bytes]
    """The printable leaflet of each language, by tag, as an HTML page."""
    fallback: Position
    """Given where there is no message for a position: the first menu."""
    spoken_fallback: Position
    """Given where there is no speech for a position: the same, in a language that has a voice."""

    def message(self, position: Position) -> SmsReply:
        """Return the text message at a position."""
        turn = min(position.turn, _SMS_LAST_TURN)
        return (
            self.sms.get(replace(position, turn=turn))
            or self.sms.get(replace(self.fallback, language=position.language))
            or self.sms[self.fallback]
        )

    def call(self, position: Position) -> VoiceReply:
        """Return the turn of a call at a position."""
        return (
            self.voice.get(position)
            or self.voice.get(replace(self.fallback, language=position.language))
            or self.voice[self.spoken_fallback]
        )


@dataclass(frozen=True)
class Compiler:
    """Everything the replies are made of.

    ``path_prefix`` is the path of the public URL; ``caller_id`` the line's own number;
    ``recordings`` has, by tag, the file names of recorded texts by their digest; ``spoken`` the
    tags that can be heard in calls.
    """

    script: Script
    directory: Directory
    languages: Sequence[str]
    path_prefix: str
    session_minutes: int
    caller_id: str | None
    default_language: str
    spoken: AbstractSet[str]
    recordings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def compile(self, texts: Sequence[Texts]) -> Table:
        """Make every reply.

        Raises:
            CatalogueError: a language has no text for a message.
            KeyError: a placeholder that nothing stands for; the checks let none pass.
        """
        spoken = {language.tag: language for language in texts if language.tag in self.spoken}
        sms = {
            Position(language.tag, node.id, turn): self._message(node, turn, language)
            for language in texts
            for node in self.script.nodes.values()
            if node.sms is not None and node.language in {None, language.tag}
            for turn in range(1 if node.ends else _SMS_LAST_TURN + 1)
        }
        voice = {
            Position(language.tag, node.id, turn): self._call(node, turn, language, spoken)
            for language in spoken.values()
            for node in self.script.nodes.values()
            if node.voice is not None
            for turn in range(MAX_TURN + 1 if node.options else 1)
        }
        start = Position(self.default_language, self.script.roles["start"])
        leaflets = {language.tag: self._leaflet(language) for language in texts}
        speaking = self.default_language if self.default_language in spoken else next(iter(spoken))
        return Table(sms, voice, leaflets, start, replace(start, language=speaking))

    def spoken_numbers(self, language: Texts) -> dict[str, str]:
        """Return how a language reads out the numbers that callers may be given, by service id."""
        return {
            service.id: self._read(service.phone, language)
            for service in self.directory.services.values()
            if service.is_confirmed and is_number(service.phone)
        }

    def _leaflet(self, language: Texts) -> bytes:
        nodes = self.script.nodes
        labels: dict[str, str] = {}
        for node in nodes.values():
            for option in node.options:
                labels.setdefault(option.to, _text(option.sms, language))
        return render_leaflet(
            known_languages()[language.tag],
            number=self.caller_id,
            ways=self._ways(language.tag),
            opening=self._sms_lines(nodes[self.script.roles["start"]], language),
            sections=[
                (labels.get(name, ""), self._sms_lines(nodes[name], language))
                for name in SECTIONS
                if name in nodes
            ],
        )

    def _ways(self, tag: str) -> list[str]:
        """What to text, and what to press in a call, to be answered in a language."""
        code = known_languages()[tag].code
        if len(self.languages) == 1:
            return []
        # A call begins with the list of languages; key 0 leads on to the codes.
        return [f"✉ {code}", *([f"☎ 0 {code}"] if tag in self.spoken else [])]

    # --- text messages ---------------------------------------------------------------------------

    def _message(self, node: Node, turn: int, language: Texts) -> SmsReply:
        menu = [
            f"{option.key} {self._label(option, node, language)}"
            for option in node.options
            if option.is_offered(Channel.SMS)
            # The codes are sent once: whoever needs them again has them in the message before.
            and not (turn and option.language and node.id == self.script.roles["more-languages"])
        ]
        if turn == 0:
            lines = self._sms_lines(node, language)
        elif turn == 1:
            again = self.script.phrases["again"]["sms"]
            lines = fill_lines(language.text(again), self._written(self._numbers, language))
        else:
            lines = self._sms_lines(self._numbers, language)
        text = spare_typography("\n".join(lines + menu))
        return SmsReply(text, count_segments(text), render_message(text))

    def _sms_lines(self, node: Node, language: Texts) -> list[str]:
        lines = fill_lines(_text(node.sms, language), self._written(node, language))
        if node.interpreter and language.tag != SOURCE_LANGUAGE:
            lines.append(language.text(self.script.phrases["interpreter"]["sms"]).strip())
            lines.append(known_languages()[language.tag].emergency_words)
        return lines

    def _label(self, option: Option, node: Node, language: Texts) -> str:
        if option.language is not None:
            return known_languages()[option.language].shown_name
        roles = self.script.roles
        if node.id == roles["start"] and option.to == roles["languages"]:
            others = [tag for tag in self.languages if tag != language.tag]
            shown = [known_languages()[tag].shown_name for tag in others]
            if known_languages()[language.tag].sms_encoding == "gsm7":
                # One name in another script would more than double what this message costs.
                plain = [name for name in shown if find_encoding(name) is Encoding.GSM_7]
                shown = plain or shown
            names = ", ".join(shown[:SHOWN_LANGUAGES])
            if len(others) <= SHOWN_LANGUAGES:
                return names
            more = language.text(self.script.phrases["more"]["sms"])
            return fill(more, {"languages": names}) or names
        return _text(option.sms, language)

    # --- calls -----------------------------------------------------------------------------------

    def _call(
        self, node: Node, turn: int, language: Texts, spoken: Mapping[str, Texts]
    ) -> VoiceReply:
        verbs = tuple(map(self._recorded, self._verbs(node, turn, language, spoken)))
        return VoiceReply(verbs, render_call(verbs, caller_id=self.caller_id))

    def _verbs(
        self, node: Node, turn: int, language: Texts, spoken: Mapping[str, Texts]
    ) -> list[Verb]:
        here = self.path(Position(language.tag, node.id, turn))
        match node.action:
            case Connect(number=number, then=then):
                onward = self.path_to(language.tag, then)
                return [*self._said(node, language), Dial(number, onward), Redirect(onward)]
            case SendText(of=of):
                details = "\n".join(self._sms_lines(self.script.nodes[of], language))
                onward = self.path_to(language.tag, of)
                sent = SendSms(spare_typography(details))
                return [sent, *self._said(node, language), Redirect(onward)]
        if node.ends:
            return [*self._said(node, language), HangUp()]
        if turn == MAX_TURN:
            return [*self._said(self._numbers, language), HangUp()]
        if turn == 0:
            prompt = self._said(node, language)
        else:
            prompt = self._paragraphs(self.script.phrases["again"]["voice"], node, language)
        prompt += self._spoken_menu(node, language, spoken)
        digits = CODE_DIGITS if node.id == self.script.roles["more-languages"] else 1
        # The carrier asks `action` on silence too; the redirect is for a carrier that doesn't.
        return [Gather(tuple(prompt), here, digits), Redirect(here)]

    def _recorded(self, verb: Verb) -> Verb:
        """Play what a person has recorded in place of a voice."""
        if isinstance(verb, Gather):
            return replace(verb, prompt=tuple(map(self._play, verb.prompt)))
        return self._play(verb) if isinstance(verb, Say) else verb

    def _play(self, part: Say | Pause) -> Say | Pause:
        if isinstance(part, Pause) or part.tag not in self.recordings:
            return part
        name = self.recordings[part.tag].get(digest(part.text))
        return replace(part, recording=name and f"{self.path_prefix}/audio/{part.tag}/{name}")

    def _said(self, node: Node, language: Texts) -> list[Say | Pause]:
        parts = self._paragraphs(node.voice, node, language)
        if node.interpreter and language.tag != SOURCE_LANGUAGE:
            words = Say(SOURCE_LANGUAGE, known_languages()[language.tag].emergency_words)
            phrase = language.text(self.script.phrases["interpreter"]["voice"]).strip()
            parts += [
                Say(language.tag, phrase),
                words,
                Pause(WRITING_SECONDS),
                words,
                Pause(BREATH_SECONDS),
            ]
        return parts

    def _paragraphs(
        self, message: Message | None, node: Node, language: Texts
    ) -> list[Say | Pause]:
        text = _text(message, language)
        named = set(re.findall(PLACEHOLDER, text))
        values = {name: value for name, value in self._values(node).items() if name in named}
        read = {
            name: self._read(value, language)
            for name, value in values.items()
            if value and is_number(value)
        }
        parts: list[Say | Pause] = []
        for paragraph in fill_paragraphs(text, {**values, **read}):
            has_number = any(number in paragraph for number in read.values())
            parts += [
                Say(language.tag, paragraph),
                Pause(WRITING_SECONDS if has_number else BREATH_SECONDS),
            ]
        return parts

    def _spoken_menu(
        self, node: Node, language: Texts, spoken: Mapping[str, Texts]
    ) -> list[Say | Pause]:
        parts: list[Say | Pause] = []
        for option in node.options:
            if (
                option.to == self.script.roles["languages"]
                and node.id != self.script.roles["start"]
            ):
                continue  # the key works everywhere; said once, it spares a long menu a line
            if not option.is_offered(Channel.VOICE):
                continue
            if option.language is not None:
                other = spoken[option.language]
                label, teller = other.text(self.script.phrases["offer"]["voice"]), other
            elif option.voice is not None:
                label, teller = language.text(option.voice), language
            else:
                continue
            key = {} if not option.key.isdigit() else {"key": self._read(option.key, teller)}
            parts.append(Say(teller.tag, fill(label.strip(), key) or ""))
        return parts

    def _read(self, number: str, language: Texts) -> str:
        digits = split_words(language.text(self.script.phrases["digits"]["voice"]))
        return read_aloud(number, digits)

    # --- both ------------------------------------------------------------------------------------

    def _written(self, node: Node, language: Texts) -> Values:
        """The values of a node as a text message of a language shows them."""
        direction = known_languages()[language.tag].direction
        return {
            name: write_for(direction, value) if value and is_number(value) else value
            for name, value in self._values(node).items()
        }

    @cached_property
    def _numbers_and_links(self) -> Values:
        return self.directory.placeholders()

    @property
    def _numbers(self) -> Node:
        return self.script.nodes[self.script.roles["numbers"]]

    def _values(self, node: Node) -> Values:
        return {
            **self._numbers_and_links,
            **node.values,
            "session-minutes": str(self.session_minutes),
        }

    def path(self, position: Position) -> str:
        """Return the path that gets the key pressed at a position: ``/voice/pl/paid/0``."""
        return f"{self.path_prefix}/voice/{position}"

    def path_to(self, tag: str, node: str) -> str:
        """Return the path that speaks a node from its beginning: ``/voice/pl/paid``."""
        return f"{self.path_prefix}/voice/{tag}/{node}"


def _text(message: Message | None, language: Texts) -> str:
    return "" if message is None else language.text(message).strip()
