"""Reads one file in a process of its own: started with its name, given its bytes on stdin.

Whatever a file does to the reader, it costs this process and nothing else.
"""

import json
import sys
from typing import Final

from voice_agent.knowledge.document import DocumentRefused, Heading
from voice_agent.knowledge.readers.formats import read
from voice_agent.knowledge.readers.limits import READ_WITHIN

_MOST_MEMORY: Final = 1_500_000_000
"""Bytes of address space."""


def main() -> None:
    """Answer with one JSON object: the document, or why there is none."""
    _restrict()
    try:
        document = read(sys.argv[1], sys.stdin.buffer.read())
        blocks = [
            [block.level if isinstance(block, Heading) else 0, block.text]
            for block in document.blocks
        ]
        answer = {"title": document.title, "blocks": blocks}
    except DocumentRefused as refusal:
        answer = {"refused": refusal.reason}
    except MemoryError:
        answer = {"refused": "reading it needs too much memory"}
    json.dump(answer, sys.stdout)


def _restrict() -> None:
    if sys.platform != "win32":
        import resource

        seconds = int(READ_WITHIN)
        resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))


if __name__ == "__main__":
    main()
