"""What do you have about me?"""

from typing import Final

from voice_agent.core.chat import JsonObject, ToolContext
from voice_agent.core.clock import Clock
from voice_agent.core.errors import ToolError
from voice_agent.storage.records import Customer
from voice_agent.tools.base import Access, Tool
from voice_agent.tools.customers import (
    Customers,
    calling_customer,
    find_customer,
    profile,
    proves,
)
from voice_agent.tools.departments import Departments, choose_department
from voice_agent.tools.patience import Patience
from voice_agent.tools.texts import Name
from voice_agent.tools.verification import Verifications

_GUESSES: Final = "account"


async def look_up_account(
    identifier: Name,
    *,
    customers: Customers,
    departments: Departments,
    verifications: Verifications,
    patience: Patience,
    context: ToolContext,
    clock: Clock,
    region: str,
) -> JsonObject:
    """Find the caller's customer record and history by phone number, email or customer number.

    Before anything is told the caller must be known: if you are told that verification is
    needed, ask for the post code or an order number and call this again with that alone.

    Args:
        identifier: A phone number, email address or customer number; or, once verification
            was asked for, the post code or order number that the caller gave.
        customers: The people the business knows.
        departments: Whose time zone holds.
        verifications: Who this call has proven to be.
        patience: How often may be guessed.
        context: Which call asks, and from which number.
        clock: Tells what is now.
        region: Where numbers without a country code are from.
    """
    patience.check(context.call_id, _GUESSES)
    customer = await _named(identifier, customers, verifications, context, region)
    if customer is None:
        patience.wrong(context.call_id, _GUESSES)
        raise _unknown(verifications.named(context.call_id) is not None)
    caller = await calling_customer(context, customers, region)
    if caller is not None and caller.id == customer.id:
        verifications.prove(context.call_id, customer.id)
    if not verifications.is_proven(context.call_id, customer.id):
        verifications.name(context.call_id, customer.id)
        raise _unproven()
    history = await customers.history(customer.id, clock.wall())
    return profile(customer, history, choose_department(await departments.all(), None))


async def _named(
    said: str,
    customers: Customers,
    verifications: Verifications,
    context: ToolContext,
    region: str,
) -> Customer | None:
    """The account meant: the one named before if this proves it, else whom `said` names."""
    waiting = verifications.named(context.call_id)
    if waiting is None:
        return await find_customer(said, customers, region)
    named = await customers.by_id(waiting)
    if named is not None and await proves(said, named, customers):
        verifications.prove(context.call_id, named.id)
        return named
    # A short number that proves nothing is a wrong guess, not another customer's number.
    return await find_customer(said, customers, region, short=False)


def _unproven() -> ToolError:
    return ToolError(
        "There is an account for that. Before anything of it is told, ask the caller for the "
        "post code or an order number, and call look_up_account again with that alone.",
        reason="verification_needed",
    )


def _unknown(waiting: bool) -> ToolError:  # noqa: FBT001 - one question, one answer
    if waiting:
        return ToolError(
            "That does not match the account. Ask for its post code or an order number again.",
            reason="verification_failed",
        )
    return ToolError(
        "There is no account for that. Ask for the phone number, email address or customer "
        "number again.",
        reason="customer_not_found",
    )


TOOL = Tool.of(look_up_account, Access.READ)
