"""The environment, read once into one frozen object; all faults at once, secrets masked."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, StringConstraints, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from referral_line.errors import Fault, SettingsError, Severity

PREFIX = "REFERRAL_LINE_"
MAX_SESSION_SECONDS = 14_400
"""The carrier keeps a cookie for four hours at most (support.twilio.com article 223136287)."""

MAX_PORT = 65_535
API_KEY = ("TWILIO_API_KEY", "TWILIO_API_SECRET")
"""Variables that the process which answers callers must not have."""

_PLACE = "environment"
_Tag = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")]
_Words = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """Everything the environment may say. Names are those people know, or have our prefix."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    account_sid: Annotated[str, StringConstraints(pattern=r"^AC[0-9A-Za-z]+$")] | None = Field(
        None,
        validation_alias="TWILIO_ACCOUNT_SID",
        description="the account whose webhooks we accept",
    )
    auth_tokens: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (),
        validation_alias="TWILIO_AUTH_TOKEN",
        description="its auth token; several with commas between while one is rotated",
    )
    shared_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (),
        validation_alias="REFERRAL_LINE_SHARED_KEYS",
        description="secrets of webhook shared keys (HMAC-SHA256), with commas between",
    )
    api_key: Annotated[str, StringConstraints(pattern=r"^SK[0-9A-Za-z]+$")] | None = Field(
        None,
        validation_alias="TWILIO_API_KEY",
        description="an API key's SID, for `sweep`, `number` and `doctor`; never for `serve`",
    )
    api_secret: SecretStr | None = Field(
        None, validation_alias="TWILIO_API_SECRET", description="the secret of the API key"
    )
    carrier_api_url: str = Field(
        "https://api.twilio.com",
        validation_alias="REFERRAL_LINE_CARRIER_API_URL",
        description="the base URL of the carrier's REST API: a region's, a compatible carrier's",
    )
    redis_url: SecretStr | None = Field(
        None,
        validation_alias="REDIS_URL",
        description="where sessions are kept: redis://, rediss://, unix://, redis+sentinel:// or "
        "redis+cluster://; memory of one process if unset",
    )
    public_url: str | None = Field(
        None,
        validation_alias="REFERRAL_LINE_PUBLIC_URL",
        description="the base URL the carrier is told to call; signatures are checked against it",
    )
    languages: Annotated[tuple[_Tag, ...], NoDecode] = Field(
        (),
        validation_alias="REFERRAL_LINE_LANGUAGES",
        description="tags to serve, in menu order; default every catalogue that passes the checks",
    )
    default_language: _Tag = Field(
        "en",
        validation_alias="REFERRAL_LINE_DEFAULT_LANGUAGE",
        description="the language of a first message that names none",
    )
    reviewed_only: bool = Field(
        default=False,
        validation_alias="REFERRAL_LINE_REVIEWED_ONLY",
        description="1: catalogues still marked as drafts are not served",
    )
    number: SecretStr | None = Field(
        None,
        validation_alias="REFERRAL_LINE_NUMBER",
        description="the line's own number, such as +447700900123; the caller ID of transfers",
    )
    transfers: _Words = Field(
        (),
        validation_alias="REFERRAL_LINE_TRANSFERS",
        description="ids of services a voice caller may be connected to; default none",
    )
    can_text_me: bool = Field(
        default=False,
        validation_alias="REFERRAL_LINE_TEXT_ME",
        description="1: a voice caller may ask for the details by text",
    )
    session_seconds: int = Field(
        1800,
        ge=1,
        le=MAX_SESSION_SECONDS,
        validation_alias="REFERRAL_LINE_SESSION_SECONDS",
        description="how long a conversation by text is remembered; at most 14400",
    )
    content: Path | None = Field(
        None,
        validation_alias="REFERRAL_LINE_CONTENT",
        description="another folder with script.toml and services.toml",
    )
    locales: Path | None = Field(
        None, validation_alias="REFERRAL_LINE_LOCALES", description="another folder of catalogues"
    )
    audio: Path | None = Field(
        None,
        validation_alias="REFERRAL_LINE_AUDIO",
        description="another folder of recordings, with one folder a language; default audio/ "
        "beside the catalogues",
    )
    counts_file: Path | None = Field(
        None,
        validation_alias="REFERRAL_LINE_COUNTS_FILE",
        description="a file that daily totals are appended to; no file, no totals if unset",
    )
    metrics: str | None = Field(
        None,
        validation_alias="REFERRAL_LINE_METRICS",
        description="host:port, or a port of this machine, where Prometheus finds metrics",
    )
    has_simulator: bool = Field(
        default=False,
        validation_alias="REFERRAL_LINE_SIMULATOR",
        description="1: serve the browser phone at /simulator beside the webhooks",
    )

    @field_validator(
        "auth_tokens", "shared_keys", "languages", "transfers", mode="before", check_fields=True
    )
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("public_url", "carrier_api_url")
    @classmethod
    def _check_base_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            message = "write the whole base URL, such as https://line.example.org"
            raise ValueError(message)
        if parts.port == 0:
            message = "write a port from 1 to 65535, or none"
            raise ValueError(message)
        if set("%{} ") & set(value):
            message = "write a path of plain letters; this one would be sent in another form"
            raise ValueError(message)
        if parts.query or parts.fragment or parts.username:
            message = "write the base URL without query, fragment or user name"
            raise ValueError(message)
        return value.rstrip("/")

    @field_validator("api_secret", "auth_tokens", "shared_keys")
    @classmethod
    def _check_secret(
        cls, value: SecretStr | tuple[SecretStr, ...] | None
    ) -> SecretStr | tuple[SecretStr, ...] | None:
        given = value if isinstance(value, tuple) else [value] if value else []
        if not all(each.get_secret_value().isascii() for each in given):
            message = "has letters that no secret has; copy it anew"
            raise ValueError(message)
        return value

    @field_validator("number")
    @classmethod
    def _check_number(cls, value: SecretStr | None) -> SecretStr | None:
        digits = value.get_secret_value().removeprefix("+") if value else "1"
        if value and not (value.get_secret_value().startswith("+") and digits.isdigit()):
            message = "write the number in full, such as +447700900123"
            raise ValueError(message)
        return value

    @field_validator("metrics")
    @classmethod
    def _check_metrics(cls, value: str | None) -> str | None:
        if value is None:
            return None
        host, _, port = value.rpartition(":")
        if not (port.isdigit() and 0 < int(port) <= MAX_PORT):
            message = "write host:port, such as 127.0.0.1:9464, or a port from 1 to 65535"
            raise ValueError(message)
        return f"{host or '127.0.0.1'}:{port}"

    @property
    def path_prefix(self) -> str:
        """The path of the public URL, which webhooks and their replies have in front."""
        return urlsplit(self.public_url or "").path

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read nothing but the mapping given to ``load_settings``."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)


