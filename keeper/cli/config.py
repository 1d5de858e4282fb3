"""Settings: command line over environment (`KEEPER_...`) over the TOML file over defaults.

Nothing unknown is let pass, and every problem is told at once. Secrets are never settings: keys and
passwords stay in files of their own.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FilePath,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from keeper.errors import ConfigError
from keeper.units import USD6

ENV_PREFIX = "KEEPER_"

Seconds = Annotated[float, Field(ge=1)]


def _http_url(url: str) -> str:
    """The URL itself is not in the message: it may hold a key."""
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise ValueError("write a URL such as http://127.0.0.1:8545")
    return url


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Keystore(_Section):
    """An encrypted key and the file with its password."""

    keystore: Path
    password_file: Path


class Sender(Keystore):
    """The key that pays for transactions. `max_fee_gwei` caps the fee per gas."""

    max_fee_gwei: Annotated[float, Field(gt=0)] | None = None


class Liquidation(_Section):
    """Whether to flag and bid, and the least gain over marks for which to bid."""

    enabled: bool = True
    min_profit_usd: Annotated[float, Field(ge=0)] = 5.0

    @property
    def min_profit_usd6(self) -> int:
        """The same in micro-dollars."""
        return round(self.min_profit_usd * USD6)


class Intervals(_Section):
    """Seconds between two turns of a job."""

    attest: Seconds = 12.0
    liquidate: Seconds = 12.0
    settle: Seconds = 60.0


class Settings(BaseSettings):
    """Everything an operator can set. Paths are relative to the working directory.

    `feed_signers` sign surfaces: MarketFeeds has other keys than MarginOracle.
    """

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
    )

    rpc_url: Annotated[str, AfterValidator(_http_url)]
    deployment_file: FilePath
    model_file: FilePath | None = None
    rpc_timeout: Annotated[float, Field(gt=0, le=600)] = 10.0
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    signers: tuple[Keystore, ...] = ()
    signing_log: Annotated[Path | None, Field(validate_default=True)] = None
    feed_signers: tuple[Keystore, ...] = ()
    sender: Sender | None = None
    liquidation: Liquidation = Liquidation()
    intervals: Intervals = Intervals()

    @field_validator("signing_log")
    @classmethod
    def _needed_with_signers(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        if path is None and info.data.get("signers"):
            raise ValueError("name a file: a keeper that signs must remember what it signed")
        return path


def load_settings(file: Path | None, overrides: Mapping[str, object]) -> Settings:
    """Read all sources; `overrides` that are None count as not given.

    Raises ConfigError that names every problem and its fix.
    """
    if file is not None:
        _require_toml(file)

    class Sourced(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            if file is None:
                return init_settings, env_settings
            return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, file)

    given: dict[str, Any] = {name: value for name, value in overrides.items() if value is not None}
    problems = _unknown_variables(os.environ)
    settings: Settings | None = None
    try:
        settings = Sourced(**given)
    except ValidationError as error:
        problems = [_problem(dict(detail)) for detail in error.errors()] + problems
    if settings is None or problems:
        place = f"config {file}" if file else "config"
        raise ConfigError(f"{place}: {'; '.join(problems)}")
    return settings


def _unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Variables with our prefix that set nothing: pydantic-settings passes them over."""
    known = [name.upper() for name in Settings.model_fields]
    problems: list[str] = []
    for variable in sorted(environment):
        if not variable.startswith(ENV_PREFIX):
            continue
        name = variable.removeprefix(ENV_PREFIX).split("__")[0]
        if name not in known:
            near = get_close_matches(name, known, n=1)
            advice = f"did you mean {ENV_PREFIX}{near[0]}?" if near else "remove it"
            problems.append(f"{variable} (environment) is unknown: {advice}")
    return problems


def _require_toml(file: Path) -> None:
    try:
        tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"config {file}: missing: see config/keeper.example.toml") from None
    except OSError as error:
        raise ConfigError(f"config {file}: unreadable ({error.strerror})") from error
    except RecursionError:
        raise ConfigError(f"config {file}: nested too deeply: flatten it") from None
    except ValueError as error:  # what TOML is not, what UTF-8 is not, integers without end
        raise ConfigError(f"config {file}: not TOML: {error}") from error


def _problem(detail: dict[str, Any]) -> str:
    """One problem in words, without the value: it may be a secret in the wrong place."""
    location: tuple[str | int, ...] = detail["loc"]
    name = ".".join(map(str, location))
    if detail["type"] == "missing":
        variable = ENV_PREFIX + "__".join(map(str, location)).upper()
        return f"{name} is missing: set it in the file or as {variable}"
    if detail["type"] == "extra_forbidden":
        near = get_close_matches(str(location[-1]), _known_names(location[:-1]), n=1)
        return f"{name} is unknown: {f'did you mean {near[0]}?' if near else 'remove it'}"
    return f"{name}: {str(detail['msg']).removeprefix('Value error, ')}"


def _known_names(section: tuple[str | int, ...]) -> list[str]:
    """Names of the settings in a section, to suggest one of them."""
    sections: dict[str, type[BaseModel]] = {
        "signers": Keystore,
        "feed_signers": Keystore,
        "sender": Sender,
        "liquidation": Liquidation,
        "intervals": Intervals,
    }
    model = sections.get(str(section[0]), Settings) if section else Settings
    return list(model.model_fields)
