"""The environment becomes one frozen object, or a list of everything that is wrong with it."""

import traceback

import pytest
from pydantic import ValidationError

from referral_line.errors import SettingsError, Severity
from referral_line.settings import (
    Settings,
    check_environment,
    check_ready_to_serve,
    load_settings,
)

SECRET = "s3cret-token"


def test_empty_environment_gives_defaults() -> None:
    """Nothing needs to be set to look at the line in a terminal."""
    settings = load_settings({})
    assert settings.default_language == "en"
    assert settings.session_seconds == 1800
    assert settings.languages == settings.transfers == ()
    assert not (settings.reviewed_only or settings.can_text_me or settings.has_simulator)


def test_blank_variables_count_as_unset() -> None:
    """``REDIS_URL=`` in a file of variables is the same as no such line."""
    assert load_settings({"REDIS_URL": " ", "REFERRAL_LINE_TEXT_ME": ""}) == load_settings({})


def test_lists_are_split_at_commas() -> None:
    """Tokens, languages and transfers come as lists with commas between."""
    settings = load_settings(
        {
            "TWILIO_AUTH_TOKEN": "new, old",
            "REFERRAL_LINE_LANGUAGES": "cy, en,zh-Hans",
            "REFERRAL_LINE_TRANSFERS": "crimestoppers,childline",
        }
    )
    assert [token.get_secret_value() for token in settings.auth_tokens] == ["new", "old"]
    assert settings.languages == ("cy", "en", "zh-Hans")
    assert settings.transfers == ("crimestoppers", "childline")


def test_settings_are_frozen() -> None:
    """Nobody changes a setting once it is read."""
    with pytest.raises(ValidationError):
        load_settings({}).session_seconds = 1


def test_secrets_and_numbers_print_masked() -> None:
    """Neither str nor repr shows a token, a key, a password or a phone number."""
    settings = load_settings(
        {
            "TWILIO_AUTH_TOKEN": SECRET,
            "REFERRAL_LINE_SHARED_KEYS": SECRET,
            "REDIS_URL": f"redis://:{SECRET}@cache/0",
            "REFERRAL_LINE_NUMBER": "+447700900123",
        }
    )
    for shown in (str(settings), repr(settings)):
        assert SECRET not in shown
        assert "7700900123" not in shown


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("TWILIO_ACCOUNT_SID", "SK0123", "begins with AC"),
        ("REFERRAL_LINE_SESSION_SECONDS", "14401", "less than or equal to 14400"),
        ("REFERRAL_LINE_SESSION_SECONDS", "0", "greater than or equal to 1"),
        ("REFERRAL_LINE_SESSION_SECONDS", "soon", "valid integer"),
        ("REFERRAL_LINE_PUBLIC_URL", "line.example.org", "write the whole base URL"),
        ("REFERRAL_LINE_PUBLIC_URL", "https://x.org/?a=1", "without query"),
        ("REFERRAL_LINE_PUBLIC_URL", "https://x.org:0", "port from 1"),
        ("REFERRAL_LINE_PUBLIC_URL", "https://x.org/a%20b", "plain letters"),
        ("REFERRAL_LINE_PUBLIC_URL", "https://x.org:99999", "ort"),
        ("REFERRAL_LINE_NUMBER", "07700900123", "write the number in full"),
        ("REFERRAL_LINE_LANGUAGES", "en,p/l", "should match pattern"),
        ("REFERRAL_LINE_REVIEWED_ONLY", "perhaps", "valid boolean"),
    ],
)
def test_wrong_value_is_named(name: str, value: str, message: str) -> None:
    """A wrong value is told with the variable's name and what it should be."""
    with pytest.raises(SettingsError) as caught:
        load_settings({name: value})
    (fault,) = caught.value.faults
    assert fault.place == name
    assert message in fault.text


