"""A small real worker: echoes, and misbehaves on request."""

import os
import signal
import sys
import time
from pathlib import Path

from voice_agent.engines.worker_channel import ChildChannel


def main() -> None:
    mode, *rest = [*sys.argv[1:], ""]
    if mode == "crash":
        sys.exit(3)
    if mode == "once" and Path(rest[0]).exists():
        sys.exit(4)
    channel = ChildChannel()
    if mode == "refuse":
        channel.failed("the weights are missing")
        return
    if mode == "hang":
        signal.pause()
    if mode == "garbage":
        os.write(channel._output.fileno(), b"\xff" * 64)
    print("a library prints to standard output", flush=True)  # noqa: T201
    channel.ready(pid=os.getpid(), secret=os.environ.get("VOICE_AGENT_SECRET", ""))
    if mode == "once":
        Path(rest[0]).touch()
    while (message := channel.receive()) is not None:
        match message.header["type"]:
            case "echo":
                channel.send(message.header, message.body)
            case "die":
                os._exit(7)
            case "babble":
                os.write(channel._output.fileno(), b"\x00\x00\x00\x02\x00\x00\x00\x00[]")
            case "deaf":
                time.sleep(3600)


if __name__ == "__main__":
    main()
