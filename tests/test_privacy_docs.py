"""What the papers for a data protection officer say is what the code does.

The papers are docs/privacy.md, docs/dpia.md, docs/privacy-notice.md, docs/threat-model.md and
SECURITY.md. A claim that can be held against the code is held against it here.
"""

import ast
import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest
import textstat

from conftest import ROOT
from referral_line.cli.commands import line as commands
from referral_line.content.model import Channel
from referral_line.conversation.position import Input, Position
from referral_line.replies.checks import LOCK_SCREEN
from referral_line.replies.line import Line
from referral_line.sessions.redis_store import KEY_PREFIX
from referral_line.sessions.session import TOKEN_BYTES, parse_session, session_key
from referral_line.sessions.store import MAX_SESSIONS
from referral_line.settings import MAX_SESSION_SECONDS, Settings
from referral_line.telemetry.counts import FLOOR
from referral_line.telemetry.logs import ALLOWED
from referral_line.web.inbound import MAX_BYTES, Inbound, Parameter
from test_reading_age import AGE_OF_FIRST_GRADE, prose

PRIVACY, DPIA, NOTICE, THREATS = (
    (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    for name in ("privacy", "dpia", "privacy-notice", "threat-model")
)
SECURITY = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
PAPERS = {
    "privacy": PRIVACY,
    "dpia": DPIA,
    "privacy-notice": NOTICE,
    "threat-model": THREATS,
    "security": SECURITY,
}
EVERY_DOC = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
ROOT_CONTEXT = click.Context(commands)
each_paper = pytest.mark.parametrize("text", PAPERS.values(), ids=PAPERS)

SESSION_SECONDS = int(Settings.model_fields["session_seconds"].default)
MINUTES = SESSION_SECONDS // 60

WHO_CALLED = frozenset(
    {
        *("From", "To", "Caller", "Called", "CallerName", "ForwardedFrom", "WaId", "ProfileName"),
        *("MessageSid", "SmsSid", "SmsMessageSid", "CallSid", "ParentCallSid", "MediaUrl0"),
        *(f"{who}{what}" for who in ("From", "Caller") for what in ("City", "State", "Zip")),
        *("FromCountry", "CallerCountry", "SpeechResult", "RecordingUrl"),
    }
)
"""Parameters of a webhook that tell who called, from where, or what a record is called."""

FORBIDDEN = (
    r"(nobody|no one|no-one) (can|could|will) ever",
    r"untraceable",
    r"(can't|cannot|can never) be traced",
    r"impossible to trace",
    r"(completely|totally|fully|100 ?%) anonymous",
    r"anonymity (is )?guaranteed|guaranteed? (to be )?anonym",
    r"leaves? no trace anywhere",
)
"""Promises that nobody can keep, since phone companies carry every text and call."""


def table(text: str, first: str) -> list[list[str]]:
    """The rows, as cells, of the table whose first column has this head."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(f"| {first} |"):
            break
    next(lines, None)  # the rule below the head
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def codes(cell: str) -> list[str]:
    """What stands in code type in a text."""
    return re.findall(r"`([^`\n]+)`", cell)


def first_column(text: str, first: str) -> list[str]:
    """What stands in code type in the first column of a table."""
    return [code for row in table(text, first) for code in codes(row[0])]


def fenced(text: str) -> Iterator[str]:
    """Every line of the blocks of code."""
    for block in re.findall(r"^```[a-z]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from block.splitlines()


def sentences(text: str) -> list[str]:
    """The sentences of a text, on one line each."""
    return [part.strip() for part in re.split(r"(?<=[.!?])\s+", text) if part.strip()]


def flat(text: str) -> str:
    """A text without line breaks, so that a phrase is found wherever lines end."""
    return " ".join(text.split())


# --- what is read ---------------------------------------------------------------------------------


def test_paper_names_every_parameter_that_is_read() -> None:
    """The table of privacy.md has the parameters of ``Parameter``, and no other."""
    assert sorted(first_column(PRIVACY, "parameter")) == sorted(Parameter)


def test_paper_names_every_header_that_is_read() -> None:
    """The table of privacy.md has the headers that inbound.py asks for, and no other."""
    tree = ast.parse((ROOT / "src/referral_line/web/inbound.py").read_text(encoding="utf-8"))
    asked = {
        str(call.args[0].value)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Attribute)
        and call.func.value.attr == "headers"
        and isinstance(call.args[0], ast.Constant)
    }
    assert {name.casefold() for name in first_column(PRIVACY, "header")} == asked


def test_what_leaves_the_parser_is_as_written() -> None:
    """Three fields, of which one is the input with its words, pictures and channel."""
    assert {field.name for field in fields(Inbound)} == {"given", "token", "delivery"}
    assert {field.name for field in fields(Input)} == {"text", "has_picture", "channel"}


def test_no_code_that_answers_names_who_called() -> None:
    """No module on a request's way has the name of a telling parameter; the simulator sends one."""
    package = ROOT / "src" / "referral_line"
    named = set()
    for room in ("web", "sessions", "conversation", "replies", "telemetry"):
        for path in (package / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and node.value in WHO_CALLED:
                    named.add(path.name)
    assert named == {"simulator.py"}


def test_place_of_the_deliberate_leak_is_there() -> None:
    """The line below which check 1 adds a print begins as the paper says, once."""
    assert "the line that begins `pairs = _parse(await`" in flat(PRIVACY)
    source = (ROOT / "src/referral_line/web/inbound.py").read_text(encoding="utf-8")
    assert len(re.findall(r"^ +pairs = _parse\(await", source, re.MULTILINE)) == 1


# --- what is kept ---------------------------------------------------------------------------------


def test_paper_quotes_the_privacy_node(line: Line) -> None:
    """Each sentence the line says of itself stands in privacy.md with what makes it true."""
    node = line.script.nodes["privacy"]
    said = {
        sentence.replace("{session-minutes}", str(MINUTES))
        for channel in Channel
        if (prompt := node.prompt(channel))
        for sentence in sentences(prompt.text)
    }
    assert {row[0] for row in table(PRIVACY, "the line says")} == said


def test_log_fields_are_those_allowed() -> None:
    """The table of privacy.md has the fields a log line can have, and no other."""
    assert sorted(first_column(PRIVACY, "field")) == sorted(ALLOWED)


def test_example_of_redis_is_one_conversation(line: Line) -> None:
    """What check 3 shows has the form of real keys and values, and walks the real menu."""
    shown = [shlex.split(row) for row in fenced(PRIVACY) if row.startswith(('"SET"', '"DEL"'))]
    (key,) = {row[1] for row in shown}
    assert key.startswith(KEY_PREFIX)
    assert re.fullmatch(r"[0-9a-f]+", key.removeprefix(KEY_PREFIX))
    assert len(key) == len(KEY_PREFIX + session_key("any"))
    *saved, deleted = shown
    assert deleted[0] == "DEL"
    position = None
    for row, given in zip(saved, ["Hello", "1", "9"], strict=True):
        session = parse_session(row[2])
        assert session is not None
        step = Input(given)
        position = (
            line.conversation.advance(position, step) if position else line.conversation.begin(step)
        )
        assert session.position == position
        assert row[3:] == ["EX", str(SESSION_SECONDS)]
    assert position is not None
    assert line.conversation.has_ended(line.conversation.advance(position, Input("9")))


def test_bye_finishes_everywhere(line: Line) -> None:
    """Whoever texts "bye", as the notice advises, ends the conversation from every place."""
    assert 'Text "bye" and they are gone sooner.' in flat(NOTICE)
    for node in line.script.nodes.values():
        if node.sms is not None and not node.ends and not node.language:
            after = line.conversation.advance(Position("en", node.id), Input("bye"))
            assert line.conversation.has_ended(after), node.id


def test_redis_is_set_up_as_written() -> None:
    """The shipped configuration keeps nothing on disk and remembers no commands."""
    rules = (ROOT / "deploy" / "redis.conf").read_text(encoding="utf-8").splitlines()
    assert {'save ""', "appendonly no", "slowlog-max-len 0"} <= set(rules)


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        pytest.param(PRIVACY, f"for {MINUTES} minutes after their last message", id="session"),
        pytest.param(PRIVACY, f"{MINUTES} minutes from the last message", id="session in Redis"),
        pytest.param(PRIVACY, f"at most {MAX_SESSION_SECONDS // 3600} hours", id="longest session"),
        pytest.param(PRIVACY, f'below {FLOOR} as "fewer than {FLOOR}"', id="small numbers"),
        pytest.param(PRIVACY, f"The first {LOCK_SCREEN} characters", id="lock screen"),
        pytest.param(NOTICE, f"for [{MINUTES}] minutes after your last text", id="notice"),
        pytest.param(DPIA, f"{MINUTES} minutes at most after the last text", id="assessment"),
        pytest.param(DPIA, f"first {LOCK_SCREEN} characters", id="lock screen, assessment"),
        pytest.param(DPIA, f"{TOKEN_BYTES * 8} random bits", id="token, assessment"),
        pytest.param(THREATS, f"{TOKEN_BYTES * 8} random bits", id="token"),
        pytest.param(THREATS, f"The first {LOCK_SCREEN} characters", id="lock screen, threats"),
        pytest.param(THREATS, f"holds {MAX_SESSIONS:,} sessions", id="sessions in memory"),
        pytest.param(THREATS, f"over {MAX_BYTES // 1024} KiB", id="longest body"),
        pytest.param(THREATS, f"within {MINUTES} minutes of the last message", id="shared phone"),
        pytest.param(
            THREATS,
            f"only if {['three', 'four', 'five', 'six'][FLOOR - 3]} conversations",
            id="rare",
        ),
    ],
)
def test_figures_are_those_of_the_code(text: str, phrase: str) -> None:
    """Each figure in the papers is the constant or the default it speaks of."""
    assert phrase in flat(text)


