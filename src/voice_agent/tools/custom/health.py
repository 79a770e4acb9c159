"""How a tool without code is doing, for people who run the agent."""

from dataclasses import dataclass


@dataclass(slots=True)
class Health:
    """`ok` is None as long as nobody has tried; `detail` says what is wrong."""

    ok: bool | None = None
    detail: str = ""

    def worked(self) -> None:
        """It did."""
        self.ok, self.detail = True, ""

    def failed(self, detail: str) -> None:
        """It did not."""
        self.ok, self.detail = False, detail

    def say(self) -> str:
        """In a few words."""
        if self.ok is None:
            return "not tried yet"
        return "ok" if self.ok else self.detail
