"""Framed messages over a pipe: a JSON header and a binary body.

Wire form: two big-endian 32-bit lengths, then the header and the body. Used by engines that
live in a process of their own, because they hold the interpreter lock or must not be linked.

        ┌────────┬────────┬───────────────┬──────────────┐
        │ header │ body   │ header (JSON  │ body (bytes, │
        │ length │ length │ object)       │ may be none) │
        └────────┴────────┴───────────────┴──────────────┘
"""

import os
import struct
import sys
import threading
from typing import Any, BinaryIO, Final, NamedTuple

import orjson

from voice_agent.core.errors import ProtocolError

PREFIX: Final = struct.Struct(">II")
MAX_FRAME: Final = 64 * 1024 * 1024
"""Bytes of header and body together; more is taken for garbage."""


class WorkerMessage(NamedTuple):
    """One message; the header's keys are the worker's own protocol."""

    header: dict[str, Any]
    body: bytes = b""


def pack(message: WorkerMessage) -> bytes:
    """A message as it goes over the pipe."""
    header = orjson.dumps(message.header)
    return PREFIX.pack(len(header), len(message.body)) + header + message.body


def unpack_sizes(prefix: bytes) -> tuple[int, int]:
    """Lengths of header and body.

    Raises:
        ProtocolError: together they are more than `MAX_FRAME`.
    """
    header_size, body_size = PREFIX.unpack(prefix)
    if header_size + body_size > MAX_FRAME:
        raise ProtocolError(f"a worker's message of {header_size + body_size} bytes is too large")
    return header_size, body_size


def unpack_header(data: bytes) -> dict[str, Any]:
    """The header of a message.

    Raises:
        ProtocolError: it is not a JSON object.
    """
    try:
        header = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise ProtocolError("a worker's message has no JSON header") from error
    if not isinstance(header, dict):
        raise ProtocolError("a worker's message header is not an object")
    return header


def read_message(pipe: BinaryIO) -> WorkerMessage | None:
    """The next message, or None when the other side has closed the pipe.

    Raises:
        ProtocolError: what came is not a message.
    """
    prefix = pipe.read(PREFIX.size)
    if len(prefix) < PREFIX.size:
        return None
    header_size, body_size = unpack_sizes(prefix)
    header, body = pipe.read(header_size), pipe.read(body_size)
    if len(header) < header_size or len(body) < body_size:
        return None
    return WorkerMessage(unpack_header(header), body)


def write_message(pipe: BinaryIO, message: WorkerMessage) -> None:
    """Send a message and flush."""
    pipe.write(pack(message))
    pipe.flush()


class ChildChannel:
    """The worker's end of the pipes; sending is safe from any thread.

    It takes standard output for itself and leaves standard error in its place, so that
    nothing a native library prints can be mistaken for a message.
    """

    def __init__(self) -> None:
        self._input = os.fdopen(os.dup(0), "rb")
        self._output = os.fdopen(os.dup(1), "wb")
        self._sending = threading.Lock()
        os.dup2(2, 1)
        sys.stdout = sys.stderr

    def receive(self) -> WorkerMessage | None:
        """The next message, or None when the parent is gone."""
        return read_message(self._input)

    def send(self, header: dict[str, Any], body: bytes = b"") -> None:
        """Send a message; raises `OSError` when the parent is gone."""
        with self._sending:
            write_message(self._output, WorkerMessage(header, body))

    def ready(self, **facts: Any) -> None:
        """Tell the parent that work may come."""
        self.send({"type": "ready", **facts})

    def failed(self, message: str) -> None:
        """Tell the parent in one sentence why this worker cannot start."""
        self.send({"type": "failed", "message": message})
