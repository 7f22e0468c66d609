"""A reply: what is given at one position on one channel, as people get it and as bytes."""

from dataclasses import dataclass

from referral_line.replies.segments import SegmentCount


@dataclass(frozen=True, slots=True)
class SmsReply:
    """One text message, its cost, and the TwiML that sends it."""

    text: str
    count: SegmentCount
    twiml: bytes


@dataclass(frozen=True, slots=True)
class Say:
    """Words spoken in the voice of one language, or played as a person has recorded them."""

    tag: str
    text: str
    recording: str | None = None
    """The path of the recording, where there is one."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence, to breathe or write."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Gather:
    """Wait for keys while and after the words were said; ``action`` is the path that gets it."""

    prompt: tuple[Say | Pause, ...]
    action: str
    digits: int = 1
    """How many keys are waited for."""


@dataclass(frozen=True, slots=True)
class Dial:
    """Connect the caller to a number, then go on at ``action``."""

    number: str
    action: str


@dataclass(frozen=True, slots=True)
class SendSms:
    """Send a text message to the caller of this call; the carrier knows whom."""

    text: str


@dataclass(frozen=True, slots=True)
class Redirect:
    """Go on at another path."""

    path: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call."""


Verb = Say | Pause | Gather | Dial | SendSms | Redirect | HangUp


@dataclass(frozen=True, slots=True)
class VoiceReply:
    """What happens in a call until the next key, and the TwiML that makes it happen."""

    verbs: tuple[Verb, ...]
    twiml: bytes

    @property
    def spoken(self) -> tuple[Say, ...]:
        """Everything said, in order."""
        said: list[Say] = []
        for verb in self.verbs:
            if isinstance(verb, Say):
                said.append(verb)
            elif isinstance(verb, Gather):
                said += [part for part in verb.prompt if isinstance(part, Say)]
        return tuple(said)
