"""pocketsphinx behind a pipe: it holds the interpreter's lock while it decodes.

In: open, audio, started, stopped, expect, close, each with a stream number.
Out: ready, then transcript or failed with the stream's number.

One thread reads the pipe; the main one decodes. Final texts go first, because somebody
waits for them; interim ones take turns, a tenth of a second of sound at a time.
"""

import os
import queue
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import orjson

from voice_agent.core.audio import AudioFormat, Encoding
from voice_agent.core.speech import Expectation
from voice_agent.engines.stt.caller_stream import CallerStream
from voice_agent.engines.stt.decoder import StretchDecoder
from voice_agent.engines.stt.language_model_files import ModelFiles, prepare
from voice_agent.engines.worker_channel import ChildChannel, WorkerMessage

Header = dict[str, Any]
SPARE: Final = 2
"""Decoders kept loaded when no call needs them."""
BACKLOG: Final = 20_000
"""Messages read ahead; beyond that the pipe holds the parent back."""


class RecogniserHost:
    """The streams of a parent process."""

    def __init__(self, files: ModelFiles, send: Callable[[Header], None]) -> None:
        """`send` takes messages for the parent."""
        self._files, self._send = files, send
        self._spare = [StretchDecoder(files)]
        self._streams: dict[int, tuple[CallerStream, StretchDecoder]] = {}

    def take(self, message: WorkerMessage) -> None:
        """Carry out one message."""
        number = int(message.header["stream"])
        self._guarded(number, lambda: self._carry_out(number, message))

    def work(self) -> bool:
        """Do the most urgent decoding; False when there is none."""
        waiting = list(self._streams.items())
        if any(self._guarded(number, stream.finish) for number, (stream, _) in waiting):
            return True
        listened = [self._guarded(number, stream.listen) for number, (stream, _) in waiting]
        return any(listened)

    def _carry_out(self, number: int, message: WorkerMessage) -> bool:
        header = message.header
        if header["type"] == "open":
            self._open(number, header)
        elif number in self._streams and header["type"] == "close":
            self._close(number)
        elif number in self._streams:
            _feed(self._streams[number][0], message)
        return True

    def _open(self, number: int, header: Header) -> None:
        decoder = self._spare.pop() if self._spare else StretchDecoder(self._files)

        def tell(transcript: Header) -> None:
            self._send({"type": "transcript", "stream": number, **transcript})

        audio = AudioFormat(Encoding(header["encoding"]), int(header["rate"]))
        self._streams[number] = (CallerStream(audio, decoder, tell), decoder)

    def _close(self, number: int) -> None:
        _, decoder = self._streams.pop(number)
        decoder.forget()
        if len(self._spare) < SPARE:
            self._spare.append(decoder)

    def _guarded(self, number: int, action: Callable[[], bool]) -> bool:
        """One call's trouble is told to its owner and spares the others."""
        try:
            return action()
        except OSError:
            os._exit(0)  # the pipe is gone: there is nobody to work for
        except Exception as error:  # noqa: BLE001 - told to the stream's owner
            self._streams.pop(number, None)
            message = f"{type(error).__name__}: {error}"
            self._send({"type": "failed", "stream": number, "message": message})
            return True


def _feed(stream: CallerStream, message: WorkerMessage) -> None:
    header = message.header
    match header["type"]:
        case "audio":
            stream.audio(message.body, float(header["start"]))
        case "started":
            stream.started(float(header["at"]))
        case "stopped":
            stream.stopped(float(header["at"]))
        case "expect":
            stream.expect(Expectation(header["what"]))


def _read(channel: ChildChannel, inbox: "queue.Queue[WorkerMessage | None]") -> None:
    while (message := channel.receive()) is not None:
        inbox.put(message)
    inbox.put(None)


def _serve(host: RecogniserHost, inbox: "queue.Queue[WorkerMessage | None]") -> None:
    """Take all messages that are there, then decode; wait when there is nothing to do."""
    busy = True
    while True:
        try:
            message = inbox.get(block=not busy)
        except queue.Empty:
            busy = host.work()
            continue
        if message is None:
            return
        host.take(message)
        busy = True


def main() -> None:
    """Load the models, say so, and serve until the parent is gone."""
    channel = ChildChannel()
    options = orjson.loads(sys.argv[1])
    try:
        files = prepare(Path(options["cache_dir"]), options["language"], options["phrases"])
        host = RecogniserHost(files, channel.send)
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent is told in a sentence
        channel.failed(str(error) or type(error).__name__)
        return
    inbox: queue.Queue[WorkerMessage | None] = queue.Queue(BACKLOG)
    threading.Thread(target=_read, args=(channel, inbox), daemon=True).start()
    channel.ready()
    _serve(host, inbox)
    os._exit(0)


if __name__ == "__main__":
    main()
