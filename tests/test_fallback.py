"""The fallback: static files that answer, by themselves, while the line is away."""

import http.client
import re
import shutil
import ssl
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from conftest import ROOT, THREE, TODAY, Server, start_nginx
from referral_line.cli.commands import line as commands
from referral_line.content.loader import PACKAGED
from referral_line.conversation.position import Position
from referral_line.errors import FaultsFound, Severity
from referral_line.languages.language import known_languages
from referral_line.replies.fallback import (
    MAX_BIN,
    MAX_SEGMENTS,
    NEEDED,
    README,
    FallbackFile,
    check_fallback,
    compile_fallback,
    write_fallback,
)
from referral_line.replies.line import Line, compile_line
from referral_line.replies.reply import HangUp, Say, SmsReply, VoiceReply
from referral_line.replies.segments import count_segments
from referral_line.replies.twiml import render_message
from referral_line.settings import load_settings

ALLOWED = {
    "Response": set(),
    "Message": set(),
    "Say": {"voice", "language"},
    "Pause": {"length"},
    "Hangup": set(),
}
"""Verbs that need nothing but the carrier, with their attributes."""
CONFIG = ROOT / "deploy" / "fallback" / "nginx.conf"


@pytest.fixture(scope="module")
def files(whole_line: Line) -> dict[str, FallbackFile]:
    """Every file of the line as it is shipped, by name."""
    return {file.name: file for file in compile_fallback(whole_line)}


def message(text: str) -> SmsReply:
    """A text message."""
    return SmsReply(text, count_segments(text), render_message(text))


def text_of(file: FallbackFile) -> str:
    """What a file sends."""
    assert isinstance(file.reply, SmsReply)
    return file.reply.text


def said_by(file: FallbackFile) -> list[str]:
    """What a file says, in order."""
    assert isinstance(file.reply, VoiceReply)
    return [say.text for say in file.reply.spoken]


def test_every_language_has_its_files(whole_line: Line, files: dict[str, FallbackFile]) -> None:
    """Each language answers texts, each with a voice calls, and two files speak several."""
    voiced = [tag for tag in whole_line.languages if known_languages()[tag].voice]
    assert len(whole_line.languages) == 30
    assert set(files) == {
        *("sms.xml", "voice.xml"),
        *(f"sms-{tag}.xml" for tag in whole_line.languages),
        *(f"voice-{tag}.xml" for tag in voiced),
    }
    assert len(voiced) < 30


def test_every_file_passes_the_checks_of_the_table(
    whole_line: Line, files: dict[str, FallbackFile]
) -> None:
    """No file has a fault: length, locked screen, voices, XML, numbers, bin."""
    assert check_fallback(list(files.values()), whole_line) == []


def test_every_file_needs_nothing_but_the_carrier(files: dict[str, FallbackFile]) -> None:
    """Each is small valid TwiML, without a menu, an address, or a field that a bin would fill."""
    for name, file in files.items():
        twiml = file.reply.twiml.decode("utf-8")
        assert len(twiml) <= MAX_BIN
        assert "{{" not in twiml
        assert "/voice" not in twiml
        assert "://" not in twiml
        root = ET.fromstring(twiml.encode())  # noqa: S314 - our own reply
        for element in root.iter():
            assert set(element.attrib) <= ALLOWED[element.tag], name
        verbs = [element.tag for element in root]
        if name.startswith("voice"):
            assert verbs[-1] == "Hangup"
            assert set(verbs) == {"Say", "Pause", "Hangup"}
        else:
            assert verbs == ["Message"]
            assert len(root[0].text or "") <= 1600


def test_every_text_has_the_numbers(files: dict[str, FallbackFile]) -> None:
    """999, 101, Crimestoppers, Samaritans and Childline stand in each text, in their groups."""
    for name, file in files.items():
        if name.startswith("sms"):
            for number in ("999", "101", "0800 555 111", "116 123", "0800 1111"):
                assert text_of(file).count(number) >= len(file.languages), name


