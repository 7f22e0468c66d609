"""Every reply of a language as a caller gets it, with English beside it, for translators to read.

One HTML page that loads nothing, or plain text. It is made from the table that serves callers, so
that what is seen here is what is sent and said.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from referral_line.conversation.position import Position
from referral_line.errors import Fault
from referral_line.languages.language import SOURCE_LANGUAGE, Language, known_languages
from referral_line.replies.line import Line
from referral_line.replies.reply import SmsReply, VoiceReply

PER_VOICE_CHARACTER = {"neural": 0.0032, "wavenet": 0.0032, "": 0.0008}
"""US dollars for 100 spoken characters by kind of voice (twilio.com text-to-speech prices, 2025);
"" is a standard voice."""

_REPROMPTS = 2
"""Turns after the first that are shown once, at the first menu; they read alike everywhere."""

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}: every reply</title>
<style>
:root {{ color-scheme: light dark; --edge: #8886; --paper: #fff; --ink: #16202a; --mine: #dcecff;
  --other: #eef0f2; --wrong: #b3261e; }}
@media (prefers-color-scheme: dark) {{ :root {{ --paper: #14181d; --ink: #e8ecf0; --mine: #16395c;
  --other: #262c33; --wrong: #ff8a80; }} }}
body {{ font: 1rem/1.45 system-ui, "Noto Sans", sans-serif; color: var(--ink);
  background: var(--paper); max-inline-size: 64rem; margin: 1.5rem auto; padding-inline: 1rem; }}
h1 {{ font-size: 1.5rem; margin: 0; }}
h2 {{ font-size: 1.05rem; margin: 2rem 0 .5rem; border-block-start: 1px solid var(--edge);
  padding-block-start: .7rem; }}
.pair {{ display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; align-items: start;
  margin-block-end: .8rem; }}
@media (max-width: 40rem) {{ .pair {{ grid-template-columns: 1fr; }} }}
.sms {{ background: var(--mine); border-radius: 1rem; padding: .7rem .9rem; }}
.english .sms {{ background: var(--other); }}
.sms p {{ margin: 0; unicode-bidi: plaintext; text-align: start; overflow-wrap: anywhere; }}
.call {{ border: 1px solid var(--edge); border-radius: .5rem; padding: .7rem .9rem; }}
.call p {{ margin: 0 0 .4rem; }}
.cost {{ font-size: .85rem; opacity: .8; margin: .3rem 0 0; }}
.over, .faults {{ color: var(--wrong); }}
.other {{ opacity: .75; }}
</style>
</head>
<body>
<h1>{name}</h1>
<p>{summary}</p>
{faults}{sections}
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """One place of the conversation in a language and in English."""

    title: str
    message: tuple[SmsReply, SmsReply] | None
    call: tuple[VoiceReply, VoiceReply] | None


def collect(line: Line, tag: str) -> Iterator[Shown]:
    """Yield every place of the conversation, in the order of the script."""
    for node in line.script.nodes.values():
        if node.language is not None or node.id.startswith("force-"):
            continue  # made from one template each; the first of them says it all
        turns = 1 + _REPROMPTS if node.id == line.script.roles["start"] else 1
        for turn in range(turns):
            here, there = (Position(each, node.id, turn) for each in (tag, SOURCE_LANGUAGE))
            title = f"{node.id}, not understood ({turn})" if turn else node.id
            spoken = line.table.voice.get(here)
            sent = line.table.sms.get(here)
            yield Shown(
                title,
                (sent, line.table.sms[there]) if sent else None,
                (spoken, line.table.voice[there]) if spoken else None,
            )
    for template in line.script.templates:
        yield from _first_of(line, tag, template)


def _first_of(line: Line, tag: str, template: str) -> Iterator[Shown]:
    """The first node that was made of a template for places of the directory."""
    for node in line.script.nodes.values():
        here, there = Position(tag, node.id), Position(SOURCE_LANGUAGE, node.id)
        is_made = node.id.startswith("force-") and line.script.templates[template].sms is node.sms
        if is_made and here in line.table.sms:
            yield Shown(
                f"{template}, as in {node.id}", (line.table.sms[here], line.table.sms[there]), None
            )
            return


def render_html(line: Line, tag: str, faults: Sequence[Fault] = ()) -> str:
    """Render the page of a language, right to left where it is written so."""
    language = known_languages()[tag]
    listed = "".join(f"<li>{escape(str(fault))}</li>\n" for fault in faults)
    return _PAGE.format(
        name=escape(f"{language.shown_name} · {language.english_name}"),
        summary=escape(describe(line, language)),
        faults=f'<ul class="faults">\n{listed}</ul>\n' if faults else "",
        sections="\n".join(_section(shown, language) for shown in collect(line, tag)),
    )


def render_text(line: Line, tag: str) -> str:
    """Render the same as plain text, without the English."""
    language = known_languages()[tag]
    parts = [f"{language.shown_name} · {language.english_name}", describe(line, language)]
    for shown in collect(line, tag):
        if shown.message:
            sent = shown.message[0]
            parts.append(f"--- {shown.title}, text message: {_cost(sent)}\n\n{sent.text}")
        if shown.call:
            said = "\n".join(f"[{say.tag}] {say.text}" for say in shown.call[0].spoken)
            parts.append(f"--- {shown.title}, call: {_spoken_cost(shown.call[0])}\n\n{said}")
    return "\n\n".join(parts) + "\n"


def describe(line: Line, language: Language) -> str:
    """Say in one sentence how a language is carried: voice, script, letters."""
    voice = f"voice {language.voice.name}" if language.voice else "no voice: text messages only"
    letters = (
        "plain letters, 160 to a message"
        if language.sms_encoding == "gsm7"
        else "letters beyond the plain alphabet, 70 to a message"
    )
    opening = line.table.sms[Position(language.tag, line.script.roles["start"])]
    return f"Code {language.code}; {voice}; {letters}; opening: {_cost(opening)}."


def _section(shown: Shown, language: Language) -> str:
    rows = []
    if shown.message:
        rows.append([_bubble(reply) for reply in shown.message])
    if shown.call:
        own, english = shown.call
        rows.append([_speech(own, language.tag), _speech(english, SOURCE_LANGUAGE)])
    pairs = "\n".join(
        f'<div class="pair">\n<div lang="{language.tag}" dir="{language.direction}">{own}</div>\n'
        f'<div class="english" lang="en" dir="ltr">{english}</div>\n</div>'
        for own, english in rows
    )
    return f"<section>\n<h2>{escape(shown.title)}</h2>\n{pairs}\n</section>"


def _bubble(reply: SmsReply) -> str:
    lines = "\n".join(f"<p>{escape(text)}</p>" for text in reply.text.splitlines())
    cost = f'<p class="cost" lang="en" dir="ltr">{escape(_cost(reply))}</p>'
    return f'<div class="sms">\n{lines}\n</div>\n{cost}'


def _speech(reply: VoiceReply, tag: str) -> str:
    lines = "\n".join(
        f'<p lang="{say.tag}" dir="{known_languages()[say.tag].direction}"'
        f"{'' if say.tag == tag else ' class=other'}>{escape(say.text)}</p>"
        for say in reply.spoken
    )
    cost = f'<p class="cost" lang="en" dir="ltr">{escape(_spoken_cost(reply))}</p>'
    return f'<div class="call">\n{lines}\n</div>\n{cost}'


def _cost(reply: SmsReply) -> str:
    count = reply.count
    plural = "" if count.segments == 1 else "s"
    return f"{count.segments} segment{plural}, {count.units} units of {count.encoding}"


def _spoken_cost(reply: VoiceReply) -> str:
    characters = sum(len(say.text) for say in reply.spoken)
    price = sum(len(say.text) * _price(say.tag) for say in reply.spoken)
    return f"{characters} characters, at most {price:.3f} US dollars to speak in full"


def _price(tag: str) -> float:
    voice = known_languages()[tag].voice
    name = voice.name.casefold() if voice else ""
    kind = next(kind for kind in PER_VOICE_CHARACTER if kind in name)
    return PER_VOICE_CHARACTER[kind] / 100
