"""Builds a language model in a process of its own: `python -m … '{"cache_dir": …}'`.

The server asks for it at its first start. It may take longer than a worker has to get ready,
and its memory is gone afterwards.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import orjson

from voice_agent.core.errors import ConfigurationError, ProviderUnavailable, VoiceAgentError
from voice_agent.engines.stt.language_model_files import plan, prepare

LONGEST = 300.0
"""Seconds after which a build is given up."""


async def ensure_built(options: Mapping[str, Any], *, provider: str) -> bool:
    """Build what the cache does not have; whether there was anything to do.

    `options` hold `cache_dir`, `language` and `phrases` as plain values.

    Raises:
        ProviderUnavailable: it could not be built; the message says why.
    """
    try:
        if plan(*_arguments(options)).built:
            return False
    except ConfigurationError as error:
        raise ProviderUnavailable(str(error), provider=provider) from None
    command = [sys.executable, "-m", __name__, orjson.dumps(options).decode()]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    with anyio.move_on_after(LONGEST):
        done = await anyio.run_process(command, check=False, env=environment)
        if done.returncode == 0:
            return True
        reason = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no reason"]
        raise ProviderUnavailable(f"the language model: {reason[0]}", provider=provider)
    why = f"the language model was not built within {LONGEST:g} s"
    raise ProviderUnavailable(why, provider=provider)


def _arguments(options: Mapping[str, Any]) -> tuple[Path, str, list[str]]:
    return Path(options["cache_dir"]), options["language"], options["phrases"]


def main() -> int:
    """Build and return the exit code; what went wrong goes to standard error."""
    try:
        prepare(*_arguments(orjson.loads(sys.argv[1])))
    except VoiceAgentError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
