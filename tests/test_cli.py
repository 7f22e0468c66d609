"""The commands: what they print, on which stream, with which exit code."""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from conftest import ROOT, THREE, free_port
from referral_line.cli.commands import line as commands
from referral_line.content.loader import PACKAGED

READY = {
    "TWILIO_ACCOUNT_SID": "AC1",
    "TWILIO_AUTH_TOKEN": "t",
    "REFERRAL_LINE_PUBLIC_URL": "https://x.org",
}


def run(*arguments: str, given: str | None = None, **environ: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(commands, arguments, input=given, env={**THREE, **environ})


def test_text_prints_a_whole_conversation() -> None:
    """``text --keys 1,1`` shows the first menu, each key and each reply with its segments."""
    result = run("text", "--keys", "1,1")
    assert result.exit_code == 0
    assert result.stderr == ""
    parts = re.split(r"\n> (.*)\n\n", result.stdout)
    assert parts[0].startswith("In danger now? Call 999.\n")
    assert parts[0].endswith("[2 segments, GSM-7]\n")
    assert parts[1::2] == ["1", "1"]
    assert "I'm 18 or over" in parts[2]
    assert "I have paid" in parts[4]


def test_text_in_polish() -> None:
    """``--language pl`` begins in Polish."""
    result = run("text", "--language", "pl", "--keys", "0")
    assert "999\n" in result.stdout
    assert "0 Inne języki" in result.stdout or "0 English, Cymraeg" in result.stdout
    assert "1 English\n2 Cymraeg\n3 polski\n" in result.stdout


def test_text_reads_what_is_typed_until_an_empty_line() -> None:
    """Without keys the messages are typed; after finishing, a new conversation begins."""
    result = run("text", given="1\n9\n9\nhello\n\nnever read\n")
    assert result.exit_code == 0
    assert "We have wiped your place" in result.stdout
    assert result.stdout.count("In danger now? Call 999.") == 3
    assert "never read" not in result.stdout
    assert "Message: " in result.stderr


def test_call_prints_a_whole_call_in_welsh() -> None:
    """``call --keys 1,2 --language cy`` shows what is said, in which voice, until the keys end."""
    result = run("call", "--keys", "1,2", "--language", "cy")
    assert result.exit_code == 0
    assert result.stdout.startswith("[cy-GB] ")
    assert "> 1\n" in result.stdout
    assert "Childline" in result.stdout
    assert result.stdout.rstrip().endswith("(hung up)")
    assert "[en-GB]" not in result.stdout.split("> 1\n")[0]


def test_call_with_silence_ends_with_the_numbers() -> None:
    """Nothing between commas is silence; the line ends the call itself."""
    result = run("call", "--keys", ",,,,,")
    assert "(silence)" in result.stdout
    assert "one one six, one two three" in result.stdout
    assert result.stdout.rstrip().endswith("(the line hangs up)")


def test_call_reads_keys_until_the_end_of_input() -> None:
    """Typed keys work like pressed ones; an empty line is silence."""
    result = run("call", given="1\n\n*\n")
    assert result.exit_code == 0
    assert "Don't panic" in result.stdout
    assert result.stdout.rstrip().endswith("(hung up)")


def test_slip_of_a_typed_key_is_told_and_the_call_goes_on() -> None:
    """What is no key is said on stderr; the call is not lost for it."""
    result = run("call", given="x\n1\n")
    assert result.exit_code == 0
    assert "'x' is no key" in result.stderr
    assert "Don't panic" in result.stdout


def test_call_shows_transfers_and_texts() -> None:
    """Where an operator switched them on, a transfer and a text can be heard in the terminal."""
    environ = {
        "REFERRAL_LINE_TRANSFERS": "crimestoppers",
        "REFERRAL_LINE_NUMBER": "+447700900999",
        "REFERRAL_LINE_TEXT_ME": "1",
    }
    result = run("call", "--language", "en", "--keys", "3,7,1,9,8,1", **environ)
    assert "(connecting to +44800555111)" in result.stdout
    assert "(text message to the caller)" in result.stdout
    assert result.stdout.count("If someone's life is in danger") == 4
    assert "is over, or could not be made" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["text", "--language", "xx"], "'xx' is not served; choose from en, cy, pl"),
        (["call", "--language", "xx"], "'xx' is not served"),
        (["call", "--keys", "1,x"], "'x' is no key"),
        (["call", "--nonsense"], "No such option"),
        (["nonsense"], "No such command"),
        (["serve", "--port", "0"], "not in the range"),
    ],
)
def test_wrong_use_is_exit_code_2(arguments: list[str], text: str) -> None:
    """What was typed wrongly is told on stderr, with what would be right."""
    result = run(*arguments)
    assert result.exit_code == 2
    assert text in result.stderr


