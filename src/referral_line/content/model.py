"""What the script and the services directory are made of. Pure data; English only."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

PLACEHOLDER = r"\{([a-z0-9-]+)\}"
"""A placeholder in a message: ``{crimestoppers}``. Plain names, no attributes, no indexes."""

REPEAT_KEY = "*"
MAX_SPOKEN_CHOICES = 5
"""At most five choices a spoken menu, beside the standing keys (shared design of the line)."""
MAX_KEYS_TO_REFERRAL = 2
"""A referral is at most two keys from the first menu."""

OPT_OUT_WORDS = frozenset(
    {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"}
)
"""Whole messages, in any case, after which Twilio delivers nothing more to the caller."""
CARRIER_WORDS = OPT_OUT_WORDS | {"help", "info", "start", "yes", "unstop"}
"""Whole messages that Twilio answers itself, in any case (twilio.com/docs/messaging/tutorials/
advanced-opt-out). No text of ours asks a caller to send one."""


class Channel(StrEnum):
    """How a caller reaches the line."""

    SMS = "sms"
    VOICE = "voice"


@dataclass(frozen=True, slots=True)
class Message:
    """One English text to translate: a gettext message.

    ``context`` is where it stands (``home/sms``, ``home/blackmailed/voice``), unique in the script.
    """

    context: str
    text: str
    line: int
    comments: tuple[str, ...] = ()
    key: str = ""

    @property
    def msgid(self) -> str:
        """What a catalogue finds it by: the English text, or a fixed sentence for a list of words.

        Each language has words of its own. One more in English makes no translation out of date.
        """
        return self.key or self.text

    @property
    def is_words(self) -> bool:
        """Whether it is a list of words that callers may type, and that nobody is shown."""
        return self.context.endswith("/words")


@dataclass(frozen=True, slots=True)
class Option:
    """One key of a menu. A missing label means that the key is not offered on that channel."""

    key: str
    to: str
    sms: Message | None = None
    voice: Message | None = None
    line: int = 0
    language: str | None = None
    """The tag this option changes to; its label is then that language's own name."""
    channel: Channel | None = None
    """The one channel that offers this change of language; both where it is ``None``."""

    def label(self, channel: Channel) -> Message | None:
        """What is shown or said for this key on a channel."""
        return self.sms if channel is Channel.SMS else self.voice

    def is_offered(self, channel: Channel) -> bool:
        """Whether a caller on this channel can press this key."""
        if self.language is not None:
            return self.channel in {None, channel}
        return self.label(channel) is not None


@dataclass(frozen=True, slots=True)
class Connect:
    """A node that connects a voice caller to a service, then goes on at ``then``."""

    number: str
    then: str


@dataclass(frozen=True, slots=True)
class SendText:
    """A node that texts the details of the node ``of`` to a voice caller, then goes on there."""

    of: str


@dataclass(frozen=True, slots=True)
class Node:
    """One place in the conversation."""

    id: str
    sms: Message | None
    voice: Message | None
    options: tuple[Option, ...] = ()
    words: Message | None = None
    crisis: int | None = None
    interpreter: bool = False
    back: str | None = None
    ends: bool = False
    line: int = 0
    action: Connect | SendText | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    """Placeholders of this node alone, such as the name of a police force."""
    language: str | None = None
    """The one language this node is given in; every language where it is ``None``."""
    typed: Mapping[str, str] = field(default_factory=dict)
    """Names a caller may type here, each with the node it leads to."""

    def prompt(self, channel: Channel) -> Message | None:
        """What this node says on a channel."""
        return self.sms if channel is Channel.SMS else self.voice

    def messages(self) -> Iterator[Message]:
        """Every message of this node, in the order of the file."""
        for message in (self.sms, self.voice, self.words):
            if message is not None:
                yield message
        for option in self.options:
            for label in (option.sms, option.voice):
                if label is not None:
                    yield label


@dataclass(frozen=True, slots=True)
class Script:
    """The whole conversation as written: nodes, standing keys, single sentences, templates."""

    file: str
    roles: Mapping[str, str]
    """The nodes with a role: start, numbers, languages and so on."""
    nodes: Mapping[str, Node]
    standing: Mapping[str, Option]
    phrases: Mapping[str, Mapping[str, Message]]
    templates: Mapping[str, Node]

    def messages(self) -> Iterator[Message]:
        """Every message to translate, each once, in the order of the file."""
        for option in self.standing.values():
            for label in (option.sms, option.voice):
                if label is not None:
                    yield label
        for phrase in self.phrases.values():
            yield from phrase.values()
        for node in (*self.nodes.values(), *self.templates.values()):
            yield from node.messages()


@dataclass(frozen=True, slots=True)
class Service:
    """One organisation's service that callers are signposted to, with the source of each fact."""

    id: str
    name: str
    phone: str
    phone_e164: str
    option: str
    text_number: str
    text_keyword: str
    url: str
    verified_on: str
    is_confirmed: bool
    is_hours_confirmed: bool
    """Whether a text may say when it answers."""
    line: int

    def placeholders(self) -> Mapping[str, str]:
        """What the script may use of this service, by placeholder name."""
        values = {
            self.id: self.phone,
            f"{self.id}-option": self.option,
            f"{self.id}-text": self.text_number,
            f"{self.id}-keyword": self.text_keyword,
            f"{self.id}-link": self.url,
        }
        return {name: value for name, value in values.items() if value}


@dataclass(frozen=True, slots=True)
class Force:
    """One territorial police force, with the names a caller may type for it."""

    id: str
    name: str
    also: tuple[str, ...]
    url: str
    verified_on: str
    is_confirmed: bool
    line: int


@dataclass(frozen=True, slots=True)
class Directory:
    """Every service and police force, by id."""

    file: str
    services: Mapping[str, Service]
    forces: Mapping[str, Force]

    def placeholders(self) -> Mapping[str, str | None]:
        """Every placeholder of the services; ``None`` where the service is not confirmed yet."""
        return {
            name: value if service.is_confirmed else None
            for service in self.services.values()
            for name, value in service.placeholders().items()
        }


def latest_day(verified_on: str) -> date | None:
    """Return the last day a ``verified_on`` can mean: a day, a month or a year.

    >>> latest_day("2026-10-05"), latest_day("2024"), latest_day("2026-02")
    (datetime.date(2026, 10, 5), datetime.date(2024, 12, 31), datetime.date(2026, 2, 28))
    >>> latest_day("undated") is None
    True

    Raises ``ValueError`` for anything else.
    """
    if verified_on == "undated":
        return None
    year, month, day = ([int(part) for part in verified_on.split("-")] + [0, 0])[:3]
    if day:
        return date(year, month, day)
    following = date(year + 1, 1, 1) if month in {0, 12} else date(year, month + 1, 1)
    return date.fromordinal(following.toordinal() - 1)
