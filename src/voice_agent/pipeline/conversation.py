"""The history a model sees: what the caller said and what the caller *heard*."""

from dataclasses import dataclass, replace

from voice_agent.core.chat import Message, Role
from voice_agent.pipeline.playout import HeardText
from voice_agent.pipeline.tool_loop import settle_reply


@dataclass(frozen=True, slots=True)
class TurnStart:
    """Where a turn begins in the history, and what the caller said in it."""

    user: int
    reply: int
    text: str


class Conversation:
    """The messages of one call, valid for any model at any time."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.unheard = ""
        self._answered = ""

    def begin_turn(self, text: str, confidence: float) -> TurnStart:
        """Add what the caller said; empty text begins a turn of the agent's own."""
        user = len(self.messages)
        new = text.removeprefix(self._answered).strip()
        if new:
            self.messages.append(Message(Role.USER, new, confidence=confidence))
        self._answered = ""
        return TurnStart(user, len(self.messages), text)

    def restate(self, turn: TurnStart, text: str) -> TurnStart:
        """The words of a turn that had to be begun without them."""
        if turn.reply > turn.user:
            self.messages[turn.user] = replace(self.messages[turn.user], text=text)
        return replace(turn, text=text)

    def withdraw(self, turn: TurnStart) -> None:
        """The caller goes on with the same turn, and its text will come again, whole.

        Tools that already ran stay on record, with the words that made them run; only what
        is new is added then, so that nothing is done twice.
        """
        if len(self.messages) > turn.reply:
            self._answered = turn.text
        else:
            del self.messages[turn.user :]

    def settle(self, turn: TurnStart, split: HeardText, *, interrupted: bool) -> None:
        """A reply is over: keep what was heard of it."""
        settle_reply(self.messages, turn.reply, split.heard, interrupted=interrupted)
        self.unheard = split.unheard