def test_settings_faults_are_exit_code_2() -> None:
    """Every wrong variable is told, a line each."""
    result = run("text", "--keys", "1", REFERRAL_LINE_SESSION_SECONDS="x", REDIS_URL="")
    assert result.exit_code == 2
    assert result.stderr.startswith("environment: error: REFERRAL_LINE_SESSION_SECONDS")
    needs = run("serve")
    assert needs.exit_code == 2
    assert [line.split(": ")[2] for line in needs.stderr.splitlines()] == [
        "TWILIO_ACCOUNT_SID",
        "TWILIO_AUTH_TOKEN",
        "REFERRAL_LINE_PUBLIC_URL",
    ]


def test_several_workers_need_redis() -> None:
    """Two processes with memory each would forget every other message."""
    result = run(
        "serve",
        "--workers",
        "2",
        **READY,
    )
    assert result.exit_code == 2
    assert "REDIS_URL: is not set, but 2 workers" in result.stderr


def test_leaflet_is_printed() -> None:
    """``leaflet cy`` is a whole page in Welsh; a language not served is told."""
    result = run("leaflet", "cy")
    assert result.exit_code == 0
    assert result.stdout.startswith('<!doctype html>\n<html lang="cy" dir="ltr">')
    assert run("leaflet", "xx").exit_code == 2


def test_wrong_redis_url_is_told_before_any_worker_starts() -> None:
    """A wrong REDIS_URL is a line on stderr, not workers that die one after the other."""
    result = run(
        "serve",
        "--workers",
        "2",
        REDIS_URL="http://x",
        **READY,
    )
    assert result.exit_code == 2
    assert "REDIS_URL: is no Redis URL" in result.stderr


def test_folders_and_default_that_are_not_there_are_wrong_use() -> None:
    """What the environment names wrongly is told under the variable's name, with exit code 2."""
    for name, value in (
        ("REFERRAL_LINE_CONTENT", "/nowhere"),
        ("REFERRAL_LINE_LOCALES", "/nowhere"),
        ("REFERRAL_LINE_DEFAULT_LANGUAGE", "xx"),
        ("REFERRAL_LINE_LANGUAGES", "pl"),
    ):
        result = run("text", "--keys", "1", **{name: value})
        assert result.exit_code == 2, name
        assert result.stderr.startswith("environment: error: REFERRAL_LINE_")


def test_language_without_catalogue_is_told() -> None:
    """A misspelt tag is told instead of being left out; capitals don't matter."""
    result = run("text", "--keys", "1", REFERRAL_LINE_LANGUAGES="en,polish")
    assert result.exit_code == 2
    assert "no catalogue for polish; there are en, cy, pl" in result.stderr
    capitals = {"REFERRAL_LINE_LANGUAGES": "EN,PL", "REFERRAL_LINE_DEFAULT_LANGUAGE": "Pl"}
    assert run("text", "--language", "PL", "--keys", "1", **capitals).exit_code == 0


def test_script_check_is_clean() -> None:
    """The shipped script and every reply made of it pass, warnings included."""
    result = run("script", "check", "--strict")
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    assert re.fullmatch(
        r"\d+ nodes, \d+ replies in en, cy, pl; faults: 0, warnings: 0\n", result.stdout
    )


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """A copy of the content to break."""
    for name in ("script.toml", "services.toml"):
        shutil.copy(PACKAGED / name, tmp_path)
    return tmp_path