def test_every_fault_is_told_at_once() -> None:
    """An operator does not mend one variable only to hear of the next."""
    with pytest.raises(SettingsError) as caught:
        load_settings({"TWILIO_ACCOUNT_SID": "x", "REFERRAL_LINE_SESSION_SECONDS": "-1"})
    assert len(caught.value.faults) == 2


def test_a_wrong_number_is_not_repeated_in_the_fault() -> None:
    """Faults end in logs; the value of a secret variable stays out of them."""
    with pytest.raises(SettingsError) as caught:
        load_settings({"REFERRAL_LINE_NUMBER": "07700900456"})
    assert "7700900456" not in str(caught.value)


def test_secrets_are_in_no_chained_error() -> None:
    """Not even the traceback below a fault shows what a secret variable holds."""
    environ = {"REFERRAL_LINE_NUMBER": "07700900456", "REFERRAL_LINE_PUBLIC_URL": "http://u:pw9@x"}
    with pytest.raises(SettingsError) as caught:
        load_settings(environ)
    shown = "".join(traceback.format_exception(caught.value))
    assert "900456" not in shown
    assert "pw9" not in shown


def test_misspelt_variable_is_a_warning_with_a_hint() -> None:
    """A variable with our prefix that means nothing is told, with the likely name."""
    (fault,) = check_environment({"REFERRAL_LINE_TRANSFER": "childline", "PATH": "/bin"})
    assert fault.severity is Severity.WARNING
    assert "REFERRAL_LINE_TRANSFERS" in fault.text


def test_serving_needs_account_secret_and_address() -> None:
    """Without these three no webhook can be answered safely."""
    faults = check_ready_to_serve(load_settings({}))
    assert [fault.place for fault in faults] == [
        "TWILIO_ACCOUNT_SID",
        "TWILIO_AUTH_TOKEN",
        "REFERRAL_LINE_PUBLIC_URL",
    ]


def test_shared_keys_stand_in_for_the_auth_token() -> None:
    """With shared keys the web process never needs the account's token."""
    settings = load_settings(
        {
            "TWILIO_ACCOUNT_SID": "AC1",
            "REFERRAL_LINE_SHARED_KEYS": "key",
            "REFERRAL_LINE_PUBLIC_URL": "https://x.org",
        }
    )
    assert check_ready_to_serve(settings) == []


def test_transfers_need_our_own_number() -> None:
    """Without our number as caller ID, a service would see the caller's."""
    faults = check_ready_to_serve(load_settings({"REFERRAL_LINE_TRANSFERS": "childline"}))
    assert "REFERRAL_LINE_NUMBER" in [fault.place for fault in faults]


def test_path_prefix_is_the_path_of_the_public_url() -> None:
    """Replies lead back to where the carrier was told to call."""
    settings = load_settings({"REFERRAL_LINE_PUBLIC_URL": "https://x.org/help/line/"})
    assert settings.path_prefix == "/help/line"


def test_every_setting_says_what_it_means() -> None:
    """Each has a name for the environment and a description."""
    for field in Settings.model_fields.values():
        assert field.validation_alias
        assert field.description


@pytest.mark.parametrize(
    "environ",
    [
        {"TWILIO_API_KEY": "sekrit-7"},
        {"TWILIO_ACCOUNT_SID": "sekrit-7"},
        {"TWILIO_API_SECRET": "sekrit-7€"},
        {"TWILIO_AUTH_TOKEN": "sekrit-7€"},
        {"REFERRAL_LINE_SHARED_KEYS": "sekrit-7€"},
    ],
    ids=lambda environ: next(iter(environ)),
)
def test_secret_in_the_wrong_variable_is_not_told(environ: dict[str, str]) -> None:
    """Whoever mixes up key and secret reads what belongs there, and not the secret in a log."""
    with pytest.raises(SettingsError) as caught:
        load_settings(environ)
    assert next(iter(environ)) in str(caught.value)
    assert "sekrit" not in str(caught.value)
