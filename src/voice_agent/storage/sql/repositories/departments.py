"""Departments and their hours in SQL."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from voice_agent.storage.records import Department, Holiday, OpenHours, no_holiday
from voice_agent.storage.sql.database import Database
from voice_agent.storage.sql.models import DepartmentRow, HolidayRow


class SqlDepartments:
    """Reads departments, their week and their holidays."""

    def __init__(
        self, database: Database, public_holiday: Callable[[date], str] = no_holiday
    ) -> None:
        """Read from `database`; `public_holiday` names the days on which most is closed."""
        self._database = database
        self._public_holiday = public_holiday

    async def all(self) -> tuple[Department, ...]:
        """Every department, in the order they were made."""
        async with self._database.read() as session:
            query = select(DepartmentRow).options(selectinload(DepartmentRow.hours))
            rows = (await session.scalars(query.order_by(DepartmentRow.id))).all()
            holidays = (await session.scalars(select(HolidayRow).order_by(HolidayRow.day))).all()
        return tuple(_department(row, holidays, self._public_holiday) for row in rows)


def _department(
    row: DepartmentRow, holidays: Iterable[HolidayRow], public_holiday: Callable[[date], str]
) -> Department:
    week: dict[int, list[OpenHours]] = defaultdict(list)
    for hours in row.hours:
        week[hours.weekday].append(OpenHours(hours.opens, hours.closes))
    return Department(
        name=row.name,
        title=row.title,
        time_zone=row.time_zone,
        time_zone_name=row.time_zone_name,
        week={day: tuple(spans) for day, spans in week.items()},
        holidays=_holidays(row, holidays),
        aliases=tuple(str(alias) for alias in row.aliases),
        agents=row.agents,
        handle_minutes=row.handle_minutes,
        default=row.is_default,
        public_holiday=public_holiday if row.observes_holidays else no_holiday,
    )


def _holidays(department: DepartmentRow, rows: Iterable[HolidayRow]) -> tuple[Holiday, ...]:
    """The department's own rows of a day stand in for everybody's."""
    common = [row for row in rows if row.department_id is None and department.observes_holidays]
    own = [row for row in rows if row.department_id == department.id]
    own_days = {row.day for row in own}
    chosen = own + [row for row in common if row.day not in own_days]
    days: dict[tuple[str, str], list[HolidayRow]] = defaultdict(list)
    for row in chosen:
        days[row.day.isoformat(), row.name].append(row)
    return tuple(_holiday(days[key]) for key in sorted(days))


def _holiday(rows: list[HolidayRow]) -> Holiday:
    spans = [
        OpenHours(row.opens, row.closes)
        for row in rows
        if row.opens is not None and row.closes is not None
    ]
    return Holiday(rows[0].day, rows[0].name, tuple(spans))