def replace(path: Path, old: str, new: str) -> None:
    """Edit a file in one place."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_script_check_tells_faults_with_file_and_line(content: Path) -> None:
    """Faults are lines an editor can jump to, and exit code 1."""
    replace(content / "script.toml", 'key = "1"\nto = "adult"', 'key = "1"\nto = "adlut"')
    result = run("script", "check", "--content", str(content))
    assert result.exit_code == 1
    assert re.search(
        r"script\.toml:\d+: error: blackmailed: key 1 leads to the unknown node 'adlut'",
        result.stderr,
    )
    assert result.stdout.endswith("faults: 1, warnings: 0\n")


def test_script_check_tells_faults_of_catalogues(content: Path) -> None:
    """A text that changed in English leaves its translations behind, which is told."""
    replace(content / "script.toml", "Delete nothing.", "Delete nothing at all.")
    result = run("script", "check", "--content", str(content))
    assert result.exit_code == 1
    assert "messages.po: error: evidence/sms: missing message" in result.stderr
    welsh = run("script", "check", "--content", str(content), REFERRAL_LINE_DEFAULT_LANGUAGE="cy")
    assert welsh.exit_code == 1


def test_warnings_count_only_when_strict(content: Path) -> None:
    """A message that costs too much is a warning; ``--strict`` makes it a fault."""
    replace(
        content / "script.toml",
        "Delete nothing.\nUnder 18 in",
        "Delete nothing. " + "x" * 200 + "\nUnder 18 in",
    )
    only = {"REFERRAL_LINE_LANGUAGES": "en"}
    result = run("script", "check", "--content", str(content), **only)
    assert (result.exit_code, "; 3 at most" in result.stderr) == (0, True)
    assert run("script", "check", "--strict", "--content", str(content), **only).exit_code == 1


def test_script_draw_prints_mermaid() -> None:
    """The drawing goes to stdout, ready to paste."""
    result = run("script", "draw")
    assert result.exit_code == 0
    assert result.stdout.startswith("flowchart TD\n")
    assert 'home -->|"1 I\'m being blackmailed"| blackmailed' in result.stdout


def test_services_check_lists_what_is_due() -> None:
    """Stale facts are warnings on stderr; ``--strict`` makes them faults."""
    result = run("services", "check")
    assert result.exit_code == 0
    assert "stopncii: due for confirmation: has no date" in result.stderr
    assert result.stdout.startswith("32 services and 45 police forces")
    assert run("services", "check", "--strict").exit_code == 1


def test_broken_services_are_told(content: Path) -> None:
    """A number that is no number is a fault with its line."""
    replace(content / "services.toml", 'phone = "116 123"', 'phone = "116-123"')
    result = run("services", "check", "--content", str(content))
    assert result.exit_code == 1
    assert re.search(r"services\.toml:\d+: error: service\[16\]\.phone", result.stderr)


def test_port_in_use_is_told() -> None:
    """The demo says that its port is taken, instead of a traceback."""
    with socket.socket() as taken:
        port = free_port()
        taken.bind(("127.0.0.1", port))
        taken.listen()
        result = run("demo", "--port", str(port), "--no-browser")
    assert result.exit_code == 2
    assert f"127.0.0.1:{port} can't be listened on" in result.stderr


@pytest.mark.parametrize("command", ["", "serve", "text", "call", "leaflet", "demo", "script"])
def test_every_command_has_help(command: str) -> None:
    """Help says what a command does, with every option explained."""
    result = run(*command.split(), "--help")
    assert result.exit_code == 0
    assert "Usage: " in result.stdout
    assert run(*command.split(), "-h").stdout == result.stdout


def test_module_runs_with_utf8_whatever_the_terminal_says() -> None:
    """On a terminal of another encoding, Polish is printed all the same."""
    result = subprocess.run(
        [sys.executable, "-m", "referral_line", "text", "--language", "pl", "--keys", "1"],
        capture_output=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"},
    )
    assert "Nie płać" in result.stdout.decode("utf-8")
