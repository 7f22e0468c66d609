"""The script and the directory: what is refused, and where the fault is said to be."""

import re
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import pytest

from referral_line.content.checks import check_script, check_services
from referral_line.content.completion import Offer, Unserved, complete
from referral_line.content.drawing import draw
from referral_line.content.loader import (
    PACKAGED,
    load_directory,
    load_script,
    parse_directory,
    parse_script,
)
from referral_line.content.model import Channel, Directory, Option
from referral_line.errors import ContentError, Fault, Severity

SCRIPT = (PACKAGED / "script.toml").read_text(encoding="utf-8")
SERVICES = (PACKAGED / "services.toml").read_text(encoding="utf-8")
TODAY = date(2026, 11, 22)

Edit = Callable[[str], str]


def replacing(old: str, new: str) -> Edit:
    """Edit a file's text in one place that is there."""

    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return edit


def faults_of_script(edit: Edit) -> list[Fault]:
    """Every fault of the shipped script with an edit."""
    try:
        script = parse_script(edit(SCRIPT))
    except ContentError as error:
        return list(error.faults)
    return check_script(script, load_directory())


def line_of(text: str, pattern: str) -> int:
    """The line a pattern is on."""
    found = re.search(pattern, text, re.MULTILINE)
    assert found
    return text.count("\n", 0, found.start()) + 1


def test_shipped_content_has_no_faults() -> None:
    """What callers get today passes every check."""
    script, directory = load_script(), load_directory()
    assert check_script(script, directory) == []
    found = check_services(directory, today=TODAY)
    assert [fault for fault in found if fault.severity is Severity.ERROR] == []


BROKEN: dict[str, tuple[Edit, str, str]] = {
    "unknown-target": (
        replacing('key = "1"\nto = "adult"', 'key = "1"\nto = "grown-up"'),
        "blackmailed",
        "key 1 leads to the unknown node 'grown-up'",
    ),
    "unknown-back": (
        replacing('[nodes.adult]\nback = "blackmailed"', '[nodes.adult]\nback = "blackmail"'),
        "adult",
        "back leads to the unknown node 'blackmail'",
    ),
    "unknown-role": (
        replacing('picture = "picture"', 'picture = "photo"'),
        "picture",
        "unknown node 'photo'",
    ),
    "duplicate-key": (
        replacing('key = "2"\nto = "evidence"', 'key = "1"\nto = "evidence"'),
        "adult",
        "duplicate key 1, also on line",
    ),
    "standing-key": (
        replacing('key = "2"\nto = "evidence"', 'key = "4"\nto = "evidence"'),
        "adult",
        "duplicate key 4: every menu has it for 'distress'",
    ),
    "six-choices": (
        replacing(
            "[nodes.paid]",
            '[[nodes.adult.options]]\nkey = "6"\nto = "about"\nsms = "About"\n'
            'voice = "To hear more, press {key}."\n\n[nodes.paid]',
        ),
        "adult",
        "6 spoken choices; 5 at most",
    ),
    "unknown-service": (
        replacing(
            "You can still tell the police: {police-101}",
            "You can still tell the police: {police-102}",
        ),
        "paid/sms",
        "unknown placeholder {police-102}",
    ),
    "number-by-hand": (
        replacing(
            "You can still tell the police: {police-101}", "You can still tell the police: 101"
        ),
        "paid/sms",
        "'101' is typed by hand; write {police-101}",
    ),
    "link-by-hand": (
        replacing("Delete nothing.", "Delete nothing. See https://example.org/x"),
        "evidence/sms",
        "'https://example.org/x' is typed by hand",
    ),
    "spoken-link": (
        replacing("Find it on the Childline website.", "Find it at {report-remove-link}."),
        "under-18-images/voice",
        "is a link, which nobody can write down by ear",
    ),
    "option-without-key": (
        replacing("If you are 18 or over, press {key}.", "If you are 18 or over, press one."),
        "blackmailed/adult/voice",
        "a spoken option must say its {key}",
    ),
    "long-label": (
        replacing('sms = "I have paid"', 'sms = "I have paid them money already yes"'),
        "adult/paid/sms",
        "is over 5 words",
    ),
    "carrier-word": (
        replacing("We have wiped your place in the menu.", "Text STOP to be sure."),
        "finish/sms",
        "'STOP' belongs to the carrier",
    ),
    "service-in-label": (
        replacing('sms = "I have paid"', 'sms = "Call {samaritans}"'),
        "adult/paid/sms",
        "unknown placeholder {samaritans}: not filled in here",
    ),
    "force-elsewhere": (
        replacing("You can still tell the police:", "You can still tell {force-name}:"),
        "paid/sms",
        "unknown placeholder {force-name}",
    ),
    "hours-not-confirmed": (
        replacing("Childline, under 19, free, not on the bill:", "Childline, day and night:"),
        "support/sms",
        "says when 'childline' answers, but its hours are not confirmed",
    ),
    "one-channel": (
        replacing('sms = "I have paid"\n', ""),
        "adult",
        "key 1 is offered on one channel alone",
    ),
    "carrier-choice": (
        replacing('words = "leave no trace, ', 'words = "cancel, leave no trace, '),
        "finish/words",
        "'cancel' belongs to the carrier",
    ),
    "word-twice": (
        replacing('words = "leave no trace, ', 'words = "Police, leave no trace, '),
        "finish/words",
        "stands in report/words too",
    ),
}


