"""Reading what callers name themselves by, and what proves that they are who they say."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from voice_agent.core.chat import JsonObject, ToolContext
from voice_agent.storage.records import Appointment, Customer, CustomerHistory, Department, Order
from voice_agent.tools.speakable import say_date, say_list, say_time

_EMAIL: Final = re.compile(r"[^\s@]{1,64}@[^\s@]+\.[^\s@]+")
_LEAST_PHONE: Final = 7
_LARGEST: Final = 2**31 - 1


class Customers(Protocol):
    """The people the business knows."""

    async def by_id(self, customer_id: int) -> Customer | None:
        """The customer of this number."""
        ...

    async def by_phone(self, phone: str) -> Customer | None:
        """The customer with this telephone number, E.164."""
        ...

    async def by_email(self, email: str) -> Customer | None:
        """The customer with this address, in lower case."""
        ...

    async def owns_order(self, customer_id: int, order_id: int) -> bool:
        """Whether an order is this customer's."""
        ...

    async def history(self, customer_id: int, at: datetime) -> CustomerHistory:
        """The newest orders and the appointments after `at`."""
        ...


@dataclass(frozen=True, slots=True)
class Identifier:
    """What a caller is looked up by: exactly one of these is set."""

    email: str = ""
    phone: str = ""
    customer_id: int | None = None


def read_identifier(text: str, region: str) -> Identifier | None:
    """A telephone number, address or customer number; None for anything else.

    Numbers without a country code are of the country that `region` begins with.
    """
    if _EMAIL.fullmatch(text):
        return Identifier(email=text.lower())
    digits = re.sub(r"\D", "", text)
    if len(digits) >= _LEAST_PHONE:
        phone = e164(text, region)
        return Identifier(phone=phone) if phone else None
    if digits and not re.search(r"\d\D+\d", text) and int(digits) <= _LARGEST:
        return Identifier(customer_id=int(digits))
    return None


def e164(text: str, region: str) -> str:
    """A telephone number with its country code, "" for what is none."""
    # Imported late: it brings the numbering plans of every country.
    import phonenumbers

    try:
        number = phonenumbers.parse(text, region.partition("-")[0] or None)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


async def find_customer(
    text: str, customers: Customers, region: str, *, short: bool = True
) -> Customer | None:
    """Whom a text names, None for nobody; without `short` a customer number names nobody."""
    meant = read_identifier(text, region)
    if meant is None:
        return None
    if meant.email:
        return await customers.by_email(meant.email)
    if meant.phone:
        return await customers.by_phone(meant.phone)
    if meant.customer_id is not None and short:
        return await customers.by_id(meant.customer_id)
    return None


async def calling_customer(
    context: ToolContext, customers: Customers, region: str
) -> Customer | None:
    """The customer whose number on file this call comes from."""
    phone = e164(context.caller, region) if context.caller.startswith("+") else ""
    return await customers.by_phone(phone) if phone else None


async def proves(said: str, customer: Customer, customers: Customers) -> bool:
    """Whether `said` is the customer's post code or the number of one of the orders."""
    if customer.post_code and _plain(said) == _plain(customer.post_code):
        return True
    digits = re.fullmatch(r"\D*(\d{1,10})\D*", said)
    if digits is None or int(digits[1]) > _LARGEST:
        return False
    return await customers.owns_order(customer.id, int(digits[1]))


def _plain(text: str) -> str:
    return "".join(mark for mark in text if mark.isalnum()).casefold()


def profile(customer: Customer, history: CustomerHistory, department: Department) -> JsonObject:
    """What a verified caller may hear; times are the department's."""
    zone = ZoneInfo(department.time_zone)
    return {
        "customer_id": customer.id,
        "name": customer.name,
        "tier": customer.tier,
        "since": customer.since.isoformat(),
        "phone": customer.phone or None,
        "email": customer.email or None,
        "orders": [_order(order) for order in history.orders],
        "appointments": [_appointment(booked, zone) for booked in history.appointments],
        "summary": _summary(customer, history, zone),
    }


def _order(order: Order) -> JsonObject:
    placed = order.placed_on.isoformat()
    return {"order_id": order.id, "status": order.status.value, "placed_on": placed}


def _appointment(appointment: Appointment, zone: ZoneInfo) -> JsonObject:
    local = appointment.starts_at.astimezone(zone)
    return {
        "confirmation_number": appointment.confirmation_number,
        "date": local.date().isoformat(),
        "time": f"{local:%H:%M}",
        "purpose": appointment.purpose,
    }


def _summary(customer: Customer, history: CustomerHistory, zone: ZoneInfo) -> str:
    """Two sentences at most, for the ear."""
    parts = [f"You are a {customer.tier} customer since {customer.since.year}"]
    if history.orders:
        newest = history.orders[0]
        parts.append(f"your latest order is {newest.id}, {newest.status.value}")
    said = f"{say_list(parts)}."
    if history.appointments:
        local = history.appointments[0].starts_at.astimezone(zone)
        said += f" Your next appointment is {say_date(local.date())} at {say_time(local.time())}."
    return said