class _Environment(EnvSettingsSource):
    """pydantic-settings' own reading of the environment, over a mapping that is passed in."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        super().__init__(Settings, case_sensitive=True)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name: value for name, value in self._environ.items() if value.strip()}


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings from a mapping such as ``os.environ``.

    Raises:
        SettingsError: every variable that is wrong, with its value (secrets left out) and what
            it should be.
    """
    given: dict[str, Any] = _Environment(environ)()
    try:
        return Settings(**given)
    except ValidationError as error:
        faults = [
            Fault(
                _PLACE,
                None,
                str(item["loc"][0]),
                _explain(str(item["loc"][0]), item["msg"], environ),
            )
            for item in error.errors()
        ]
        raise SettingsError(faults) from error


_SECRET = frozenset(
    {
        "TWILIO_AUTH_TOKEN",
        "TWILIO_API_SECRET",
        "REFERRAL_LINE_SHARED_KEYS",
        "REDIS_URL",
        "REFERRAL_LINE_NUMBER",
    }
)


def _explain(name: str, message: str, environ: Mapping[str, str]) -> str:
    text = message.removeprefix("Value error, ")
    value = environ.get(name, "")
    # An address with a user name in it holds a password too.
    if name in _SECRET or "@" in value:
        return text
    if name.startswith("TWILIO_"):
        # Whoever mixes them up has a secret in the wrong one.
        return (
            f"begins with {'SK' if name == 'TWILIO_API_KEY' else 'AC'}, and is letters and digits"
        )
    return f"{text} (is {value!r})"


def check_environment(environ: Mapping[str, str]) -> list[Fault]:
    """Warn of variables with our prefix that mean nothing, such as a misspelt one."""
    known = [str(field.validation_alias) for field in Settings.model_fields.values()]
    faults = []
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else "; it is ignored"
            faults.append(Fault(_PLACE, None, name, f"no such setting{hint}", Severity.WARNING))
    return faults


def check_ready_to_serve(settings: Settings) -> list[Fault]:
    """Return what ``serve`` still needs before the carrier's webhooks can be answered."""
    needed = {
        "TWILIO_ACCOUNT_SID": (settings.account_sid, "set it to the account's SID, AC…"),
        "TWILIO_AUTH_TOKEN": (
            settings.auth_tokens or settings.shared_keys,
            "set it, or REFERRAL_LINE_SHARED_KEYS; without a secret no webhook can be trusted",
        ),
        "REFERRAL_LINE_PUBLIC_URL": (
            settings.public_url,
            "set it to the base URL the carrier calls, such as https://line.example.org",
        ),
    }
    faults = [
        Fault(_PLACE, None, name, f"is not set; {remedy}")
        for name, (value, remedy) in needed.items()
        if not value
    ]
    if settings.transfers and settings.number is None:
        text = "is not set; transfers need the line's own number as caller ID"
        faults.append(Fault(_PLACE, None, "REFERRAL_LINE_NUMBER", text))
    return faults
