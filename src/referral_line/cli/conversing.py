"""The line in a terminal: the same conversation and the same replies that a phone gets."""

import os
import re
import sys
from collections.abc import Iterable, Iterator

import click

from referral_line.content.model import Channel, Connect, SendText
from referral_line.conversation.position import Input, Position
from referral_line.languages.language import known_languages
from referral_line.replies.line import Line, compile_today
from referral_line.replies.reply import Dial, Gather, HangUp, Pause, Say, SendSms, Verb
from referral_line.settings import load_settings

_KEYS = re.compile(r"[0-9*#]|[0-9]{2}")
"""One key, or the two of a language's code."""
_RIGHT_KEYS = "press one of 0 to 9, * or #, or the two digits of a language's code"


def _compile() -> Line:
    return compile_today(load_settings(os.environ))


def _find_language(tag: str | None, served: Iterable[str]) -> str | None:
    """Return a tag as it is served, whatever its capitals; one that is not is wrong use."""
    if tag is None:
        return None
    found = {other.casefold(): other for other in served}.get(tag.casefold())
    if found is None:
        message = f"{tag!r} is not served; choose from {', '.join(served)}"
        raise click.BadParameter(message)
    return found


@click.command()
@click.option("--language", metavar="TAG", help="Begin in this language, such as pl.")
@click.option(
    "--keys",
    metavar="1,1",
    help="Send these messages one after the other, then stop. Without it, type your own.",
)
def text(language: str | None, keys: str | None) -> None:
    """Text the line in this terminal.

    Prints each reply as the phone shows it, with the segments it costs. Type what you like; an
    empty line or the end of input stops.
    """
    line = _compile()
    tag = _find_language(language, line.languages)
    messages = keys.split(",") if keys is not None else _typed("Message: ")
    for printed in converse_by_text(line, tag, messages):
        click.echo(printed)


def converse_by_text(line: Line, language: str | None, messages: Iterable[str]) -> Iterator[str]:
    """Yield what a whole conversation by text prints, message by message."""
    position: Position | None = line.conversation.begin(Input(), language)
    yield from _shown(line, line.conversation.start(language))
    for message in messages:
        given = Input(message)
        yield f"\n> {message}\n"
        if position is None:
            position = line.conversation.begin(given, language)
        else:
            position = line.conversation.advance(position, given)
        yield from _shown(line, position)
        if line.conversation.has_ended(position):
            position = None


def _shown(line: Line, position: Position) -> Iterator[str]:
    reply = line.table.message(position)
    plural = "" if reply.count.segments == 1 else "s"
    yield reply.text
    yield f"  [{reply.count.segments} segment{plural}, {reply.count.encoding}]"


@click.command()
@click.option("--language", metavar="TAG", help="Call a number that serves this language alone.")
@click.option(
    "--keys",
    metavar="1,2",
    help="Press these keys one after the other, then stop; nothing between two commas is silence.",
)
def call(language: str | None, keys: str | None) -> None:
    """Call the line in this terminal.

    Prints what is said, and in which voice. Type one key at a time: 0 to 9, * or #; an empty line
    is silence, the end of input hangs up.
    """
    line = _compile()
    tag = _find_language(language, [tag for tag in line.languages if line.is_spoken(tag)])
    pressed = _split_keys(keys) if keys is not None else _typed_keys()
    for printed in converse_by_voice(line, tag, pressed):
        click.echo(printed)


def _split_keys(keys: str) -> list[str]:
    """Split ``--keys`` of a call; an empty one is silence."""
    pressed = [key.strip() for key in keys.split(",")]
    for key in pressed:
        if key and not _KEYS.fullmatch(key):
            message = f"{key!r} is no key; {_RIGHT_KEYS}"
            raise click.BadParameter(message, param_hint="--keys")
    return pressed


def _typed_keys() -> Iterator[str]:
    for key in _typed("Key: ", can_be_silent=True):
        if not key or _KEYS.fullmatch(key):
            yield key
        else:
            click.echo(f"{key!r} is no key; {_RIGHT_KEYS}", err=True)


def converse_by_voice(line: Line, language: str | None, keys: Iterable[str]) -> Iterator[str]:
    """Yield what a whole call prints, turn by turn, until the keys or the call end."""
    conversation = line.conversation
    position = conversation.start(language) if language else conversation.offer_languages()
    pressed = iter(keys)
    while True:
        reply = line.table.call(position)
        for verb in reply.verbs:
            yield from _heard(verb)
        action = line.script.nodes[position.node].action
        if isinstance(action, Connect):
            position = Position(position.language, action.then)
        elif isinstance(action, SendText):
            position = Position(position.language, action.of)
        elif isinstance(reply.verbs[-1], HangUp):
            return
        else:
            key = next(pressed, None)
            if key is None:
                yield "\n(hung up)"
                return
            yield f"\n> {key or '(silence)'}\n"
            position = conversation.advance(position, Input(key, channel=Channel.VOICE))


def _heard(verb: Verb) -> Iterator[str]:
    match verb:
        case Gather(prompt=prompt):
            for part in prompt:
                yield from _heard(part)
        case Say(tag=tag, text=said, recording=recording):
            voice = known_languages()[tag].voice
            speaker = f"{tag}, recorded" if recording or not voice else voice.language
            yield f"[{speaker}] {said}"
        case Pause(seconds=seconds):
            yield f"  ({seconds} s pause)"
        case Dial(number=number):
            yield f"  (connecting to {number})"
        case SendSms(text=sent):
            yield f"  (text message to the caller)\n{sent}\n"
        case HangUp():
            yield "\n(the line hangs up)"


@click.command()
@click.argument("tag")
def leaflet(tag: str) -> None:
    """Print the leaflet of a language as an HTML page.

    Open it in a browser to print it. It has the line's number where REFERRAL_LINE_NUMBER is set.
    """
    line = _compile()
    page = line.table.leaflets[_find_language(tag, line.languages) or tag]
    click.echo(page.decode("utf-8"), nl=False)


def _typed(prompt: str, *, can_be_silent: bool = False) -> Iterator[str]:
    while True:
        click.echo(f"\n{prompt}", nl=False, err=True)
        typed = sys.stdin.readline()
        if not typed or (not typed.strip() and not can_be_silent):
            click.echo(err=True)
            return
        yield typed.strip()
