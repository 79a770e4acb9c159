"""`/Accounts/{sid}.json`: whether the account may be used."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from voice_agent.simulation.providers.twilio.errors import answer
from voice_agent.simulation.providers.twilio.exchange import VERSION, Exchange
from voice_agent.simulation.providers.twilio.form import Form


def routes(exchange: Exchange) -> Sequence[BaseRoute]:
    """Fetch the account."""

    async def fetch(request: Request, form: Form) -> Response:
        del form
        account = request.path_params["account"]
        body = {
            "sid": account,
            "owner_account_sid": account,
            "friendly_name": "Simulated account",
            "status": "active",
            "type": "Full",
            "uri": f"/{VERSION}/Accounts/{account}.json",
        }
        return answer(body)

    path = f"/{VERSION}/Accounts/{{account}}.json"
    return [Route(path, exchange.endpoint(fetch), methods=["GET"])]
