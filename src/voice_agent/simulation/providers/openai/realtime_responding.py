"""Which response runs, which wait for the caller's words, and how they are cancelled."""

from collections.abc import Callable, Iterator
from typing import Any

from voice_agent.core.chat import ChatRequest
from voice_agent.simulation.providers.answers import prompt_tokens
from voice_agent.simulation.providers.openai.realtime_checks import Invalid, Json
from voice_agent.simulation.providers.openai.realtime_events import Events
from voice_agent.simulation.providers.openai.realtime_items import Conversation
from voice_agent.simulation.providers.openai.realtime_response import (
    USER_TOKEN,
    Prompt,
    Response,
)
from voice_agent.simulation.providers.openai.realtime_settings import Settings
from voice_agent.simulation.providers.openai.realtime_steps import Say, Step, Stop, Think


class Responding:
    """The responses of one session; at most one at a time is part of the conversation."""

    def __init__(
        self,
        events: Events,
        conversation: Conversation,
        silent_after: Callable[[float | None], None],
    ) -> None:
        """`silent_after` is told None when a response begins and its sound (s) when it ends."""
        self._events, self._conversation = events, conversation
        self._silent_after = silent_after
        self._active: Response | None = None
        self._thoughts: list[tuple[Response, Json]] = []
        self._known = 0

    def respond(self, settings: Settings, change: Any, event_id: Any) -> Iterator[Step]:
        """Begin a response; `change` is what response.create asks for.

        Raises:
            Invalid: the vendor would not take that.
        """
        settings = settings.for_response(change)
        for index, value in enumerate(change.get("input", ())):
            self._conversation.checked(value, "item_x", f"response.input[{index}]")
        kept = change.get("conversation") != "none"
        if kept and self._active:
            yield self._already_active(self._active, event_id)
            return
        conversation = self._conversation if kept else None
        response = Response(self._events, conversation, settings, change.get("metadata"))
        if kept:
            self._active = response
        self._silent_after(None)
        yield from (Say(event) for event in response.created())
        yield Say(self._events.rate_limits(self._known))
        self._thoughts.append((response, change))
        yield from self.think()

    def think(self) -> Iterator[Step]:
        """Begin with the responses that wait for the caller's words, once those are known."""
        if any(item.waiting for item in self._conversation.items):
            return
        while self._thoughts:
            response, change = self._thoughts.pop(0)
            if not response.over:
                yield Think(response, self._request(response, change))

    def interrupt(self) -> Iterator[Step]:
        """The caller speaks: cancel what runs."""
        if self._active:
            yield from self._cancel(self._active, "turn_detected")

    def cancel_by_hand(self, response_id: Any) -> Iterator[Step]:
        """The client cancels what runs.

        Raises:
            Invalid: nothing does, or not that.
        """
        if self._active is None or response_id not in (None, self._active.id):
            raise Invalid(
                "Cancellation failed: no active response found", code="response_cancel_not_active"
            )
        yield from self._cancel(self._active, "client_cancelled")

    def finish(self, response: Response, status: str, details: Json | None) -> Iterator[Step]:
        """A response is over; nothing when it was before."""
        if response.over:
            return
        events = response.finish(status, details)
        if response is self._active:
            self._active = None
        self._silent_after(response.sounded)
        yield from (Say(event) for event in events)

    def _cancel(self, response: Response, reason: str) -> Iterator[Step]:
        yield from self.finish(response, "cancelled", {"reason": reason})
        yield Stop(response)

    def _already_active(self, active: Response, event_id: Any) -> Say:
        message = (
            f"Conversation already has an active response in progress: {active.id}. "
            "Wait until the response is finished before creating a new one."
        )
        known = event_id if isinstance(event_id, str) else None
        code = "conversation_already_has_active_response"
        return Say(self._events.error(message, code, event_id=known))

    def _request(self, response: Response, change: Json) -> ChatRequest:
        settings, conversation = response.settings, self._conversation
        if "input" in change:
            conversation = Conversation()
            conversation.items = [self._conversation.checked(v, "item_x") for v in change["input"]]
        request = ChatRequest(
            messages=conversation.messages(),
            tools=settings.tools,
            tool_choice=settings.tool_choice,
            system=settings.instructions,
        )
        callers = [item for item in conversation.items if item.value.get("role") == "user"]
        sound = round(sum(item.audio for item in callers) / USER_TOKEN)
        response.prompt = Prompt(prompt_tokens(request), sound, self._known)
        self._known = response.prompt.text
        return request
