"""Public holidays of a country, or of one of its states or provinces."""

from collections.abc import Callable
from datetime import date
from typing import Final

from voice_agent.core.errors import ConfigurationError
from voice_agent.storage.records import no_holiday

_ENGLISH: Final = "en_US"


def public_holidays(region: str) -> Callable[[date], str]:
    """Names the public holiday of a date in `region` (`US`, `US-NY`, `DE-BY`), else "".

    Days off in lieu count; no region has no holidays.

    Raises:
        ConfigurationError: there is no such country, state or province.
    """
    if not region:
        return no_holiday
    # Imported late: it reads the rules of every country.
    import holidays

    country, _, part = region.strip().upper().partition("-")
    try:
        known = holidays.country_holidays(country, subdiv=part or None)
        translated = known.supported_languages
        if _ENGLISH in translated:
            known = holidays.country_holidays(country, subdiv=part or None, language=_ENGLISH)
    except NotImplementedError as error:
        raise ConfigurationError(
            f"region: {region!r} has no known public holidays; use a country's two letters, "
            "with its state or province where it has some, like US, US-NY or DE-BY."
        ) from error

    def name_of(day: date) -> str:
        # Years are worked out when they are first asked for; several names come in lines.
        return (known.get(day) or "").replace("; ", " and ")

    return name_of
