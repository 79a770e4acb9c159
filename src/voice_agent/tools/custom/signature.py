"""Signs a webhook's requests, so that its owner can tell ours from anybody else's."""

import hashlib
import hmac
from typing import Final

SIGNATURE_HEADER: Final = "X-Voice-Agent-Signature"
TIMESTAMP_HEADER: Final = "X-Voice-Agent-Timestamp"


def signature(secret: str, timestamp: str, method: str, target: str, body: bytes) -> str:
    """`v1=` and the HMAC-SHA256, in hex, of `timestamp.method.target.body`.

    `target` is the path with the query as sent; `timestamp` counts seconds since 1970.
    """
    signed = f"{timestamp}.{method}.{target}.".encode() + body
    return f"v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"