@pytest.mark.parametrize(("edit", "place", "text"), BROKEN.values(), ids=BROKEN.keys())
def test_fault_is_found_with_its_line(edit: Edit, place: str, text: str) -> None:
    """Each kind of mistake is refused, naming file, line and node."""
    found = [fault for fault in faults_of_script(edit) if text in fault.text]
    assert found
    fault = found[0]
    assert (fault.file, fault.severity) == ("script.toml", Severity.ERROR)
    assert fault.place == place
    assert fault.line is not None
    broken = edit(SCRIPT).splitlines()
    where = broken[fault.line - 1]
    assert where.startswith(("[", "sms", "voice", "words", "start")) or fault.line == 1


def test_unreachable_node_is_found() -> None:
    """A node that no key leads to would be text that nobody ever gets."""
    more = '\n[nodes.island]\nsms = "a"\nvoice = "b"\n'
    (fault,) = faults_of_script(lambda text: text + more)
    assert fault.text.startswith("unreachable node")
    assert fault.line == line_of(SCRIPT + more, r"^\[nodes.island\]")


def test_dead_end_without_voice_is_found() -> None:
    """A node that says nothing on a channel leaves that caller with nothing."""
    edit = replacing("[nodes.force]", "[nodes.force]\nnote2 = 1")
    assert "Extra inputs" in faults_of_script(edit)[0].text
    silent = re.sub(r"(\[nodes\.force\].*?)voice = '''.*?'''", r"\1", SCRIPT, flags=re.DOTALL)
    (fault,) = faults_of_script(lambda _: silent)
    assert fault.place == "force"
    assert fault.text.startswith("dead end: it says nothing by voice")


def test_node_that_waits_for_a_confirmation_is_found() -> None:
    """A node whose every line needs an unconfirmed service would say nothing today."""
    silent = re.sub(
        r"(\[nodes\.force\].*?)sms = '''.*?'''",
        r"\1sms = '{nca-advice-link}'",
        SCRIPT,
        flags=re.DOTALL,
    )
    found = [fault.text for fault in faults_of_script(lambda _: silent) if fault.place == "force"]
    assert "says nothing by sms until a service is confirmed; write a line without it" in found


def test_dead_end_without_keys_is_found() -> None:
    """A menu whose every key is only for texts leaves a caller on the phone with none."""
    silent = re.sub(
        r"(\[standing\.(?:distress|back|languages)\][^\[]*?)voice = .*?\n", r"\1", SCRIPT
    )
    found = [fault.text for fault in faults_of_script(lambda _: silent) if fault.place == "force"]
    assert found == ["dead end: no key leads on by voice; add an option, or 'ends = true'"]


def test_referral_too_far_away_is_found() -> None:
    """A service that is first named three keys from the first menu is too far."""
    (fault,) = faults_of_script(
        replacing("Type the name of your", "{iwf-link} Type the name of your")
    )
    assert fault.place == "force"
    assert "the referral to 'iwf' is 3 keys" in fault.text


def test_menu_without_way_to_help_is_found() -> None:
    """Where distress is one key away by text but not by phone, every menu is refused by phone."""
    edit = replacing('voice = "If you feel you can\'t go on, press {key}."\n', "")
    found = faults_of_script(edit)
    assert {fault.text for fault in found} == {
        "neither 999 nor distress can be reached in one key by voice"
    }
    assert "paid" in [fault.place for fault in found]