# --- what is promised -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", EVERY_DOC, ids=lambda path: path.name)
def test_no_doc_promises_what_nobody_can_keep(path: Path) -> None:
    """No doc says that a caller can't be found, ever or by anyone."""
    text = flat(path.read_text(encoding="utf-8"))
    assert not [found for rule in FORBIDDEN if (found := re.search(rule, text, re.IGNORECASE))]


@pytest.mark.parametrize(
    "promise",
    [
        "Nobody can ever find out.",
        "The line is untraceable.",
        "Your call can't be traced.",
        "It is completely anonymous.",
        "100% anonymous",
        "We guarantee anonymity; anonymity guaranteed.",
    ],
)
def test_such_a_promise_is_found(promise: str) -> None:
    """The rules above see the promises they are there for."""
    assert any(re.search(rule, promise, re.IGNORECASE) for rule in FORBIDDEN)


@pytest.mark.parametrize(
    ("channel", "claim", "counterpart"),
    [
        ("sms", "does not keep your number", "Our computer does not keep your number."),
        ("sms", "your name", "It does not keep your name."),
        ("sms", "your words", "It does not keep your words."),
        ("sms", "only your language and your place", "your language, and your place in the menu"),
        (
            "sms",
            "{session-minutes} minutes at most",
            f"for [{MINUTES}] minutes after your last text",
        ),
        ("sms", "phone company that carries this line", "phone company that carries this line"),
        ("sms", "and your own, keep records", "Your own phone company** keeps a record too"),
        ("sms", "Your phone may show these messages", "may show our texts"),
        ("sms", "your bill may show this number", "Your bill** may show our number"),
        ("voice", "does not keep your number", "It does not remember you when the call is over."),
        ("voice", "delete it from your call list", "Delete our number from your list of calls."),
    ],
)
def test_notice_agrees_with_the_line(
    line: Line, channel: str, claim: str, counterpart: str
) -> None:
    """Each claim of the node ``privacy`` has its counterpart in the notice."""
    prompt = line.script.nodes["privacy"].prompt(Channel(channel))
    assert prompt is not None
    assert claim in flat(prompt.text)
    assert counterpart in flat(NOTICE)