def test_every_call_has_the_numbers(whole_line: Line, files: dict[str, FallbackFile]) -> None:
    """Each call reads them out in the words of each of its languages."""
    for name, file in files.items():
        if isinstance(file.reply, VoiceReply):
            for tag in file.languages:
                said = " ".join(say.text for say in file.reply.spoken if say.tag == tag)
                for service in NEEDED:
                    assert whole_line.spoken_numbers[tag][service] in said, name
    polish = " ".join(said_by(files["voice-pl.xml"]))
    for number in ("dziewięć dziewięć dziewięć", "jeden zero jeden", "jeden jeden sześć, jeden"):
        assert number in polish


def test_text_is_the_lines_own(line: Line) -> None:
    """A text is word for word what the line itself ends with."""
    by_name = {file.name: file for file in compile_fallback(line)}
    for tag in line.languages:
        assert (
            text_of(by_name[f"sms-{tag}.xml"]) == line.table.message(Position(tag, "numbers")).text
        )


def test_call_says_all_twice_and_goodbye_once(files: dict[str, FallbackFile]) -> None:
    """A single language is said again where that fits; only then the caller is told goodbye."""
    said = said_by(files["voice-en.xml"])
    goodbye = said[-1]
    assert goodbye.endswith("Goodbye.")
    assert said.count(goodbye) == 1
    half = len(said) // 2
    assert said[:half] == said[half:-1]
    assert said.count(said[0]) == 2


def test_longer_call_is_said_once(line: Line) -> None:
    """What would not fit a bin twice is said once."""
    place = Position("en", "numbers")
    verbs = line.table.call(place).verbs
    more = (*(Say("en", "One more sentence, as long as this one is. " * 12),) * 3, *verbs)
    table = replace(line.table, voice={**line.table.voice, place: VoiceReply(more, b"")})
    longer = replace(line, table=table)
    by_name = {file.name: file for file in compile_fallback(longer, ["en"])}
    reply = by_name["voice-en.xml"].reply
    assert isinstance(reply, VoiceReply)
    assert reply.verbs == more
    assert check_fallback([by_name["voice-en.xml"]], longer) == []


