"""The fallback: static TwiML with the numbers, for when this server can't be reached.

The carrier asks it when a webhook fails; without it a call ends with an error and a text is lost.
It is made from the table's last words, the node with the role ``numbers``, so that it can't say
anything else than the line does. It has no menu and no address: whatever it needs is in the file.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from referral_line.conversation.position import Position
from referral_line.errors import Fault, FaultsFound, Severity
from referral_line.languages.checks import Finding
from referral_line.languages.language import known_languages
from referral_line.replies.checks import check_call, check_message, check_xml
from referral_line.replies.line import Line
from referral_line.replies.reply import HangUp, Pause, Say, SmsReply, VoiceReply
from referral_line.replies.segments import MAX_BODY, count_segments, spare_typography
from referral_line.replies.twiml import render_call, render_message

MAX_BIN = 4000
"""Characters of one TwiML Bin. Unconfirmed: Twilio documents this figure for TwiML inside an API
request (error 32018), and none for bins."""
MAX_SEGMENTS = 10
"""Segments of the message in several languages, beyond which an operator is warned: our choice.
Two languages fit whose letters need UCS-2; a message that loses one part is often not shown."""
NEEDED = ("police-999", "police-101", "crimestoppers", "samaritans", "childline")
"""Services of the directory whose number each file must have, in each of its languages."""

README = "README.txt"
_MARK = "Fallback of referral-line"
"""How the README begins, by which a folder is known as one of ours."""
_LANGUAGE_FILE = re.compile(r"(?:sms|voice)-(?P<tag>[A-Za-z0-9-]+)\.xml")

_README = """\
{mark}
Written on {day:%d %B %Y}. Write it anew after every change of texts or numbers: these files never
change by themselves.

sms.xml        answers texts, in {sms}
voice.xml      answers calls, in {voice}
sms-TAG.xml    the same for a number that serves one language, such as sms-pl.xml
voice-TAG.xml

They go where this line's own server is not: into two TwiML Bins, or onto another host that answers
POST with text/xml (deploy/fallback/nginx.conf). Then tell the number:

    referral-line number set --fallback-url URL [--voice-fallback-url URL]