def notice_ages() -> dict[str, float]:
    """The reading age of each section of the notice, less what is for the operator."""
    found = {}
    for section in re.split(r"^## ", NOTICE.split("\n---\n", 1)[1], flags=re.MULTILINE)[1:]:
        title, _, body = section.partition("\n")
        body = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", body)
        body = re.sub(r"\[[^\]]*\]", "them", body).replace("**", "")
        blocks = re.split(r"\n\s*\n|\n(?=- |\d+\. )", body)
        text = prose("\n".join(flat(block).removeprefix("- ") for block in blocks))
        found[title] = AGE_OF_FIRST_GRADE + textstat.automated_readability_index(text)
    return found


def test_notice_is_plain() -> None:
    """A child of eleven can read every section of the notice."""
    assert {title: age for title, age in notice_ages().items() if age > 11} == {}


# --- what is named --------------------------------------------------------------------------------


@each_paper
def test_settings_that_are_named_exist(text: str) -> None:
    """Every variable that a paper names is a setting."""
    known = {str(field.validation_alias) for field in Settings.model_fields.values()}
    named = set(re.findall(r"\b(?:REFERRAL_LINE_[A-Z_]+|TWILIO_[A-Z_]+|REDIS_URL)\b", text))
    assert named <= known


def spoken_commands(text: str) -> Iterator[list[str]]:
    """The arguments of each command of ours that a text shows."""
    for shown in (*codes(text), *fenced(text)):
        words = shlex.split(shown, comments=True) if "referral-line " in shown else shown.split()
        if words[:1] == ["referral-line"]:
            yield words[1:]
        elif words and commands.get_command(ROOT_CONTEXT, words[0]):
            yield words


