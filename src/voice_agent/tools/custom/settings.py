"""What an operator says about tools without code; every mistake is named with its place."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from voice_agent.compliance.outbound import OutboundPolicy, decide_url
from voice_agent.core.chat import ToolAccess
from voice_agent.core.errors import ConfigurationError
from voice_agent.tools.base import DEFAULT_TIMEOUT
from voice_agent.tools.custom.json_schema import simplified
from voice_agent.tools.custom.names import SERVER_NAME, TOOL_NAME

PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)
_OURS: Final = (
    "host",
    "connection",
    "content-length",
    "content-type",
    "transfer-encoding",
    "accept-encoding",
    "idempotency-key",
    "x-voice-agent-signature",
    "x-voice-agent-timestamp",
)
_ANYWHERE: Final = OutboundPolicy.of(["0.0.0.0/0", "::/0"])

Model = TypeVar("Model", bound=BaseModel)


def _checked_headers(headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
    for name, value in headers.items():
        if not _HEADER.fullmatch(name) or not value.get_secret_value().isprintable():
            raise ValueError(f"{name!r} is no header, or its value has control characters")
        if name.casefold() in _OURS:
            raise ValueError(f"{name} is set by the agent itself")
    return headers


def _checked_url(url: str) -> str:
    decision = decide_url(PLACEHOLDER.sub("x", url), _ANYWHERE)
    if not decision.allowed:
        raise ValueError(decision.reason)
    return url


Headers = Annotated[dict[str, SecretStr], AfterValidator(_checked_headers)]
Url = Annotated[str, AfterValidator(_checked_url)]
Timeout = Annotated[float, Field(gt=0, le=DEFAULT_TIMEOUT)]


class WebhookSettings(BaseModel):
    """One tool that is an HTTP request."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=TOOL_NAME.pattern, description="What the model calls it.")
    description: str = Field(
        min_length=1, max_length=1000, description="What it does and when, for the model."
    )
    url: Url = Field(description="{name} in its path or query becomes that argument's value.")
    method: Literal["GET", "POST", "PUT"] = Field(
        "POST", description="GET sends the arguments as a query, the others as JSON."
    )
    access: ToolAccess = Field(
        description="read (may be repeated and cut off), write or irreversible."
    )
    parameters: dict[str, Any] = Field(
        default_factory=lambda: {"type": "object", "properties": {}},
        description="JSON schema of the arguments.",
    )
    headers: Headers = Field(
        default_factory=dict, description="More headers; their values are kept secret."
    )
    secret: SecretStr = Field(SecretStr(""), description="Signs every request; empty: unsigned.")
    timeout_s: Timeout = Field(DEFAULT_TIMEOUT, description="How long it may take (s).")
    result: str = Field("", description="The part of the answer that counts, like data.items.0.")
    template: str = Field(
        "", description="A sentence made of the answer, like 'It costs {price.amount} dollars.'"
    )

    @field_validator("parameters")
    @classmethod
    def _object_schema(cls, value: dict[str, Any]) -> dict[str, Any]:
        return simplified(value)

    @model_validator(mode="after")
    def _placeholders_are_required(self) -> Self:
        start = self.url.index("//") + 2
        authority = re.split(r"[/?#]", self.url[start:], maxsplit=1)[0]
        if "{" in authority:
            raise ValueError("url: the host cannot come from an argument")
        required = self.parameters.get("required", [])
        for name in self.placeholders:
            if name not in required:
                raise ValueError(f"url: {{{name}}} is not a required parameter")
        return self

    @property
    def placeholders(self) -> tuple[str, ...]:
        """The arguments that the URL contains."""
        return tuple(PLACEHOLDER.findall(self.url))