def test_sentence_with_a_number_is_no_goodbye(line: Line) -> None:
    """Where a number comes last it is said in both rounds."""
    place = Position("en", "numbers")
    verbs = line.table.call(place).verbs
    ending = (*verbs[:-3], HangUp())
    assert "five five five" in str(ending[-3])
    table = replace(line.table, voice={**line.table.voice, place: VoiceReply(ending, b"")})
    by_name = {file.name: file for file in compile_fallback(replace(line, table=table))}
    said = said_by(by_name["voice-en.xml"])
    assert said == [*said[: len(said) // 2]] * 2


def test_recordings_are_not_played(line: Line) -> None:
    """They lie on the server that is away, so the carrier's voice speaks instead."""
    place = Position("cy", "numbers")
    verbs = tuple(
        replace(verb, recording="/audio/cy/x.mp3") if isinstance(verb, Say) else verb
        for verb in line.table.call(place).verbs
    )
    table = replace(line.table, voice={**line.table.voice, place: VoiceReply(verbs, b"")})
    for file in compile_fallback(replace(line, table=table)):
        assert b"Play" not in file.reply.twiml
        assert b"audio" not in file.reply.twiml


def test_several_languages_follow_the_menu(files: dict[str, FallbackFile]) -> None:
    """The default language comes first, then the menu until the next one does not fit."""
    assert files["sms.xml"].languages == ("en", "cy")
    assert files["voice.xml"].languages == ("en", "cy")
    sent = files["sms.xml"].reply
    assert isinstance(sent, SmsReply)
    assert sent.count.segments <= MAX_SEGMENTS
    assert sent.text.index("In danger now?") < sent.text.index("Mewn perygl")


def test_default_language_comes_first(make_line: Callable[..., Line]) -> None:
    """Wherever the menu has it, the default language begins."""
    welsh = make_line(REFERRAL_LINE_DEFAULT_LANGUAGE="cy")
    by_name = {file.name: file for file in compile_fallback(welsh)}
    assert by_name["sms.xml"].languages == ("cy", "en")
    assert by_name["voice.xml"].languages == ("cy", "en")


def test_operator_chooses_languages(whole_line: Line) -> None:
    """Chosen languages stand in their order, each once; calls leave out those without a voice."""
    sms, voice, *_ = compile_fallback(whole_line, ["pl", "ur", "en", "pl"])
    assert sms.languages == ("pl", "ur", "en")
    assert voice.languages == ("pl", "en")
    (warning,) = check_fallback([sms, voice], whole_line)
    assert warning.severity is Severity.WARNING
    assert str(warning).startswith("sms.xml: warning: pl, ur, en: 12 segments of UCS-2; ")


def test_too_many_languages_are_refused(whole_line: Line) -> None:
    """What a bin or a message can't hold is an error that names both figures."""
    sms, voice, *_ = compile_fallback(whole_line, whole_line.languages[:8])
    faults = check_fallback([sms, voice], whole_line)
    told = "\n".join(map(str, faults))
    assert re.search(r"sms\.xml: error: .*: \d{4} characters; the carrier sends 1600", told)
    assert re.search(r"voice\.xml: error: .*: \d+ characters; a TwiML Bin takes 4000", told)


def test_languages_without_a_voice_alone_are_refused(whole_line: Line) -> None:
    """Somebody may call: one of the chosen languages must have a voice."""
    with pytest.raises(FaultsFound, match=r"voice\.xml: error: so, ur: has no voice"):
        compile_fallback(whole_line, ["so", "ur"])


@pytest.mark.parametrize("service", NEEDED)
def test_text_without_a_number_is_refused(line: Line, service: str) -> None:
    """A text that lacks one of the numbers is not written, however much else it says."""
    number = line.directory.services[service].phone
    whole = text_of(next(f for f in compile_fallback(line) if f.name == "sms-en.xml"))
    lacking = FallbackFile("sms-en.xml", ("en",), message(whole.replace(number, f"{number} 7")))
    (fault,) = check_fallback([lacking], line)
    assert str(fault).startswith(
        f"sms-en.xml: error: en: lacks the number of '{service}' in en: it is not written; put "
    )


@pytest.mark.parametrize("service", NEEDED)
def test_call_without_a_number_is_refused(line: Line, service: str) -> None:
    """Each language of a call must read out each number itself."""
    spoken = line.spoken_numbers["cy"][service]
    file = next(f for f in compile_fallback(line) if f.name == "voice.xml")
    assert isinstance(file.reply, VoiceReply)
    verbs = tuple(
        replace(verb, text=verb.text.replace(spoken, "")) if isinstance(verb, Say) else verb
        for verb in file.reply.verbs
    )
    lacking = replace(file, reply=replace(file.reply, verbs=verbs))
    (fault,) = check_fallback([lacking], line)
    assert f"lacks the number of '{service}' in cy: it is not said" in str(fault)


def test_unconfirmed_service_is_refused(line: Line) -> None:
    """A number that the directory does not vouch for counts as missing."""
    numbers = {tag: dict(known) for tag, known in line.spoken_numbers.items()}
    del numbers["pl"]["childline"]
    faults = check_fallback(compile_fallback(line), replace(line, spoken_numbers=numbers))
    assert {fault.file for fault in faults} == {"sms-pl.xml", "voice-pl.xml"}
    assert "no confirmed service" in faults[0].text


@pytest.mark.parametrize(
    ("before", "fault"),
    [
        ("Sextortion? ", "names 'sextort' in the first 40 characters"),
        ("x" * 1500, "the carrier sends 1600 at most"),
        ("{{From}} ", "has '{{', which a TwiML Bin takes for a field"),
        ("\x0b ", "breaks the TwiML"),
    ],
    ids=["locked screen", "length", "bin field", "xml"],
)
def test_text_is_checked_like_the_table(line: Line, before: str, fault: str) -> None:
    """What may not be sent otherwise may not be sent as a fallback, and bins add a rule."""
    whole = text_of(next(f for f in compile_fallback(line) if f.name == "sms-en.xml"))
    faults = check_fallback([FallbackFile("sms-en.xml", ("en",), message(before + whole))], line)
    assert any(fault in found.text for found in faults)


def test_too_long_a_sentence_is_refused(line: Line) -> None:
    """The voices' own limit holds here too."""
    file = next(f for f in compile_fallback(line) if f.name == "voice-en.xml")
    assert isinstance(file.reply, VoiceReply)
    verbs = (Say("en", "a" * 3001), *file.reply.verbs)
    faults = check_fallback([replace(file, reply=replace(file.reply, verbs=verbs))], line)
    assert ["too long for the voice" in fault.text for fault in faults] == [True]


def content_with(folder: Path, old: str, new: str) -> str:
    """Copy the packaged script and services, with one change to the script."""
    for name in ("script.toml", "services.toml"):
        text = (PACKAGED / name).read_text(encoding="utf-8")
        if name == "script.toml":
            assert old in text
            text = text.replace(old, new)
        (folder / name).write_text(text, encoding="utf-8")
    return str(folder)


def test_numbers_with_a_menu_are_refused(tmp_path: Path) -> None:
    """A node that waits for a key can't be a fallback, and the operator is told which."""
    content = content_with(tmp_path, "[nodes.numbers]\nends = true\n", "[nodes.numbers]\n")
    environ = {"REFERRAL_LINE_CONTENT": content, "REFERRAL_LINE_LANGUAGES": "en"}
    line = compile_line(load_settings(environ), today=TODAY)
    with pytest.raises(FaultsFound, match=r"script\.toml:\d+: error: numbers: .*no keys"):
        compile_fallback(line)


# --- writing -------------------------------------------------------------------------------------


def test_folder_is_made_and_filled(line: Line, tmp_path: Path) -> None:
    """Every file is there, whole, readable by a web server, with a README that says the day."""
    folder = tmp_path / "deep" / "fallback"
    files = compile_fallback(line)
    assert write_fallback(folder, files, today=date(2026, 11, 3)) == []
    assert {path.name for path in folder.iterdir()} == {README, *(file.name for file in files)}
    for file in files:
        assert (folder / file.name).read_bytes() == file.reply.twiml
    readme = (folder / README).read_text(encoding="utf-8")
    assert "Written on 03 November 2026." in readme
    assert "answers texts, in English, Welsh\n" in readme
    assert all(len(printed) <= 100 for printed in readme.splitlines())


def test_second_run_replaces_and_removes_only_its_own(line: Line, tmp_path: Path) -> None:
    """Languages served no more lose their files; what is not ours stays."""
    files = compile_fallback(line)
    write_fallback(tmp_path, files, today=TODAY)
    for name in ("notes.txt", "sms-notes.xml", "voice-test.wav"):
        (tmp_path / name).write_text("mine", encoding="utf-8")
    (tmp_path / "sms.xml").write_text("old", encoding="utf-8")
    fewer = [file for file in files if not file.name.endswith("-pl.xml")]
    assert write_fallback(tmp_path, fewer, today=TODAY) == ["sms-pl.xml", "voice-pl.xml"]
    assert {path.name for path in tmp_path.iterdir()} == {
        *(README, "notes.txt", "sms-notes.xml", "voice-test.wav"),
        *(file.name for file in fewer),
    }
    assert (tmp_path / "sms.xml").read_bytes() == files[0].reply.twiml


@pytest.mark.parametrize("name", ["README.txt", "sms.xml", "voice-cy.xml"])
def test_files_of_others_are_not_written_over(line: Line, tmp_path: Path, name: str) -> None:
    """Without our README a file of one of our names belongs to somebody else."""
    (tmp_path / name).write_text("mine", encoding="utf-8")
    with pytest.raises(FaultsFound, match=f"{name}: error: fallback: is there already"):
        write_fallback(tmp_path, compile_fallback(line), today=TODAY)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {name: "mine"}


def test_failed_write_leaves_no_half_file(line: Line, tmp_path: Path) -> None:
    """When a file can't be put in its place the operator is told, and nothing is left over."""
    files = compile_fallback(line)
    write_fallback(tmp_path, files, today=TODAY)
    (tmp_path / "voice-pl.xml").unlink()
    (tmp_path / "voice-pl.xml").mkdir()
    with pytest.raises(FaultsFound, match="can't be written"):
        write_fallback(tmp_path, files, today=TODAY)
    assert {path.name for path in tmp_path.iterdir()} == {README, *(file.name for file in files)}
    for file in files:
        if file.name != "voice-pl.xml":
            assert (tmp_path / file.name).read_bytes() == file.reply.twiml


# --- the command ---------------------------------------------------------------------------------


def run(*arguments: str, **environ: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(commands, ["fallback", *arguments], env={**THREE, **environ})


def test_command_prints_a_line_a_file(tmp_path: Path) -> None:
    """``fallback DIR`` shows name, bytes, segments and languages, then what it left out."""
    result = run(str(tmp_path), REFERRAL_LINE_LANGUAGES="en,ur,pl")
    assert result.exit_code == 0
    assert result.stderr == ""
    printed = result.stdout.splitlines()
    assert re.fullmatch(r"sms\.xml +\d+ bytes + 8 segments  en, ur", printed[0])
    assert re.fullmatch(r"voice\.xml +\d+ bytes +en, pl", printed[1])
    assert [row.split()[0] for row in printed[2:-2]] == [
        *("sms-en.xml", "sms-ur.xml", "sms-pl.xml", "voice-en.xml", "voice-pl.xml")
    ]
    assert printed[-2:] == [
        "No calls, for want of a voice: ur",
        f"7 files and README.txt in {tmp_path}",
    ]
    for row in printed[:-2]:
        name, size, *_ = row.split()
        assert (tmp_path / name).stat().st_size == int(size)


def test_command_tells_what_it_removes_and_warns_of(tmp_path: Path) -> None:
    """A language served no more is named; a long message is a warning, and written."""
    run(str(tmp_path))
    result = run(str(tmp_path), "--languages", "EN, pl", REFERRAL_LINE_LANGUAGES="en,pl")
    assert result.exit_code == 0
    assert "sms-cy.xml  removed: this language is not served any more\n" in result.stdout
    assert "  en, pl\n" in result.stdout
    result = run(str(tmp_path), "--languages", "en,pl,ur", REFERRAL_LINE_LANGUAGES="en,pl,ur")
    assert result.exit_code == 0
    assert "sms.xml: warning: en, pl, ur: 12 segments" in result.stderr
    assert "999" in (tmp_path / "sms.xml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--languages", "en,xx,"], 2, "'xx', '' not served; choose from en, cy, pl"),
        (["--languages", "en,cy,pl"], 1, "voice.xml: error: en, cy, pl: "),
        (["--nonsense"], 2, "No such option"),
    ],
    ids=["unknown language", "too many", "unknown option"],
)
def test_command_refuses_before_it_writes(
    tmp_path: Path, arguments: list[str], code: int, told: str
) -> None:
    """A wrong use is exit code 2, a fault 1, and nothing is written in either case."""
    folder = tmp_path / "new"
    result = run(str(folder), *arguments)
    assert result.exit_code == code
    assert result.stdout == ""
    assert told in result.stderr
    assert "Traceback" not in result.stderr
    assert not folder.exists()