def test_every_fault_is_told_at_once() -> None:
    """Several mistakes are told together, in the order of the file."""
    edits = [BROKEN[name][0] for name in ("number-by-hand", "carrier-word", "long-label")]

    def edit(text: str) -> str:
        for one in edits:
            text = one(text)
        return text

    faults = faults_of_script(edit)
    assert len(faults) == 3
    assert [fault.line for fault in faults] == sorted(fault.line or 0 for fault in faults)


def test_other_ways_to_write_a_table_are_no_traceback() -> None:
    """A header with quotes or spaces is good TOML; faults in it still have a line."""
    for header in ('[nodes."paid"]', "[ nodes . paid ]"):
        edited = SCRIPT.replace("[nodes.paid]", header, 1).replace("{police-101}", "101")
        faults = check_script(parse_script(edited), load_directory())
        assert any(fault.place == "paid/sms" for fault in faults)


@pytest.mark.parametrize(
    ("source", "line", "text"),
    [
        ("start = 'home'\nstart = 'home'\n", 2, "Cannot overwrite a value"),
        ("[nodes.home]\nsms = 'a'\n[nodes.home]\n", 3, "twice"),
        ("x = [1\n", None, "array"),
    ],
    ids=["duplicate-key", "duplicate-node", "unclosed"],
)
def test_broken_toml_is_told_with_its_line(source: str, line: int | None, text: str) -> None:
    """What the TOML reader refuses is told with its own words and line."""
    with pytest.raises(ContentError) as caught:
        parse_script(source)
    (fault,) = caught.value.faults
    assert text in fault.text
    assert line is None or fault.line == line


def test_missing_and_unreadable_files_say_what_to_do(tmp_path: Path) -> None:
    """A folder without the file, or a file in another encoding, is told plainly."""
    with pytest.raises(ContentError, match="REFERRAL_LINE_CONTENT"):
        load_script(tmp_path)
    (tmp_path / "script.toml").write_bytes(b"# caf\xe9")
    with pytest.raises(ContentError, match="UTF-8"):
        load_script(tmp_path)


# --- services -----------------------------------------------------------------------------------


def faults_of_services(edit: Edit) -> list[Fault]:
    """The errors of the shipped directory with an edit."""
    try:
        directory = parse_directory(edit(SERVICES))
    except ContentError as error:
        return list(error.faults)
    found = check_services(directory, today=TODAY)
    return [fault for fault in found if fault.severity is Severity.ERROR]


@pytest.mark.parametrize(
    ("edit", "place", "text"),
    [
        (replacing('id = "ceop"', 'id = "samaritans"'), "samaritans", "used twice"),
        (replacing('phone = "116 123"', 'phone = "116-123"'), "service[16].phone", "pattern"),
        (
            replacing('url = "https://papyrus-uk.org/"', 'url = "http://papyrus-uk.org/"'),
            "service[19].url",
            "pattern",
        ),
        (replacing("+44800555111", "+44800555112"), "crimestoppers", "is not the phone"),
        (
            replacing('verified_on = "2026-10-05"', 'verified_on = "2026-12-05"'),
            "samaritans",
            "in the future",
        ),
        (
            replacing('verified_on = "2026-10-05"', 'verified_on = "2026-02-30"'),
            "samaritans",
            "no day of the calendar",
        ),
        (
            replacing('verified_on = "2026-10-05"', 'verified_on = "last week"'),
            "service[16].verified_on",
            "pattern",
        ),
        (
            replacing('id = "samaritans-welsh"', 'id = "shout-text"\n#'),
            "shout",
            "could mean 'shout-text' too",
        ),
    ],
    ids=[
        "id-twice",
        "phone-form",
        "link-form",
        "e164",
        "future",
        "calendar",
        "no-date",
        "placeholder-clash",
    ],
)
def test_directory_fault_is_found(edit: Edit, place: str, text: str) -> None:
    """Each kind of mistake in the directory is refused, with its line."""
    found = [fault for fault in faults_of_services(edit) if text in fault.text]
    assert found
    assert found[0].place == place
    assert found[0].line


def test_stale_facts_are_due_for_confirmation() -> None:
    """A fact is due after 200 days, not before, and one without a date is due at once."""

    def due(today: date) -> list[str]:
        faults = check_services(load_directory(), today=today)
        return [fault.place for fault in faults if fault.severity is Severity.WARNING]

    assert "samaritans" not in due(date(2027, 4, 23))
    assert "samaritans" in due(date(2027, 4, 24))
    assert "stopncii" in due(date(2026, 11, 22))


