"""A WebSocket whose peer is a script: for shells tested on a clock that jumps."""

from collections.abc import MutableMapping
from typing import Any

import anyio
from starlette.websockets import WebSocket

Message = MutableMapping[str, Any]


class Peer:
    """The other end: says what it is told to, takes messages until it is stuck."""

    def __init__(self) -> None:
        self.taken: list[Message] = []
        self.stuck = False
        self.gone = False
        self._give, self._says = anyio.create_memory_object_stream[Message](1000)
        self.say({"type": "websocket.connect"})

    def say(self, message: str | bytes | Message) -> None:
        if isinstance(message, str):
            message = {"type": "websocket.receive", "text": message}
        elif isinstance(message, bytes):
            message = {"type": "websocket.receive", "bytes": message}
        self._give.send_nowait(message)

    def vanish(self, code: int = 1006) -> None:
        self.gone = True
        self.say({"type": "websocket.disconnect", "code": code})

    async def socket(self) -> WebSocket:
        """Our end, accepted."""
        scope = {"type": "websocket", "path": "/", "headers": [], "query_string": b""}
        socket = WebSocket(scope, self._says.receive, self._take)
        await socket.accept()
        return socket

    async def _take(self, message: Message) -> None:
        if self.gone:
            raise OSError("gone")
        if self.stuck:
            await anyio.sleep_forever()
        self.taken.append(message)

    def texts(self) -> list[str]:
        return [message["text"] for message in self.taken if message.get("text")]

    def close_code(self) -> int | None:
        codes = [m["code"] for m in self.taken if m["type"] == "websocket.close"]
        return codes[-1] if codes else None

    def forget(self) -> None:
        """Release the script's ends."""
        self._give.close()
        self._says.close()