def test_command_refuses_a_script_without_a_number(tmp_path: Path) -> None:
    """Texts that lack Crimestoppers are exit code 1, with the file and what to do."""
    line = "Know who does it? Crimestoppers, free, no name: {crimestoppers}\n"
    content = content_with(tmp_path, line, "")
    folder = tmp_path / "new"
    environ = {"REFERRAL_LINE_CONTENT": content, "REFERRAL_LINE_LANGUAGES": "en"}
    result = run(str(folder), **environ)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert [row.split(":")[0] for row in result.stderr.splitlines()] == ["sms.xml", "sms-en.xml"]
    assert "put {crimestoppers} into the node 'numbers'" in result.stderr
    assert not folder.exists()


def test_command_refuses_a_file_as_folder(tmp_path: Path) -> None:
    """DIR must be a folder, or become one."""
    path = tmp_path / "file"
    path.write_text("", encoding="utf-8")
    assert run(str(path)).exit_code == 2
    result = run(str(path / "below"))
    assert result.exit_code == 1
    assert "can't be written (Not a directory)" in result.stderr


# --- the web server ------------------------------------------------------------------------------

SECRET = "%2B447700900123"


class Nginx:
    """A real nginx with our configuration, and what it wrote."""

    def __init__(self, server: Server, folder: Path) -> None:
        """Keep the server and its folder."""
        self.server = server
        self.folder = folder
        self._context = ssl.create_default_context(cafile=str(folder / "full.pem"))

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, str, bytes]:
        """Return the status, content type and body of one request."""
        connection = http.client.HTTPSConnection(
            "localhost", self.server.port, timeout=10, context=self._context
        )
        headers = {"content-type": "application/x-www-form-urlencoded"} if body else {}
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.getheader("content-type", ""), response.read()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def nginx(line: Line, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """An nginx of our own, which serves the files; only port, folder and certificate differ."""
    folder = tmp_path_factory.mktemp("nginx")
    write_fallback(folder / "files", compile_fallback(line), today=TODAY)
    block = CONFIG.read_text(encoding="utf-8")
    for ours, theirs in (
        ("listen 443 ssl", "listen 127.0.0.1:{port} ssl"),
        ("server_name fallback.example.org", "server_name localhost"),
        ("/etc/letsencrypt/live/fallback.example.org/fullchain.pem", "{folder}/full.pem"),
        ("/etc/letsencrypt/live/fallback.example.org/privkey.pem", "{folder}/key.pem"),
        ("/srv/referral-line-fallback", str(folder / "files")),
    ):
        assert ours in block
        block = block.replace(ours, theirs)
    server = start_nginx(folder, block, "localhost")
    yield Nginx(server, folder)
    server.stop()


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("name", ["sms.xml", "voice.xml", "sms-pl.xml", "voice-cy.xml"])
def test_host_answers_the_carrier(nginx: Nginx, method: str, name: str) -> None:
    """A POST gets the file as a GET does: 200, text/xml, every byte of it."""
    body = f"From={SECRET}&Body=help".encode() if method == "POST" else None
    status, kind, answer = nginx.ask(method, f"/{name}", body)
    assert status == 200
    assert kind == "text/xml; charset=utf-8"
    assert answer == (nginx.folder / "files" / name).read_bytes()


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/sms-xx.xml", "sms.xml"),
        ("/sms", "sms.xml"),
        ("/voice-ur.xml", "voice.xml"),
        ("/voice/en", "voice.xml"),
        ("/sms.xml?ErrorCode=11200", "sms.xml"),
    ],
)
def test_host_answers_for_a_file_that_is_gone(nginx: Nginx, path: str, name: str) -> None:
    """A number that still points at a language removed gets the several languages."""
    status, _, answer = nginx.ask("POST", path, b"From=x")
    assert status == 200
    assert answer == (nginx.folder / "files" / name).read_bytes()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("POST", "/", 404),
        ("GET", "/README.txt", 404),
        ("POST", "/key.pem", 404),
        ("PUT", "/sms.xml", 403),
        ("DELETE", "/voice.xml", 403),
    ],
)
def test_host_gives_nothing_else(nginx: Nginx, method: str, path: str, status: int) -> None:
    """Only the replies are there, and nobody can change one."""
    body = b"x" if method in {"POST", "PUT"} else None
    assert nginx.ask(method, path, body)[0] == status
    assert (nginx.folder / "files" / "sms.xml").is_file()