def test_unconfirmed_services_have_no_value() -> None:
    """What is marked confirm never reaches a reply: its placeholder stands for nothing."""
    values = load_directory().placeholders()
    assert values["nca-advice-link"] is None
    assert values["victim-support-scotland"] is None
    assert values["crimestoppers"] == "0800 555 111"


# --- completion and drawing ---------------------------------------------------------------------


ENGLISH = Offer("en", "20")


@pytest.fixture
def directory() -> Directory:
    """The shipped directory."""
    return load_directory()


def test_one_language_has_no_language_key(directory: Directory) -> None:
    """Where one language is served, key 0 is in no menu."""
    script = complete(load_script(), directory, languages=[ENGLISH])
    assert all(option.key != "0" for option in script.nodes["home"].options)


def test_language_keys_leave_distress_its_key(directory: Directory) -> None:
    """4 stays distress in the list of languages; those beyond the keypad have their codes."""
    tags = ["en", "cy", "pl", "ro", "pa", "ur", "pt", "es", "ar"]
    offers = [Offer(tag, str(code), tag != "ur") for code, tag in enumerate(tags, start=20)]
    script = complete(load_script(), directory, languages=offers)
    first, more = script.nodes["languages"].options, script.nodes["more-languages"].options

    def keys(options: Sequence[Option], channel: Channel) -> dict[str, str | None]:
        return {o.key: o.language for o in options if o.language and o.is_offered(channel)}

    assert {o.key: o.to for o in first}["4"] == "distress"
    assert keys(first, Channel.SMS) == dict(zip("1235678", tags, strict=False))
    assert keys(more, Channel.SMS) == {"27": "es", "28": "ar"}
    # A language that can't be spoken takes no key of a call.
    spoken = [tag for tag in tags if tag != "ur"]
    assert keys(first, Channel.VOICE) == dict(zip("1235678", spoken, strict=False))
    assert keys(more, Channel.VOICE) == {"28": "ar"}
    assert {o.key: o.to for o in first}["0"] == "more-languages"
    assert {o.key: o.to for o in more}["9"] == "languages"


def test_language_we_lack_gets_a_node_of_its_own(directory: Directory) -> None:
    """Its speakers read its own name and the English word for an interpreter."""
    swahili = Unserved("sw", "Kiswahili", "Swahili", ("Kiswahili", "Swahili"), "en")
    script = complete(load_script(), directory, languages=[ENGLISH], unserved=[swahili])
    node = script.nodes["unserved-sw"]
    assert node.values == {"language-name": "Kiswahili", "language-english": "Swahili"}
    assert node.language == "en"


def test_transfer_is_offered_only_where_allowed(directory: Directory) -> None:
    """A node that names an allowed service gains a key to a warning, then the transfer."""
    script = complete(load_script(), directory, languages=[ENGLISH], transfers=["crimestoppers"])
    (way,) = [o for o in script.nodes["someone-else"].options if o.key == "7"]
    assert not way.is_offered(Channel.SMS)
    warning = script.nodes[way.to]
    assert warning.back == "someone-else"
    assert warning.options[0].to == "transferring-someone-else"
    assert all(option.key != "7" for option in script.nodes["paid"].options)


def test_forces_become_nodes_by_confirmation() -> None:
    """A confirmed force gives its own page, another one 101 and the national page."""
    confirmed = re.sub(
        r'(id = "cleveland".*?confidence = )"confirm"', r'\1"solid"', SERVICES, flags=re.DOTALL
    )
    script = complete(load_script(), parse_directory(confirmed), languages=[ENGLISH])
    cleveland, cumbria = (script.nodes[f"force-{name}"].sms for name in ("cleveland", "cumbria"))
    assert cleveland
    assert cumbria
    assert "{force-link}" in cleveland.text
    assert "{police-101-link}" in cumbria.text
    assert "{force-link}" not in cumbria.text
    assert script.nodes["force"].typed["teesside"] == "force-cleveland"


def test_drawing_shows_every_node_and_key() -> None:
    """The flowchart has a line for each node and for each key of each menu."""
    script = load_script()
    drawn = draw(script)
    assert drawn.startswith("flowchart TD\n")
    for node in script.nodes.values():
        for option in node.options:
            assert option.sms
            assert f'{node.id} -->|"{option.key} {option.sms.text}"| {option.to}' in drawn