docs/fallback.md says more. Running `referral-line fallback` again replaces these files.
"""


@dataclass(frozen=True, slots=True)
class FallbackFile:
    """One file: its name, the tags of its languages in their order, and what it replies."""

    name: str
    languages: tuple[str, ...]
    reply: SmsReply | VoiceReply


def compile_fallback(line: Line, chosen: Sequence[str] = ()) -> list[FallbackFile]:
    """Make every file: ``sms.xml`` and ``voice.xml``, then those of each language in menu order.

    A language without a voice of the carrier's has no file for calls: recordings would have to
    come from this server.

    Args:
        line: The compiled line.
        chosen: Tags for the two files in several languages, in this order. Empty: the default
            language, then the menu as far as it fits.

    Raises:
        FaultsFound: the node of the numbers can't stand alone, or no chosen language has a voice.
    """
    _require_last_words(line)

    def text(tags: Sequence[str]) -> SmsReply:
        return _message(line, tags)

    def call(tags: Sequence[str]) -> VoiceReply:
        return _call(line, tags)

    if chosen:
        several = list(dict.fromkeys(chosen))
        heard = _voiced(several)
        if not heard:
            problem = "has no voice, so nothing answers calls; name a language that has one"
            raise FaultsFound([Fault("voice.xml", None, ", ".join(several), problem)])
    else:
        default = line.conversation.default_language
        menu = [default, *(tag for tag in line.languages if tag != default)]
        several, heard = _fitting(menu, text), _fitting(_voiced(menu), call)
    return [
        FallbackFile("sms.xml", tuple(several), text(several)),
        FallbackFile("voice.xml", tuple(heard), call(heard)),
        *(FallbackFile(f"sms-{tag}.xml", (tag,), text([tag])) for tag in line.languages),
        *(FallbackFile(f"voice-{tag}.xml", (tag,), call([tag])) for tag in _voiced(line.languages)),
    ]


def check_fallback(files: Sequence[FallbackFile], line: Line) -> list[Fault]:
    """Return what is wrong with the files, in their order; only errors make one useless."""
    return [
        Fault(file.name, None, ", ".join(file.languages), text, severity)
        for file in files
        for severity, text in (
            *_check_reply(file, line),
            *check_xml(file.reply.twiml),
            *_check_bin(file.reply.twiml),
            *_check_numbers(file, line),
        )
    ]


def write_fallback(folder: Path, files: Sequence[FallbackFile], *, today: date) -> list[str]:
    """Write the files and a README; none is ever there by half.

    Files of an earlier run in languages that are served no more are removed; nothing else is.

    Args:
        folder: Where to; made if it is missing.
        files: What ``compile_fallback`` returned.
        today: The day that the README names.

    Returns:
        The names of the files removed.

    Raises:
        FaultsFound: a file of one of these names is not ours, or the folder can't be written.
    """
    contents = {README: _readme(files, today), **{file.name: file.reply.twiml for file in files}}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _require_ours(folder, contents)
        _replace(folder, contents)
        return _remove_stale(folder, contents)
    except OSError as error:
        problem = f"can't be written ({error.strerror}); mend that or choose another folder"
        raise FaultsFound([Fault(str(folder), None, "fallback", problem)]) from error


# --- making them ---------------------------------------------------------------------------------


def _require_last_words(line: Line) -> None:
    node = line.script.nodes[line.script.roles["numbers"]]
    if node.options or not node.ends or node.sms is None or node.voice is None:
        problem = (
            "gives the fallback its words, so it needs sms and voice, ends = true and no keys: "
            "where this server is away, nobody reads a key"
        )
        raise FaultsFound([Fault(line.script.file, node.line, node.id, problem)])


def _numbers(line: Line, tag: str) -> Position:
    return Position(tag, line.script.roles["numbers"])


def _voiced(tags: Sequence[str]) -> list[str]:
    return [tag for tag in tags if known_languages()[tag].voice]


def _fitting(
    tags: Sequence[str], make: Callable[[Sequence[str]], SmsReply | VoiceReply]
) -> list[str]:
    """Return the first of the tags, and those after it until one does not fit any more."""
    count = 1
    while count < len(tags) and _fits(make(tags[: count + 1])):
        count += 1
    return list(tags[:count])


def _fits(reply: SmsReply | VoiceReply) -> bool:
    if isinstance(reply, SmsReply) and (
        len(reply.text) > MAX_BODY or reply.count.segments > MAX_SEGMENTS
    ):
        return False
    return _length(reply.twiml) <= MAX_BIN


def _length(twiml: bytes) -> int:
    """Return the length in characters, which is how a TwiML Bin is filled: by pasting."""
    return len(twiml.decode("utf-8"))


def _message(line: Line, tags: Sequence[str]) -> SmsReply:
    """Make one message: several are billed each, and arrive in any order."""
    texts = [line.table.message(_numbers(line, tag)).text for tag in tags]
    text = spare_typography("\n\n".join(texts))
    return SmsReply(text, count_segments(text), render_message(text))


def _call(line: Line, tags: Sequence[str]) -> VoiceReply:
    """Say each language once; a single one is said again where that fits."""
    said = [part for tag in tags for part in _said(line, tag)]
    once = _ending(said)
    if len(tags) > 1:
        return once
    twice = _ending([*_without_goodbye(said, line.spoken_numbers[tags[0]].values()), *said])
    return twice if _fits(twice) else once


def _said(line: Line, tag: str) -> list[Say | Pause]:
    """Return what is said at the numbers, in the carrier's voice: recordings lie on our server."""
    parts: list[Say | Pause] = []
    for verb in line.table.call(_numbers(line, tag)).verbs:
        if isinstance(verb, Say):
            parts.append(replace(verb, recording=None))
        elif isinstance(verb, Pause):
            parts.append(verb)
    return parts


