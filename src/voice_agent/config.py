"""Settings: from the command line, then `VOICE_AGENT_…` variables, then a file, then defaults.

The file is TOML, named by `VOICE_AGENT_CONFIG` or found as `voice-agent.toml` in the current
folder. Only the composition root and the command line read settings.
"""

import json
import os
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from voice_agent.core.errors import ConfigurationError

PREFIX = "VOICE_AGENT_"
DEFAULT_FILE = "voice-agent.toml"


def _split(value: Any) -> Any:
    return (
        [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, str)
        else value
    )


Names = Annotated[list[str], NoDecode, BeforeValidator(_split)]
"""Comma-separated in the environment and on the command line."""


def _read_json(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError("not JSON") from None


JsonTables = Annotated[list[dict[str, Any]], NoDecode, BeforeValidator(_read_json)]
"""JSON in the environment and on the command line, several tables in the file."""
JsonTable = Annotated[dict[str, Any], NoDecode, BeforeValidator(_read_json)]
"""JSON in the environment and on the command line, a table in the file."""
EngineOptions = Annotated[dict[str, dict[str, Any]], NoDecode, BeforeValidator(_read_json)]
"""The same, a table for each engine."""


class Settings(BaseSettings):
    """Everything an operator can set."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid")

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=1, le=65535, description="Port to listen on.")
    allowed_hosts: Names = Field(
        [],
        description="More names this server is called by (Host header); * allows any. Its own "
        "address, loopback and the public URL's name are allowed anyway.",
    )
    data_dir: Path = Field(
        Path("data"), description="Folder for the database, caches and local secrets."
    )
    database_url: str = Field("", description="SQLAlchemy URL; empty: SQLite in the data folder.")
    sample_data: bool = Field(
        default=True, description="Fill an empty database with sample orders and customers."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least important messages to log."
    )
    log_format: Literal["console", "json"] = Field(
        "console", description="Log for people or for machines."
    )

    business_name: str = Field("the Voice Agent demo shop", description="Who the agent speaks for.")
    greeting: str = Field("", description="First sentence of a call; empty: a standard one.")
    language: str = Field("en", description="Language of the conversation.")
    timezone: str = Field("UTC", description="Time zone of the business, like Europe/Berlin.")

    vad: Names = Field(["silero", "energy"], description="Voice activity detectors, best first.")
    stt: Names = Field(
        ["deepgram", "pocketsphinx"],
        description="Speech recognisers, best first; one without its key is passed over.",
    )
    llm: Names = Field(
        ["gemini", "openai", "anthropic", "builtin"],
        description="Language models, best first; one without its key is passed over.",
    )
    tts: Names = Field(
        ["elevenlabs", "cartesia", "flite", "espeak"],
        description="Speech synthesisers, best first; one without its key is passed over.",
    )
    realtime: Names = Field(
        [],
        description="Speech-to-speech models, best first; empty: recogniser, model and voice.",
    )
    tts_mode: Literal["auto", "quality", "speed", "cost"] = Field(
        "auto", description="Which of several hosted voices begins a reply."
    )
    pronunciations: JsonTable = Field(
        default_factory=dict,
        description='How words are said, like {"Nguyen": "nwin", "Siobhan": {"ipa": "ʃɪˈvɔːn"}}.',
    )
    voice: str = Field(
        "",
        description="Voice of the embedded synthesisers; hosted ones have theirs in their options.",
    )
    engine_options: EngineOptions = Field(
        default_factory=dict,
        description='Options by kind and engine, like {"stt.pocketsphinx": {"workers": 2}}.',
    )

    business_region: str = Field(
        "US", description="The business's country, with its state where it has one (US-NY)."
    )
    knowledge_dir: Path | None = Field(
        None, description="Folder of documents to answer from; empty: in the data folder."
    )
    knowledge_threshold: float | None = Field(
        None, ge=0, le=1, description="Score that an answer needs; empty: the usual one."
    )
    rasa_url: str = Field("", description="Address of a Rasa NLU server; empty: none.")
    rasa_token: SecretStr = Field(SecretStr(""), description="Its --auth-token.")
    nlu_llm: bool = Field(
        default=True,
        description="Ask a hosted language model what a caller means when nothing else is sure.",
    )
    custom_tools: JsonTables = Field(
        default_factory=list, description="Tools that are HTTP requests, a list of tables."
    )
    mcp_servers: EngineOptions = Field(
        default_factory=dict, description="MCP servers by name: command or url."
    )
    outbound_allowed: Names = Field(
        [],
        description="Hosts, addresses and networks beyond the public internet that tools may "
        "reach.",
    )
    memory: Literal["off", "session", "callers"] = Field(
        "callers",
        description="What is remembered: nothing, a long call's beginning, or callers from call to "
        "call as far as they consented.",
    )
    memory_notice: bool = Field(
        default=False,
        description="The business's own notice tells callers that they are remembered.",
    )
    memory_ask: bool = Field(
        default=False, description="Let the agent ask callers whether it may remember them."
    )
    memory_minutes: bool = Field(
        default=False, description="Let a language model put a call's matter in words."
    )
    memory_max_turns: int = Field(
        12, ge=2, le=200, description="Turns that a model sees whole; older ones are summed up."
    )
    memory_keep_days: int = Field(
        365, ge=1, description="Days after their last call that callers are remembered."
    )
    memory_turns_keep_days: int = Field(
        90, ge=1, description="Days that what was said is remembered."
    )
    memory_key: SecretStr = Field(
        SecretStr(""),
        description="Secret by which callers are found again, 16 characters or more; empty: a "
        "file in the data folder. Servers with one database share it.",
    )

    patience_ms: int = Field(
        300, ge=0, le=5000, description="Silence after a finished sentence that ends a turn (ms)."
    )
    long_patience_ms: int = Field(
        900, ge=0, le=10000, description="Silence after an unfinished sentence (ms)."
    )
    idle_s: float = Field(8.0, gt=0, description="Silence before the caller is prompted (s).")
    longest_call_s: float = Field(1800.0, gt=0, description="Longest call (s).")

    public_url: str = Field(
        "", description="How Twilio reaches this server, like https://voice.example.com."
    )
    twilio_account_sid: str = Field("", description="Twilio account.")
    twilio_auth_token: SecretStr = Field(
        SecretStr(""), description="Twilio auth token; empty: a local one for the simulated phone."
    )
    trusted_proxies: Names = Field(
        [], description="Addresses whose X-Forwarded headers are believed."
    )

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("not a time zone; use a name like Europe/Berlin or UTC") from None
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Command line before environment before file."""
        del dotenv_settings, file_secret_settings
        path = Path(os.environ.get(f"{PREFIX}CONFIG", DEFAULT_FILE))
        file = TomlConfigSettingsSource(settings_cls, toml_file=path)
        return init_settings, env_settings, file

    @property
    def database(self) -> str:
        """The database's URL, defaulted."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir / 'voice-agent.db'}"

    @property
    def known_hosts(self) -> list[str]:
        """Names by which browsers and Twilio may address this server.

        Other sites' pages could otherwise reach it through a name of their own that resolves
        to this machine.
        """
        public = urlsplit(self.public_url).hostname
        names = ["127.0.0.1", "localhost", "::1", "[::1]", *self.allowed_hosts]
        return [*names, *filter(None, (public, self.host))]

    def key(self, variable: str) -> str:
        """A provider's key by its customary variable, with or without our prefix in front."""
        if not variable:
            return ""
        return os.environ.get(f"{PREFIX}{variable}") or os.environ.get(variable, "")

    def options_for(self, kind: str, engine: str) -> dict[str, Any]:
        """What is set for one engine."""
        return self.engine_options.get(f"{kind}.{engine}", {})


def load_settings(**overrides: Any) -> Settings:
    """Read all sources; `overrides` are the command line's.

    Raises:
        ConfigurationError: one sentence for each wrong value, all at once.
    """
    try:
        return Settings(**{key: value for key, value in overrides.items() if value is not None})
    except ValidationError as error:
        lines = [_explain(dict(problem)) for problem in error.errors()]
        raise ConfigurationError("\n".join(lines)) from None
    except ValueError as error:
        raise ConfigurationError(f"the configuration file cannot be read: {error}") from None


def _explain(problem: dict[str, Any]) -> str:
    name = str(problem["loc"][0]) if problem["loc"] else "settings"
    if problem["type"] == "extra_forbidden":
        return f"{name}: there is no such setting (see `voice-agent serve --help`)"
    return f"{name} ({PREFIX}{name.upper()}): {problem['msg']}"