class McpServerSettings(BaseModel):
    """One MCP server: a command that is started here, or a URL."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: str = Field("", description="A program that speaks MCP on stdin and stdout.")
    args: list[str] = Field(default_factory=list, description="Its arguments.")
    env: dict[str, SecretStr] = Field(
        default_factory=dict,
        description="Its environment besides PATH, HOME and the like; nothing else is passed on.",
    )
    cwd: Path | None = Field(None, description="The folder it is started in.")
    url: Annotated[str, AfterValidator(lambda url: _checked_url(url) if url else url)] = Field(
        "", description="An address that speaks MCP over streamable HTTP."
    )
    headers: Headers = Field(default_factory=dict, description="Headers for the URL; kept secret.")
    timeout_s: Timeout = Field(DEFAULT_TIMEOUT, description="How long a tool may take (s).")
    tools: list[str] = Field(
        default_factory=list, description="The only tools that are offered; empty: all of them."
    )
    access: dict[str, ToolAccess] = Field(
        default_factory=dict, description="What a tool does, where its own annotations are wrong."
    )

    @model_validator(mode="after")
    def _one_way_to_reach_it(self) -> Self:
        if bool(self.command) == bool(self.url):
            raise ValueError("give either command or url")
        if self.url and (self.args or self.env or self.cwd):
            raise ValueError("args, env and cwd belong to a command")
        if self.command and self.headers:
            raise ValueError("headers belong to a url")
        return self


@dataclass(frozen=True, slots=True)
class CustomToolSettings:
    """Everything about tools without code, checked."""

    webhooks: tuple[WebhookSettings, ...] = ()
    servers: Mapping[str, McpServerSettings] = field(default_factory=dict)
    policy: OutboundPolicy = field(default_factory=OutboundPolicy)

    @classmethod
    def read(
        cls,
        custom_tools: Sequence[Mapping[str, Any]],
        mcp_servers: Mapping[str, Mapping[str, Any]],
        outbound_allowed: Sequence[str],
    ) -> "CustomToolSettings":
        """Read the three settings of these names.

        Raises:
            ConfigurationError: one line for each mistake.
        """
        try:
            policy = OutboundPolicy.of(outbound_allowed)
        except ValueError as error:
            raise ConfigurationError(f"outbound_allowed: {error}") from None
        return cls(read_webhooks(custom_tools), read_mcp_servers(mcp_servers), policy)


def read_webhooks(tables: Sequence[Mapping[str, Any]]) -> tuple[WebhookSettings, ...]:
    """The setting `custom_tools`.

    Raises:
        ConfigurationError: one line for each mistake, all at once.
    """
    mistakes: list[str] = []
    found: dict[str, WebhookSettings] = {}
    for number, table in enumerate(tables):
        place = f"custom_tools[{number}]"
        webhook = _read(WebhookSettings, table, place, mistakes)
        if webhook is not None and webhook.name in found:
            mistakes.append(f"{place}.name: there are two tools called {webhook.name}")
        elif webhook is not None:
            found[webhook.name] = webhook
    _complain(mistakes)
    return tuple(found.values())


def read_mcp_servers(tables: Mapping[str, Mapping[str, Any]]) -> dict[str, McpServerSettings]:
    """The setting `mcp_servers`.

    Raises:
        ConfigurationError: one line for each mistake, all at once.
    """
    mistakes: list[str] = []
    found: dict[str, McpServerSettings] = {}
    for name, table in tables.items():
        if not SERVER_NAME.fullmatch(name):
            mistakes.append(
                f"mcp_servers.{name}: a server's name has up to 24 lower-case letters, digits "
                "and _, and begins with a letter"
            )
        server = _read(McpServerSettings, table, f"mcp_servers.{name}", mistakes)
        if server is not None:
            found[name] = server
    _complain(mistakes)
    return found


def _read(
    model: type[Model], table: Mapping[str, Any], place: str, mistakes: list[str]
) -> Model | None:
    try:
        return model.model_validate(dict(table))
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False, include_context=False):
            where = "".join(f".{part}" for part in fault["loc"])
            mistakes.append(f"{place}{where}: {fault['msg'].removeprefix('Value error, ')}")
    except (TypeError, ValueError):
        mistakes.append(f"{place}: not a table")
    return None


def _complain(mistakes: Sequence[str]) -> None:
    if mistakes:
        raise ConfigurationError("\n".join(mistakes))
