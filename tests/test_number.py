"""The line's number at the carrier, and how its API's failures are told."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
import requests.exceptions
import twilio.base.exceptions
from click.testing import CliRunner, Result

from carrier_api import HTML, Answer, CarrierApi, Closed, Slow, refusal
from conftest import free_port
from referral_line.carrier.api import (
    EXPLANATIONS,
    RETRY,
    Api,
    connect,
    explain,
    warn_of_credentials,
)
from referral_line.carrier.number import OVERRIDES, fallbacks, find_number, webhooks, why_unusable
from referral_line.cli.commands import line as commands
from referral_line.errors import CarrierError
from referral_line.settings import Settings, load_settings

LINE = "+447700900999"
BASE = "https://line.example.org"
QUICK = RETRY.new(backoff_factor=0, backoff_jitter=0, retry_after_max=0)
BACKUP = "https://backup.example.org/fallback/"


@pytest.fixture
def carrier() -> Iterator[CarrierApi]:
    """An account with one number that points nowhere."""
    with CarrierApi() as api:
        api.add_number(LINE)
        yield api


def run(carrier: CarrierApi, *arguments: str, given: str | None = None, **environ: str) -> Result:
    """Run a command against the carrier; whatever it prints tells nothing of anyone."""
    known = {**carrier.environ, "REFERRAL_LINE_PUBLIC_URL": BASE, **environ}
    result = CliRunner().invoke(commands, arguments, input=given, env=known)
    assert not carrier.leaks(result.output)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def open_api(carrier: CarrierApi, *, timeout_seconds: float = 5, **environ: str) -> Api:
    """Return the account's API, with no waits between tries."""
    settings = load_settings({**carrier.environ, **environ})
    return connect(settings, retry=QUICK, timeout_seconds=timeout_seconds)


def settings_of(carrier: CarrierApi, **environ: str) -> Settings:
    """Return an operator's settings."""
    return load_settings({**carrier.environ, **environ})


def test_show_prints_where_the_number_leads(carrier: CarrierApi) -> None:
    """Every setting has a line; an application is told of without its id."""
    carrier.numbers[0] |= {
        "sms_url": "https://user:pass@elsewhere.example/sms",
        "voice_method": "GET",
        "voice_caller_id_lookup": True,
        "trunk_sid": carrier.sid("TK"),
        "capabilities": {"sms": True, "voice": False},
    }
    result = run(carrier, "number", "show")
    assert result.exit_code == 0
    assert result.stderr == ""
    rows = dict(row.split(maxsplit=1) for row in result.stdout.splitlines())
    assert rows == {
        "sms_url": "https://…@elsewhere.example/sms",
        "sms_method": "POST",
        "sms_fallback_url": "(none)",
        "sms_fallback_method": "POST",
        "voice_url": "(none)",
        "voice_method": "GET",
        "voice_fallback_url": "(none)",
        "voice_fallback_method": "POST",
        "voice_receive_mode": "voice",
        "voice_caller_id_lookup": "on",
        "status_callback": "(none)",
        "sms_application_sid": "(none)",
        "voice_application_sid": "(none)",
        "trunk_sid": "(set)",
        "capabilities": "sms",
    }


def test_show_as_json(carrier: CarrierApi) -> None:
    """``--json`` has the same settings for programs; what is not set is null."""
    shown = json.loads(run(carrier, "number", "show", "--json").stdout)
    assert shown["sms_url"] is None
    assert shown["voice_caller_id_lookup"] is False
    assert shown["capabilities"] == ["sms", "voice"]


def test_set_points_the_number_here(carrier: CarrierApi) -> None:
    """Addresses with how often they are tried, fallbacks in the folder, POST throughout."""
    carrier.numbers[0] |= {
        "sms_method": "GET",
        "voice_caller_id_lookup": True,
        "status_callback": "https://elsewhere.example/calls",
        "voice_receive_mode": "fax",
        "sms_application_sid": carrier.sid("AP"),
        "voice_application_sid": carrier.sid("AP"),
        "trunk_sid": carrier.sid("TK"),
    }
    result = run(carrier, "number", "set", "--fallback-url", BACKUP, "--yes")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert "sms_method\n  - GET\n  + POST\n" in result.stdout
    assert "voice_caller_id_lookup\n  - on\n  + off\n" in result.stdout
    assert "trunk_sid\n  - (set)\n  + (none)\n" in result.stdout
    assert result.stdout.endswith("11 of 11 settings changed.\n")
    assert (
        carrier.numbers[0].items()
        >= {
            "sms_url": f"{BASE}/sms#ct=1500&rt=3500&rc=2&rp=ct,rt,5xx",
            "sms_method": "POST",
            "sms_fallback_url": f"{BACKUP}sms.xml",
            "voice_url": f"{BASE}/voice#ct=1500&rt=3500&rc=2&rp=ct,rt,5xx",
            "voice_fallback_url": f"{BACKUP}voice.xml",
            "voice_caller_id_lookup": False,
            "status_callback": "",
            "voice_receive_mode": "voice",
            "sms_application_sid": None,
            "voice_application_sid": None,
            "trunk_sid": None,
        }.items()
    )