def _without_goodbye(said: Sequence[Say | Pause], numbers: Iterable[str]) -> list[Say | Pause]:
    """Leave out a last sentence without a number: who is told goodbye hangs up."""
    last = max(at for at, part in enumerate(said) if isinstance(part, Say))
    part = said[last]
    if isinstance(part, Say) and not any(number in part.text for number in numbers):
        return list(said[:last])
    return list(said)


def _ending(said: Sequence[Say | Pause]) -> VoiceReply:
    verbs = (*said, HangUp())
    return VoiceReply(verbs, render_call(verbs, caller_id=None))


# --- checking them -------------------------------------------------------------------------------


def _check_reply(file: FallbackFile, line: Line) -> Iterator[Finding]:
    if isinstance(file.reply, VoiceReply):
        yield from check_call(file.reply)
        return
    yield from check_message(file.reply.text, line.discreet[file.languages[0]])
    count = file.reply.count
    if count.segments > MAX_SEGMENTS:
        yield (
            Severity.WARNING,
            (
                f"{count.segments} segments of {count.encoding}; with more than {MAX_SEGMENTS} it "
                "costs much and may arrive in pieces or not at all; choose fewer --languages"
            ),
        )


def _check_bin(twiml: bytes) -> Iterator[Finding]:
    length = _length(twiml)
    if length > MAX_BIN:
        yield (
            Severity.ERROR,
            (
                f"{length} characters; a TwiML Bin takes {MAX_BIN}; choose fewer --languages, or "
                "shorten the texts of the numbers"
            ),
        )
    if b"{{" in twiml:
        yield Severity.ERROR, "has '{{', which a TwiML Bin takes for a field to fill in; reword it"


def _check_numbers(file: FallbackFile, line: Line) -> Iterator[Finding]:
    """Look for each number, as it is written or read out, in each language of the file."""
    for tag in file.languages:
        for service in NEEDED:
            spoken = line.spoken_numbers[tag].get(service)
            if spoken is None:
                problem = "services.toml has no confirmed service of this name with a number"
            elif isinstance(file.reply, VoiceReply):
                said = (say.text for say in file.reply.spoken if say.tag == tag)
                problem = "" if any(spoken in text for text in said) else "it is not said"
            else:
                written = re.escape(line.directory.services[service].phone)
                alone = rf"(?<!\d)(?<!\d ){written}(?! ?\d)"
                problem = "" if re.search(alone, file.reply.text) else "it is not written"
            if problem:
                yield (
                    Severity.ERROR,
                    (
                        f"lacks the number of '{service}' in {tag}: {problem}; put "
                        f"{{{service}}} into the node '{line.script.roles['numbers']}', and "
                        "confirm the service"
                    ),
                )


# --- writing them --------------------------------------------------------------------------------


def _readme(files: Sequence[FallbackFile], today: date) -> bytes:
    names = {
        file.name: ", ".join(known_languages()[tag].english_name for tag in file.languages)
        for file in files
    }
    text = _README.format(mark=_MARK, day=today, sms=names["sms.xml"], voice=names["voice.xml"])
    return text.encode("utf-8")


def _require_ours(folder: Path, contents: Mapping[str, bytes]) -> None:
    readme = folder / README
    if readme.is_file() and readme.read_bytes().startswith(_MARK.encode()):
        return
    faults = [
        Fault(
            str(folder / name),
            None,
            "fallback",
            f"is there already, and no {README} says that it is ours; choose another folder",
        )
        for name in contents
        if (folder / name).exists()
    ]
    if faults:
        raise FaultsFound(faults)


def _replace(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write everything beside its place first; the README comes first, being the mark."""
    written = {name: folder / f".{name}.new" for name in contents}
    try:
        for name, path in written.items():
            path.write_bytes(contents[name])
        for name, path in written.items():
            path.replace(folder / name)
    finally:
        for path in written.values():
            path.unlink(missing_ok=True)


def _remove_stale(folder: Path, contents: Mapping[str, bytes]) -> list[str]:
    stale = [
        path
        for path in sorted(folder.iterdir())
        if path.name not in contents
        and (found := _LANGUAGE_FILE.fullmatch(path.name))
        and found["tag"] in known_languages()
    ]
    for path in stale:
        path.unlink()
    return [path.name for path in stale]
