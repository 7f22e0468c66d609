"""The printable leaflet: one sheet a language, from the same texts that callers get.

It has no words of its own, so it can't say anything else than the line does, and needs no
translation of its own.
"""

from collections.abc import Sequence
from html import escape

from referral_line.languages.language import Language

SECTIONS = ("blackmailed", "under-18", "someone-else", "support", "privacy")
"""The nodes whose messages make up the sheet, below the first message and the line's number; each
has the menu label that leads there as its heading."""

_PAGE = """\
<!doctype html>
<html lang="{tag}" dir="{direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
@page {{ size: A4; margin: 14mm; }}
body {{ font: 12pt/1.4 system-ui, "Noto Sans", sans-serif; color: #111; background: #fff;
  max-inline-size: 45rem; margin: 1.5rem auto; padding-inline: 1rem; }}
header {{ border-block-end: 2pt solid #111; margin-block-end: 1rem; }}
h1 {{ font-size: 20pt; margin: 0 0 .3rem; }}
.number {{ font-size: 30pt; font-weight: 700; margin: .3rem 0; unicode-bidi: isolate; }}
.code {{ font-size: 18pt; margin: 0 0 .6rem; unicode-bidi: isolate; }}
section {{ break-inside: avoid; margin-block-end: 1rem; }}
p {{ margin: 0; overflow-wrap: anywhere; unicode-bidi: plaintext; }}
h2 {{ font-size: 13pt; margin: 0 0 .2rem; }}
@media print {{ body {{ margin: 0; font-size: 11pt; }} }}
</style>
</head>
<body>
<header>
<h1>{title}</h1>
{opening}
{number}</header>
{sections}
</body>
</html>
"""


def render_leaflet(
    language: Language,
    *,
    number: str | None,
    ways: Sequence[str],
    opening: Sequence[str],
    sections: Sequence[tuple[str, Sequence[str]]],
) -> bytes:
    """Render a sheet as one HTML page that loads nothing else.

    Args:
        language: The language of the sheet.
        number: The line's own number in full, or ``None`` where it is not set.
        ways: What to send or press for this language, such as ``✉ 24``.
        opening: The lines of the first message; the first is the heading.
        sections: A heading and the lines of each further message.
    """
    title, *rest = opening
    # An envelope and a telephone need no translation: text or call.
    shown = f'<p class="number" dir="ltr">✉ ☎ {escape(_national(number))}</p>\n' if number else ""
    if ways:
        shown += f'<p class="code" dir="ltr">{" &nbsp; ".join(map(escape, ways))}</p>\n'
    page = _PAGE.format(
        tag=language.tag,
        direction=language.direction,
        title=escape(title),
        number=shown,
        opening=_paragraphs(rest),
        sections="\n".join(
            f"<section>\n<h2>{escape(heading)}</h2>\n{_paragraphs(lines)}\n</section>"
            for heading, lines in sections
        ),
    )
    return page.encode("utf-8")


def _paragraphs(lines: Sequence[str]) -> str:
    return "\n".join(f"<p>{escape(line)}</p>" for line in lines)


def _national(number: str) -> str:
    """Write a UK mobile number as people dial it; any other as it is.

    >>> _national("+447700900123"), _national("+4915112345678")
    ('07700 900123', '+4915112345678')
    """
    digits = number.removeprefix("+44")
    if digits != number and len(digits) == len("7700900123"):
        return f"0{digits[:4]} {digits[4:]}"
    return number
