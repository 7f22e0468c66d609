"""What a turn costs, against the same turn without the table: both in one run, on one machine.

Run with ``make bench``. Figures differ between machines; the ratios are what counts.
"""

import statistics
import time
from collections.abc import Callable
from datetime import date, timedelta
from urllib.parse import parse_qsl, urlencode

from handset import ACCOUNT, PUBLIC_URL, TOKEN, sign
from referral_line.conversation.position import Input, Position
from referral_line.languages.catalogue import default_folder, load_catalogue
from referral_line.replies.line import Line, compile_line
from referral_line.replies.table import Compiler
from referral_line.settings import load_settings
from referral_line.web.signature import SignatureVerifier

ROUNDS = 7
HOME = Position("en", "home")
FORM = [
    ("AccountSid", ACCOUNT),
    ("From", "+447700900001"),
    ("To", "+447700900999"),
    ("Body", "1 please"),
    ("NumMedia", "0"),
]


def measure(name: str, work: Callable[[], object], times: int) -> float:
    """Print and return the median of several rounds, in microseconds for one call."""
    rounds = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for _ in range(times):
            work()
        rounds.append((time.perf_counter() - begun) / times * 1e6)
    median = statistics.median(rounds)
    print(f"{name:46} {median:10.1f} µs   (lowest {min(rounds):.1f})")
    return median


def main() -> None:
    """Measure each part of a turn, and what the table saves."""
    begun = time.perf_counter()
    line = compile_line(load_settings({}), today=date(2026, 11, 22))
    took = timedelta(seconds=time.perf_counter() - begun)
    replies = len(line.table.sms) + len(line.table.voice)
    seconds = took.total_seconds()
    print(f"compiled {replies} replies in {len(line.languages)} languages in {seconds:.2f} s\n")
    looked_up = measure("look up a reply", lambda: line.table.message(HOME).twiml, 20_000)
    rendered = measure("render it anew", render_anew(line), 50)
    measure("step: a key", lambda: line.conversation.advance(HOME, Input("1")), 5_000)
    measure("step: a sentence", lambda: line.conversation.advance(HOME, Input(SENTENCE)), 500)
    measure("step: 1600 characters", lambda: line.conversation.advance(HOME, Input(LONG)), 20)
    verifier = SignatureVerifier(PUBLIC_URL, auth_tokens=[TOKEN])
    signature = sign("/sms", FORM)
    pairs = [(n.encode(), v.encode()) for n, v in parse_qsl(urlencode(FORM))]
    measure("signature", lambda: verifier.is_valid("/sms", "", pairs, signature), 2_000)
    print(f"\nA look-up is {rendered / looked_up:,.0f} times as fast as rendering the reply anew.")


SENTENCE = "someone filmed me on my webcam and now wants money or they send it to my family"
LONG = (SENTENCE + " ") * 20


def render_anew(line: Line) -> Callable[[], object]:
    """Return the work that a service without a table does at every turn: fill, count, render."""
    texts = load_catalogue(default_folder(), "en", line.script.messages())
    compiler = Compiler(
        line.script, line.directory, line.languages, "", 30, None, "en", line.spoken
    )
    home = line.script.nodes["home"]
    return lambda: compiler._message(home, 0, texts)


if __name__ == "__main__":
    main()
