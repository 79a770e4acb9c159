"""Framed messages over a pipe: a JSON header and a binary body.

Wire form: two big-endian 32-bit lengths, then the header and the body. Used by engines that
live in a process of their own, because they hold the interpreter lock or must not be linked.
"""

import struct
from typing import Any, BinaryIO, NamedTuple

import orjson

PREFIX = struct.Struct(">II")
MAX_FRAME = 64 * 1024 * 1024


class WorkerMessage(NamedTuple):
    """One message; the header's keys are the worker's own protocol."""

    header: dict[str, Any]
    body: bytes = b""


def pack(message: WorkerMessage) -> bytes:
    """A message as it goes over the pipe."""
    header = orjson.dumps(message.header)
    return PREFIX.pack(len(header), len(message.body)) + header + message.body


def read_message(pipe: BinaryIO) -> WorkerMessage | None:
    """The next message, or None when the other side has closed the pipe."""
    prefix = pipe.read(PREFIX.size)
    if len(prefix) < PREFIX.size:
        return None
    header_size, body_size = PREFIX.unpack(prefix)
    header = orjson.loads(pipe.read(header_size))
    return WorkerMessage(header, pipe.read(body_size))


def write_message(pipe: BinaryIO, message: WorkerMessage) -> None:
    """Send a message and flush."""
    pipe.write(pack(message))
    pipe.flush()