def test_set_twice_changes_nothing(carrier: CarrierApi) -> None:
    """What is right already is said, and not sent again; fallbacks are kept."""
    run(carrier, "number", "set", "--fallback-url", BACKUP, "--yes")
    result = run(carrier, "number", "set")
    assert result.exit_code == 0
    assert result.stdout == "The number points here already; nothing to change.\n"
    assert result.stderr == ""
    assert carrier.counted("POST") == 1


def test_three_tries_fit_into_the_carriers_fifteen_seconds() -> None:
    """The overrides leave no try half done when the carrier's own limit is reached."""
    given = dict(part.split("=") for part in OVERRIDES.removeprefix("#").split("&"))
    tries = 1 + int(given["rc"])
    assert tries == 3
    assert tries * (int(given["ct"]) + int(given["rt"])) == 15_000


def test_set_warns_of_what_callers_would_miss(carrier: CarrierApi) -> None:
    """No fallback and no texts are told on stderr; the number is set all the same."""
    carrier.numbers[0]["capabilities"] = {"sms": False, "voice": True}
    result = run(carrier, "number", "set", "--yes")
    assert result.exit_code == 0
    assert [text.split(", ")[0] for text in result.stderr.splitlines()] == [
        "warning: the number can't take texts; get one that can",
        "warning: no fallback for texts: whenever this server can't answer",
        "warning: no fallback for calls: whenever this server can't answer",
    ]
    assert "not delivered again" in result.stderr
    assert "cut off" in result.stderr


def test_set_asks_and_takes_no(carrier: CarrierApi) -> None:
    """Refused, nothing changes, and the exit code says so."""
    result = run(carrier, "number", "set", given="n\n")
    assert result.exit_code == 1
    assert "sms_url\n  - (none)\n  + https://" in result.stdout
    assert "Nothing was changed." in result.stderr
    assert carrier.counted("POST") == 0


def test_set_asks_and_takes_yes(carrier: CarrierApi) -> None:
    """Agreed, the number is set."""
    assert run(carrier, "number", "set", given="y\n").exit_code == 0
    assert carrier.numbers[0]["sms_url"].startswith(BASE)


def test_set_tells_what_the_carrier_did_not_keep(carrier: CarrierApi) -> None:
    """A carrier that drops what stands behind # is found out by looking again."""
    carrier.drops_fragments = True
    carrier.keeps = {"sms_method"}
    carrier.numbers[0]["sms_method"] = "GET"
    result = run(carrier, "number", "set", "--yes", "--fallback-url", BACKUP)
    assert result.exit_code == 1
    assert result.stdout.endswith("2 of 5 settings changed.\n")
    assert result.stderr.splitlines() == [
        f"error: {name}: the carrier kept {kept}; set it in its console"
        for name, kept in (
            ("sms_url", f"{BASE}/sms"),
            ("sms_method", "GET"),
            ("voice_url", f"{BASE}/voice"),
        )
    ]


def test_number_of_one_language(carrier: CarrierApi) -> None:
    """``--language pl`` points at the addresses of that language."""
    run(carrier, "number", "set", "--language", "pl", "--yes")
    assert carrier.numbers[0]["sms_url"] == f"{BASE}/sms/pl{OVERRIDES}"
    assert carrier.numbers[0]["voice_url"] == f"{BASE}/voice/pl{OVERRIDES}"
    assert webhooks(BASE)["voice_url"] == f"{BASE}/voice{OVERRIDES}"


@pytest.mark.parametrize(
    ("url", "voice_url", "expected"),
    [
        (None, None, {}),
        ("https://a/f/", None, ("https://a/f/sms.xml", "https://a/f/voice.xml")),
        ("https://a/f", None, ("https://a/f", "https://a/f")),
        ("https://a/f", "https://a/v", ("https://a/f", "https://a/v")),
        ("https://a/f/", "https://a/v", ("https://a/f/sms.xml", "https://a/v")),
        (None, "https://a/v", {"voice_fallback_url": "https://a/v"}),
    ],
    ids=["kept", "folder", "one for both", "one each", "folder and one", "calls alone"],
)
def test_fallbacks(
    url: str | None, voice_url: str | None, expected: dict[str, str] | tuple[str, str]
) -> None:
    """A folder gives a file for each kind; another address is used as it is."""
    if isinstance(expected, tuple):
        expected = dict(zip(("sms_fallback_url", "voice_fallback_url"), expected, strict=True))
    assert fallbacks(url, voice_url) == expected


