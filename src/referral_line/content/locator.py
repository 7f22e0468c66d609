"""Line numbers for TOML files, so that a fault can say where it is.

``tomllib`` keeps no positions and no maintained reader does, so this finds the lines of table
headers and keys in files that ``tomllib`` has accepted already. It reads the shapes our two files
use: bare dotted headers, bare keys, one- and three-quoted strings.
"""

import re
from collections import Counter
from collections.abc import Mapping

_HEADER = re.compile(r"^\s*(\[\[?)\s*([A-Za-z0-9_.-]+)\s*\]\]?")
_KEY = re.compile(r"^\s*([A-Za-z0-9_-]+)\s*=")


def locate(source: str) -> Mapping[str, int]:
    r"""Map dotted paths to line numbers, from 1. The n-th table of an array is ``name[n]``, from 0.

    >>> locate('a = 1\n[x]\nb = 2\n[[y.z]]\nc = 3\n[[y.z]]\nc = 4\n')["y.z[1].c"]
    7
    """
    lines: dict[str, int] = {}
    counts: Counter[str] = Counter()
    table = ""
    quote = ""
    for number, line in enumerate(source.splitlines(), start=1):
        if quote:
            if quote in line:
                quote = ""
            continue
        if header := _HEADER.match(line):
            table = header[2]
            if header[1] == "[[":
                counts[table] += 1
                table = f"{table}[{counts[table] - 1}]"
            lines[table] = number
        elif key := _KEY.match(line):
            lines[f"{table}.{key[1]}" if table else key[1]] = number
            for mark in ("'''", '"""'):
                if line.count(mark) % 2:
                    quote = mark
    return lines
