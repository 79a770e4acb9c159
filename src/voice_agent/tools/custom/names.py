"""Names of tools: what every provider accepts, and a server's tools brought into that form."""

import hashlib
import re
from typing import Final

LONGEST_NAME: Final = 64
TOOL_NAME: Final = re.compile(r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$", re.ASCII)
SERVER_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,23}", re.ASCII)
_FOREIGN: Final = re.compile(r"[^A-Za-z0-9_-]", re.ASCII)
_HASHED: Final = re.compile(r"-[0-9a-f]{8}$")


def name_of_tool(server: str, tool: str) -> str:
    """`server-tool`; another for every pair, whatever characters a tool's name has.

    A server's name has no hyphen, so the first one parts the two. A tool's name that does not
    fit, or that looks as if it had been made to, gets the beginning of its hash.
    """
    plain = f"{server}-{_FOREIGN.sub('_', tool)}"
    if plain == f"{server}-{tool}" and len(plain) <= LONGEST_NAME and not _HASHED.search(plain):
        return plain
    digest = hashlib.sha256(tool.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain[: LONGEST_NAME - 9]}-{digest}"