@pytest.mark.parametrize(
    ("tag", "sms", "voice"),
    [
        ("pl", "sms-pl.xml", "voice-pl.xml"),
        ("zh-hans", "sms-zh-Hans.xml", "voice-zh-Hans.xml"),
        ("ur", "sms-ur.xml", "voice.xml"),
        ("xx", "sms.xml", "voice.xml"),
    ],
    ids=["Polish", "other capitals", "without a voice", "unknown"],
)
def test_folder_of_a_number_with_one_language(tag: str, sms: str, voice: str) -> None:
    """Its own files are named, as `fallback` writes them."""
    assert fallbacks("https://b.example.org/", None, tag) == {
        "sms_fallback_url": f"https://b.example.org/{sms}",
        "voice_fallback_url": f"https://b.example.org/{voice}",
    }


def test_fallback_on_the_lines_own_host_is_warned_of(carrier: CarrierApi) -> None:
    """It would be away whenever it is needed."""
    result = run(carrier, "number", "set", "--yes", "--fallback-url", f"{BASE}/fallback/")
    assert result.exit_code == 0
    assert result.stderr.count("is on the line's own host") == 2


def test_one_fallback_for_both_is_noted(carrier: CarrierApi) -> None:
    """One address has to answer texts and calls, which an operator should know."""
    shared = ("number", "set", "--yes", "--fallback-url", "https://backup.example.org/x")
    assert "must answer each with TwiML of its own" in run(carrier, *shared).stderr
    alone = (*shared, "--voice-fallback-url", "https://backup.example.org/y")
    assert "note:" not in run(carrier, *alone).stderr


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://a.org/", "must begin with https://"),
        ("a.org/x", "must begin with https://"),
        ("https:///x", "names no host"),
        ("https://a.org:0/", "names no host"),
        ("https://a.org:x/", "is no address"),
        ("https://[::1/", "is no address"),
        ("https://me:secret@a.org/", "holds a user name"),
        ("https://a.org/é", "has characters"),
        ("https://a.org/a b", "has characters"),
    ],
)
def test_unusable_addresses(url: str, reason: str) -> None:
    """An address that the carrier can't call, or shouldn't, is refused with the reason."""
    assert (why_unusable(url) or "").startswith(reason)
    result = CliRunner().invoke(commands, ["number", "set", "--fallback-url", url])
    assert result.exit_code == 2
    assert reason in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "environ", "text"),
    [
        (["set", "--language", "../x"], {}, "'../x' is no language here"),
        (["set", "--language", "welsh"], {}, "'welsh' is no language here"),
        (["set"], {"REFERRAL_LINE_PUBLIC_URL": ""}, "REFERRAL_LINE_PUBLIC_URL: is not set"),
        (["set"], {"REFERRAL_LINE_PUBLIC_URL": "http://127.0.0.1"}, "must begin with https://"),
        (["show"], {"TWILIO_ACCOUNT_SID": ""}, "TWILIO_ACCOUNT_SID: is not set"),
        (["show"], {"TWILIO_API_KEY": ""}, "TWILIO_API_KEY: is not set, but TWILIO_API_SECRET is"),
        (["show"], {"TWILIO_API_SECRET": ""}, "TWILIO_API_SECRET: is not set"),
        (
            ["show"],
            {"TWILIO_API_KEY": "", "TWILIO_API_SECRET": ""},
            "TWILIO_API_KEY: is not set; make an API key",
        ),
    ],
    ids=[
        "tag",
        "no such language",
        "no address",
        "http",
        "no account",
        "no key",
        "no secret",
        "no credentials",
    ],
)
def test_wrong_use(
    carrier: CarrierApi, arguments: list[str], environ: dict[str, str], text: str
) -> None:
    """What is missing or wrong is told with its name, before anything is asked of the carrier."""
    result = run(carrier, "number", *arguments, **environ)
    assert result.exit_code == 2
    assert text in result.stderr
    assert carrier.requests == []