@each_paper
def test_commands_that_are_named_exist(text: str) -> None:
    """Every command that a paper shows exists, with the options it is shown with."""
    for words in spoken_commands(text):
        command: click.Command = commands
        for word in words:
            if word.startswith("--"):
                options = {option for parameter in command.params for option in parameter.opts}
                assert word in options, words
            elif isinstance(command, click.Group):
                found = command.get_command(ROOT_CONTEXT, word)
                assert found, words
                command = found


def test_commands_are_found() -> None:
    """The commands that the papers rest on are among those checked above."""
    shown = {words[0] for text in PAPERS.values() for words in spoken_commands(text) if words}
    assert {"sweep", "doctor", "number", "stats"} <= shown


@each_paper
def test_files_that_are_named_exist(text: str) -> None:
    """Every file of the repository that a paper names is there."""
    for named in re.findall(r"\b(?:src|tests|deploy)/[\w./-]*\w", text):
        assert (ROOT / named).exists(), named


@each_paper
def test_numbers_of_services_are_the_directorys(text: str, line: Line) -> None:
    """A service's number that a paper gives is one that the directory gives to callers."""
    known = {service.phone for service in line.directory.services.values() if service.is_confirmed}
    assert set(re.findall(r"\b(?:0800 \d[\d ]*\d|0808 \d[\d ]*\d|116 \d{3})\b", text)) <= known


def test_links_of_the_security_page_lead_somewhere() -> None:
    """Every relative link of SECURITY.md is a file."""
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", SECURITY)
    assert targets
    assert not [target for target in targets if not (ROOT / target).exists()]


# --- the assessment -------------------------------------------------------------------------------


def test_assessment_has_the_seven_steps() -> None:
    """The steps that the Information Commissioner describes stand in their order."""
    titles = re.findall(r"^## Step (\d): (.+)$", DPIA, re.MULTILINE)
    assert [int(number) for number, _ in titles] == list(range(1, 8))
    topics = (*("need", "describe", "consult", "proportional", "risk", "measure", "sign"),)
    assert all(topic in title.casefold() for topic, (_, title) in zip(topics, titles, strict=True))


def test_every_risk_has_measures() -> None:
    """Each risk of step 5, but the operator's own, has its row of measures in step 6."""
    risks = [row[0] for row in table(DPIA.split("## Step 5")[1], "no.")]
    measures = [row[0] for row in table(DPIA.split("## Step 6")[1], "risk")]
    assert risks[:-1] == measures
    assert "operator:" in DPIA.split(f"| {risks[-1]} |")[1].splitlines()[0]


@pytest.mark.parametrize("text", [PRIVACY, DPIA], ids=["privacy", "dpia"])
def test_blanks_say_who_fills_them(text: str) -> None:
    """What stands in square brackets and is no link is a blank that names the operator."""
    blanks = re.findall(r"\[([^\]]*)\](?!\()", re.sub(r"`[^`]*`", "", text))
    assert not [blank for blank in blanks if not blank.startswith("operator: ")]
