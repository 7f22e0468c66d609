"""From what happens to the carrier's markup, by the carrier's own library.

The library is no validator (facts on Twilio, section 4), so ``checks`` reads every reply again.
"""

from twilio.twiml import TwiML
from twilio.twiml.messaging_response import MessagingResponse
from twilio.twiml.voice_response import Gather as GatherVerb
from twilio.twiml.voice_response import VoiceResponse

from referral_line.languages.language import SOURCE_LANGUAGE, known_languages
from referral_line.replies.reply import Dial, Gather, HangUp, Pause, Redirect, Say, SendSms, Verb

GATHER_SECONDS = 8
"""Patience after the last word, for someone who is frightened; the carrier's default is 5."""


def render_message(text: str) -> bytes:
    """Render the TwiML that sends one text message."""
    response = MessagingResponse()
    response.message(text)
    return _encode(response)


def render_call(verbs: tuple[Verb, ...], *, caller_id: str | None) -> bytes:
    """Render the TwiML of one turn of a call.

    Args:
        verbs: What happens, in order.
        caller_id: The line's own number, shown to the service in a transfer, never the caller's.
    """
    response = VoiceResponse()
    for verb in verbs:
        match verb:
            case Say() | Pause():
                _speak(response, verb)
            case Gather():
                gather = response.gather(
                    action=verb.action,
                    method="POST",
                    input="dtmf",
                    num_digits=verb.digits,
                    finish_on_key="" if verb.digits == 1 else "#",
                    timeout=GATHER_SECONDS,
                    action_on_empty_result=True,
                )
                for part in verb.prompt:
                    _speak(gather, part)
            case Dial():
                dial = response.dial(caller_id=caller_id, action=verb.action, method="POST")
                dial.number(verb.number)
            case SendSms():
                response.sms(verb.text)
            case Redirect():
                response.redirect(verb.path, method="POST")
            case HangUp():
                response.hangup()
    return _encode(response)


def _speak(parent: VoiceResponse | GatherVerb, part: Say | Pause) -> None:
    if isinstance(part, Pause):
        parent.pause(length=part.seconds)
        return
    if part.recording is not None:
        parent.play(part.recording)
        return
    voice = known_languages()[part.tag].voice or known_languages()[SOURCE_LANGUAGE].voice
    if voice is not None:
        parent.say(part.text, voice=voice.name, language=voice.language)


def _encode(response: TwiML) -> bytes:
    return str(response).encode("utf-8")