def test_token_works_with_a_warning(carrier: CarrierApi) -> None:
    """Without an API key the account's token is used, and a key is recommended."""
    token = {"TWILIO_API_KEY": "", "TWILIO_API_SECRET": "", "TWILIO_AUTH_TOKEN": "made-up-token,b"}
    result = run(carrier, "number", "show", **token)
    assert result.exit_code == 0
    assert result.stderr.startswith("warning: TWILIO_API_KEY is not set")


def test_open_address_of_the_api_is_warned_of(carrier: CarrierApi) -> None:
    """Credentials over http:// are worth a word, except on this machine."""
    settings = settings_of(carrier, REFERRAL_LINE_CARRIER_API_URL="http://carrier.invalid")
    assert "begins with http://" in warn_of_credentials(settings)[0]
    assert warn_of_credentials(settings_of(carrier)) == []


def test_only_number_of_an_account_is_the_lines(carrier: CarrierApi) -> None:
    """Where there is one number, nobody has to name it."""
    found, digits = find_number(open_api(carrier), settings_of(carrier))
    assert found.sid == carrier.numbers[0]["sid"]
    assert digits == LINE


def test_one_of_several_numbers_must_be_named(carrier: CarrierApi) -> None:
    """How many there are is told, and not which."""
    carrier.add_number("+447700900998")
    result = run(carrier, "number", "show")
    assert result.exit_code == 2
    assert "REFERRAL_LINE_NUMBER: is not set, and the account has 2 numbers" in result.stderr
    assert "+44" not in result.output
    assert run(carrier, "number", "show", REFERRAL_LINE_NUMBER=LINE).exit_code == 0


def test_number_is_compared_whole(carrier: CarrierApi) -> None:
    """The API's filter finds longer numbers too; they are not the line's."""
    carrier.numbers[0]["phone_number"] = LINE + "1"
    result = run(carrier, "number", "show", REFERRAL_LINE_NUMBER=LINE)
    assert result.exit_code == 1
    assert "REFERRAL_LINE_NUMBER is no number of this account" in result.stderr


def test_number_of_another_account_is_refused(carrier: CarrierApi) -> None:
    """A number that the API lists but that belongs to somebody else is not touched."""
    carrier.numbers[0]["account_sid"] = carrier.sid("AC")
    result = run(carrier, "number", "set", "--yes", REFERRAL_LINE_NUMBER=LINE)
    assert result.exit_code == 1
    assert "no number of this account" in result.stderr
    assert carrier.counted("POST") == 0


def test_account_without_a_number(carrier: CarrierApi) -> None:
    """An account without numbers is told so."""
    carrier.numbers.clear()
    result = run(carrier, "number", "show")
    assert result.exit_code == 1
    assert result.stderr == (
        "error: the account has no number; get one that can take texts and calls\n"
    )


def test_wrong_credentials(carrier: CarrierApi) -> None:
    """A wrong secret is told with the carrier's code and the variables to check."""
    result = run(carrier, "number", "show", TWILIO_API_SECRET="wrong")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "TWILIO_API_KEY" in result.stderr
    assert "(HTTP 401, error 20003)" in result.stderr


ALWAYS = 99


@pytest.mark.parametrize(
    ("happens", "text"),
    [
        (refusal(403, 70051), "permissions that docs/sweeping.md lists"),
        (refusal(404, 20404), "knows no such record"),
        (refusal(429, 20429, Retry_After="1"), "too many requests"),
        (refusal(500, 20500), "a fault of its own"),
        (refusal(400, 21604), "the carrier refused the request"),
        (Answer(503, b"<html>", {"Content-Type": "text/html"}), "a fault of its own"),
        (Answer(302, b"", {"Location": "https://elsewhere.invalid"}), "makes no sense"),
        (HTML, "makes no sense"),
        (Answer(200, ["no", "object"]), "makes no sense"),
        (Answer(200, {"a": [], "b": []}), "makes no sense"),
        (Answer(200, {"incoming_phone_numbers": ["x"]}), "makes no sense"),
        (Closed(), "broke off"),
        (Slow(0.5), "or is silent"),
    ],
    ids=[
        "not allowed",
        "not found",
        "too many",
        "fault",
        "refused",
        "away",
        "redirection",
        "HTML",
        "list",
        "two keys",
        "no record",
        "closed",
        "silent",
    ],
)
def test_failures_are_told_with_a_remedy(
    carrier: CarrierApi, happens: Answer | Closed | Slow, text: str
) -> None:
    """Whatever comes instead of an answer is one sentence, without addresses or ids."""
    carrier.fail(happens, times=ALWAYS)
    api = open_api(carrier, timeout_seconds=0.2)
    with pytest.raises(CarrierError, match=text) as caught:
        find_number(api, settings_of(carrier))
    assert not carrier.leaks(str(caught.value))
    assert "127.0.0.1" not in str(caught.value)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "happens", [refusal(429, 20429), refusal(429, 20429, Retry_After="1"), refusal(503, 20503)]
)
def test_passing_failures_are_not_noticed(
    carrier: CarrierApi, happens: Answer, method: str
) -> None:
    """One "too many requests" or one fault is followed by another try."""
    carrier.fail(happens, method=method)
    assert run(carrier, "number", "set", "--yes").exit_code == 0
    assert carrier.counted(method) == {"GET": 3, "POST": 2}[method]


