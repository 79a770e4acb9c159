"""A tool that is an HTTP request: arguments out, one bounded answer back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

import anyio
import httpx2

from voice_agent.core.chat import JsonObject, ToolContext
from voice_agent.core.clock import Clock
from voice_agent.core.errors import ToolError
from voice_agent.engines.guarded_http import OutboundRefused
from voice_agent.tools.base import Access, Tool
from voice_agent.tools.custom.health import Health
from voice_agent.tools.custom.json_schema import SchemaParameters
from voice_agent.tools.custom.results import (
    LARGEST,
    as_content,
    bad_answer,
    fill,
    not_sure,
    read_body,
    select,
    to_json,
    told_reason,
)
from voice_agent.tools.custom.settings import PLACEHOLDER, WebhookSettings
from voice_agent.tools.custom.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, signature
from voice_agent.tools.ledger import idempotency_key

RETRY_AFTER: Final = 0.2
"""Pause before a read is asked once more (s)."""
_PASSING: Final = (429, 502, 503, 504)
_NEVER_SENT: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


@dataclass(slots=True)
class Webhook:
    """Sends one tool's requests; never raises anything but `ToolError`."""

    settings: WebhookSettings
    client: httpx2.AsyncClient
    clock: Clock
    health: Health = field(default_factory=Health)

    def tool(self) -> Tool:
        """The webhook as a tool among the others."""
        return Tool(
            name=self.settings.name,
            description=self.settings.description,
            access=self.settings.access,
            parameters=SchemaParameters(self.settings.parameters),
            function=self,
            timeout=self.settings.timeout_s,
            services=("context",),
        )

    async def __call__(self, arguments: JsonObject, *, context: ToolContext) -> JsonObject:
        """Ask, and give what the settings say counts of the answer.

        Raises:
            ToolError: it refused, is not there, or answered nonsense.
        """
        try:
            content = self._content(await self._answer(arguments, context))
        except ToolError as error:
            if error.reason != "refused":
                self.health.failed(f"{error.reason}: {error}")
            raise
        self.health.worked()
        return content

    async def _answer(self, arguments: JsonObject, context: ToolContext) -> Any:
        request = self._request(arguments, context)
        if self.settings.access is Access.READ:
            try:
                return await self._once(request)
            except _WorthARetry:
                await anyio.sleep(RETRY_AFTER)
                request = self._request(arguments, context)
        return await self._once(request)

    async def _once(self, request: httpx2.Request) -> Any:
        try:
            response = await self.client.send(request, stream=True)
        except OutboundRefused as error:
            raise ToolError(f"The service may not be used: {error}", reason=error.code) from None
        except httpx2.DecodingError as error:
            raise bad_answer(str(error)) from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise self._unavailable(
                "does not answer", sent=not isinstance(error, _NEVER_SENT)
            ) from None
        try:
            body = await self._body(response)
        finally:
            await response.aclose()
        return self._judged(response, body)

    async def _body(self, response: httpx2.Response) -> bytes:
        body = bytearray()
        try:
            async for part in response.aiter_raw():
                body += part
                if len(body) > LARGEST:
                    raise bad_answer(f"its answer is larger than {LARGEST // 1024} kB")
        except httpx2.HTTPError:
            raise self._unavailable("broke off in its answer", sent=True) from None
        return bytes(body)

    def _judged(self, response: httpx2.Response, body: bytes) -> Any:
        status, kind = response.status_code, response.headers.get("content-type", "")
        if 200 <= status < 300:
            return read_body(body, kind)
        if status in _PASSING or status >= 500:
            raise self._unavailable(f"answers HTTP {status}", sent=True)
        if status < 400 or status in (401, 403, 405):
            raise ToolError(
                f"The service is not set up rightly: HTTP {status}. It was not done.",
                reason="misconfigured",
            )
        try:
            told = told_reason(read_body(body, kind))
        except ToolError:
            told = ""
        raise ToolError(told or f"The service refused: HTTP {status}.", reason="refused")

    def _content(self, answer: Any) -> JsonObject:
        part = select(answer, self.settings.result)
        if self.settings.template:
            return {"message": fill(self.settings.template, part)}
        return as_content(part)

    def _request(self, arguments: JsonObject, context: ToolContext) -> httpx2.Request:
        settings = self.settings
        url, rest = self._address(arguments)
        body = b"" if settings.method == "GET" else to_json(dict(arguments)).encode()
        if settings.method == "GET":
            url = url.copy_merge_params({name: _as_text(value) for name, value in rest.items()})
        headers = {
            **{name: value.get_secret_value() for name, value in settings.headers.items()},
            "Accept": "application/json",
            "Idempotency-Key": idempotency_key(context, settings.name, arguments).digest,
        }
        if body:
            headers["Content-Type"] = "application/json"
        headers.update(self._signature(url, body))
        return self.client.build_request(settings.method, url, headers=headers, content=body)

    def _address(self, arguments: JsonObject) -> tuple[httpx2.URL, Mapping[str, Any]]:
        """The URL with its placeholders filled, and the arguments that are not in it."""
        used = self.settings.placeholders
        texts = {name: _as_text(arguments[name]) for name in used}
        if any(text.strip(".") == "" for text in texts.values()):
            raise ToolError("An argument is empty.", reason="invalid_arguments")
        url = PLACEHOLDER.sub(lambda match: quote(texts[match[1]], safe=""), self.settings.url)
        rest = {name: value for name, value in arguments.items() if name not in used}
        return httpx2.URL(url), rest

    def _signature(self, url: httpx2.URL, body: bytes) -> dict[str, str]:
        secret = self.settings.secret.get_secret_value()
        if not secret:
            return {}
        timestamp = str(int(self.clock.wall().timestamp()))
        target = url.raw_path.decode("ascii")
        signed = signature(secret, timestamp, self.settings.method, target, body)
        return {TIMESTAMP_HEADER: timestamp, SIGNATURE_HEADER: signed}

    def _unavailable(self, what: str, *, sent: bool) -> ToolError:
        access = self.settings.access
        admitted = not_sure(access) if sent or access is Access.READ else "It was not done."
        return _WorthARetry(f"The service {what}. {admitted}", reason="unavailable")


class _WorthARetry(ToolError):
    """It may work in a moment."""


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else to_json(value)