def test_host_takes_a_large_form_and_refuses_a_huge_one(nginx: Nginx) -> None:
    """Up to 64 KiB, as the line itself; its body needs no folder to be kept in."""
    shutil.rmtree(nginx.folder / "client_body")
    assert nginx.ask("POST", "/sms.xml", b"Body=" + b"x" * 60_000)[0] == 200
    assert nginx.ask("POST", "/sms.xml", b"Body=" + b"x" * 70_000)[0] == 413


def test_host_writes_nothing_of_a_request(nginx: Nginx) -> None:
    """Neither path nor form nor address of a request is in any file, good or refused."""
    secret = SECRET.encode()
    for method, path in (
        ("POST", "/sms.xml"),
        ("GET", f"/sms.xml?From={SECRET}"),
        ("POST", f"/nothing?From={SECRET}"),
        ("PUT", f"/voice.xml?From={SECRET}"),
    ):
        body = b"From=" + secret + b"&Body=words" if method != "GET" else None
        nginx.ask(method, path, body)
    nginx.ask("POST", f"/sms.xml?From={SECRET}", secret * 10_000)
    kept = [path for path in nginx.folder.rglob("*") if path.is_file()]
    assert nginx.folder / "access.log" in kept
    assert (nginx.folder / "access.log").read_bytes() == b""
    for written in kept:
        content = written.read_bytes()
        assert b"447700900123" not in content
        assert b"127.0.0.1, server" not in content
