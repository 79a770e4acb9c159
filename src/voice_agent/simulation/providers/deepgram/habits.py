"""What of the vendor's behaviour is a matter of patience or unknown; tests make it quick."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Habits:
    """Times in seconds.

    `idle`: without any frame until NET-0001. `unanswered`: without any audio, whatever else
    is sent, until NET-0000. `inactive`: Flux without audio. `connections`: sockets at once.
    `answers_empty_finalize`: whether a Finalize with nothing buffered is answered.
    `schema_error_closes`: whether text that cannot be parsed ends the connection.
    """

    idle: float = 10.0
    unanswered: float = 20.0
    inactive: float = 20.0
    connections: int = 50
    answers_empty_finalize: bool = True
    schema_error_closes: bool = False
