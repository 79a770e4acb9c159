"""The pages before a small agent that follows a script: no engines, the real protocol."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.lowlevel
import numpy as np
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from voice_agent.admin import pages

RATE = 16000
LOUD = 500.0
"""Root mean square of a piece of sound from which it counts as speech."""

GREETING = "Hello, this is Riverside Supply. How can I help you today?"
ANSWER = "Your order 1042 has shipped with UPS and should arrive on Friday."


def tone(seconds: float) -> bytes:
    """A quiet hum in the socket's format."""
    times = np.arange(round(seconds * RATE)) / RATE
    return (6000 * np.sin(2 * np.pi * 220 * times)).astype("<i2").tobytes()


@dataclass
class ScriptedAgent:
    """Greets, waits for speech, answers; what the page did is kept here."""

    greeting_seconds: float = 0.4
    answer_seconds: float = 0.6
    hello: dict[str, Any] = field(default_factory=dict)
    pieces: list[bytes] = field(default_factory=list)
    played: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    chats: list[WebSocket] = field(default_factory=list)
    hung_up: bool = False
    drop_after_hello: bool = False
    interrupt_greeting: bool = False
    _seq: int = 0

    def loudness(self) -> list[float]:
        """Root mean square of each piece of the caller's sound."""
        return [
            float(np.sqrt(np.mean(np.frombuffer(piece, "<i2").astype(float) ** 2)))
            for piece in self.pieces
        ]

    async def talk(self, socket: WebSocket) -> None:
        await socket.accept()
        self.hello = json.loads(await socket.receive_text())
        ready = {"encoding": "pcm16", "rate": RATE}
        await self._send(socket, {"type": "ready", "call_id": "c1", "format": ready})
        if self.drop_after_hello:
            await socket.close(1011)
            return
        try:
            await self._converse(socket)
        except WebSocketDisconnect:
            return

    async def _converse(self, socket: WebSocket) -> None:
        await self._say(socket, 0, GREETING, self.greeting_seconds, "greeting")
        if self.interrupt_greeting:
            await self._listen_until(socket, self._spoken)
            await self._send(socket, {"type": "clear"})
            said = {"text": "Hello, this is Riverside", "interrupted": True}
            rest = "Supply. How can I help you today?"
            await self._event(socket, 0, "AgentSaid", said | {"unheard": rest})
        else:
            await self._listen_until(socket, lambda: "greeting" in self.played)
            await self._event(socket, 0, "AgentSaid", {"text": GREETING, "interrupted": False})
        await self._listen_until(socket, self._spoken)
        await self._answer(socket)
        await self._listen_until(socket, lambda: self.hung_up)
        await self._send(socket, {"type": "ended", "disposition": "caller_hung_up"})
        await socket.close()

    async def _answer(self, socket: WebSocket) -> None:
        await self._event(socket, 1, "CallerHeard", {"text": "where is my order"})
        said = {"text": "where is my order ten forty two", "confidence": 0.93}
        await self._event(socket, 1, "CallerSaid", said)
        started = {"call_id": "t1", "name": "check_order_status", "arguments": {"order_id": 1042}}
        await self._event(socket, 1, "ToolStarted", started)
        result = {"order_id": 1042, "status": "shipped", "carrier": "UPS"}
        finished = {"call_id": "t1", "name": "check_order_status", "ok": True}
        finished |= {"duration_ms": 12.4, "result": result}
        await self._event(socket, 1, "ToolFinished", finished)
        await self._say(socket, 1, ANSWER, self.answer_seconds, "answer")
        stages = {"hear": 212.0, "decide": 96.0, "think": 14.0, "phrase": 3.0}
        stages |= {"speak": 38.0, "send": 6.0}
        await self._event(socket, 1, "TurnMeasured", {"total_ms": 369.0, "stages": stages})
        await self._listen_until(socket, lambda: "answer" in self.played)
        await self._event(socket, 1, "AgentSaid", {"text": ANSWER, "interrupted": False})

    async def _say(
        self, socket: WebSocket, turn: int, text: str, seconds: float, mark: str
    ) -> None:
        await self._event(socket, turn, "AgentSaying", {"text": text})
        await self._event(socket, turn, "ReplyStarted", {})
        sound = tone(seconds)
        for start in range(0, len(sound), 6400):
            await socket.send_bytes(sound[start : start + 6400])
        await self._send(socket, {"type": "mark", "name": mark})

    def _spoken(self) -> bool:
        return max(self.loudness()[-200:], default=0.0) > LOUD

    async def _listen_until(self, socket: WebSocket, done: Callable[[], object]) -> None:
        while not done():
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message["code"])
            if message.get("bytes"):
                self.pieces.append(message["bytes"])
            else:
                self._take(json.loads(message["text"]))

    def _take(self, message: dict[str, Any]) -> None:
        match message:
            case {"type": "played", "mark": mark}:
                self.played.append(mark)
            case {"type": "key", "digit": digit}:
                self.keys.append(digit)
            case {"type": "hangup"}:
                self.hung_up = True

    async def _event(self, socket: WebSocket, turn: int, kind: str, data: dict[str, Any]) -> None:
        self._seq += 1
        head = {"type": "event", "call_id": "c1", "seq": self._seq, "at": 0.0, "turn": turn}
        await self._send(socket, head | {"kind": kind, "data": data})

    async def _send(self, socket: WebSocket, message: dict[str, Any]) -> None:
        await socket.send_text(json.dumps(message))

    async def drop_chats(self) -> None:
        """Break every open text conversation off."""
        while self.chats:
            await self.chats.pop().close(1011)

    async def chat(self, socket: WebSocket) -> None:
        await socket.accept()
        self.chats.append(socket)
        await self._send(socket, {"type": "ready", "call_id": "c2"})
        try:
            while True:
                await self._reply(socket, json.loads(await socket.receive_text()))
        except WebSocketDisconnect:
            return

    async def _reply(self, socket: WebSocket, message: dict[str, Any]) -> None:
        if message["type"] == "cancel":
            head = {"type": "done", "turn": len(self.written)}
            await self._send(socket, head | {"text": "Let me think about"})
            return
        self.written.append(message["text"])
        turn = len(self.written)
        if "slowly" in message["text"]:
            await self._deltas(socket, turn, ["Let me ", "think about"])
            return
        tool = {"name": "check_order_status", "arguments": {"order_id": 1042}, "ok": True}
        await self._send(socket, {"type": "tool", "turn": turn} | tool)
        await self._deltas(socket, turn, ANSWER.split(" "))
        await self._send(socket, {"type": "done", "turn": turn, "text": ANSWER})

    async def _deltas(self, socket: WebSocket, turn: int, words: Iterable[str]) -> None:
        for word in words:
            await self._send(socket, {"type": "delta", "turn": turn, "text": f"{word} "})
            await anyio.lowlevel.checkpoint()


def scripted_app(agent: ScriptedAgent) -> FastAPI:
    """The product's pages with `agent` behind the sockets."""
    app = FastAPI()
    app.include_router(pages.router)
    app.add_api_websocket_route("/ws/voice", agent.talk)
    app.add_api_websocket_route("/ws/chat", agent.chat)
    return app