@pytest.mark.parametrize("host", ["127.0.0.1", "carrier.invalid"], ids=["refused", "no such name"])
def test_carrier_that_can_not_be_reached(carrier: CarrierApi, host: str) -> None:
    """A port where nobody listens, and a name that nobody has, are told alike."""
    address = f"http://{host}:{free_port()}"
    result = run(carrier, "number", "show", REFERRAL_LINE_CARRIER_API_URL=address, NO_PROXY="*")
    assert result.exit_code == 1
    assert "can't be reached" in result.stderr.splitlines()[-1]
    assert host not in result.stderr


def test_server_that_speaks_no_tls(carrier: CarrierApi) -> None:
    """An https address that is answered without TLS is told as a certificate's fault."""
    address = carrier.url.replace("http:", "https:")
    api = open_api(carrier, REFERRAL_LINE_CARRIER_API_URL=address)
    with pytest.raises(CarrierError, match="certificate"):
        find_number(api, settings_of(carrier))


def _library_errors() -> list[type[Exception]]:
    """Every class of error that the two libraries have."""
    found: list[type[Exception]] = []
    new: list[type[Exception]] = [
        twilio.base.exceptions.TwilioException,
        requests.exceptions.RequestException,
    ]
    while new:
        kind = new.pop()
        found.append(kind)
        new += [
            below
            for below in kind.__subclasses__()
            if below.__module__.startswith(("twilio.", "requests."))
        ]
    return found


@pytest.mark.parametrize("kind", sorted(set(_library_errors()), key=str))
def test_every_error_of_the_libraries_is_mapped(kind: type[Exception]) -> None:
    """An error that a newer library adds fails here until somebody says what it means."""
    assert kind in EXPLANATIONS


def test_errors_of_the_other_format() -> None:
    """The newer form of the carrier's errors is read for its numbers too, and for nothing else."""
    error = twilio.base.exceptions.TwilioServiceException("https://x", LINE, 403, 20003)
    told = str(explain(error))
    assert told.endswith("(HTTP 403, error 20003)")
    assert LINE not in told


def test_libraries_log_nothing(
    carrier: CarrierApi, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Request lines hold SIDs and numbers, so no log level brings them out."""
    caplog.set_level(logging.DEBUG)
    carrier.fail(refusal(503, 20503))
    find_number(open_api(carrier), settings_of(carrier))
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")


def test_region_of_the_environment_is_not_read(
    carrier: CarrierApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TWILIO_EDGE and TWILIO_REGION would change the address behind the settings' back."""
    monkeypatch.setenv("TWILIO_EDGE", "dublin")
    monkeypatch.setenv("TWILIO_REGION", "ie1")
    assert run(carrier, "number", "show").exit_code == 0


def test_described_api_is_held_to(carrier: CarrierApi) -> None:
    """The stand-in notices a request that the published description does not allow."""
    api = open_api(carrier)
    api.records.messages.list(page_size=1000)
    assert carrier.problems == []
    path = f"{carrier.url}/2010-04-01/Accounts/{carrier.account_sid}/Messages.json"
    for query in ({"PageSize": "5000"}, {"Recipient": LINE}):
        api.client.request("GET", path, params=query)
        assert len(carrier.problems) == 1
        carrier.problems.clear()
    api.client.request("GET", path.replace("Messages", "Nonsense"))
    assert len(carrier.problems) == 1
    carrier.problems.clear()
    carrier.numbers[0]["sms_method"] = "PUT"
    find_number(api, settings_of(carrier))
    assert "PUT" in carrier.problems.pop()


def test_started_as_a_process(carrier: CarrierApi) -> None:
    """The command works as an operator runs it."""
    environ = {**os.environ, **carrier.environ, "NO_PROXY": "*"}
    command = [sys.executable, "-m", "referral_line", "number", "show"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stdout.startswith("sms_url")
    assert done.stderr == ""
