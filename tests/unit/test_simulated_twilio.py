"""The simulated Twilio refuses what Twilio refuses, and tells what happens to a call."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from support.live_server import live
from support.provider_requests import visiting
from support.simulated_providers import desk, serving
from support.vendor_clients import ACCOUNT
from support.waiting import until
from voice_agent.simulation.providers.desk import VALID_KEY, Desk
from voice_agent.simulation.providers.faults import Fault, FaultKind
from voice_agent.telephony.twilio.signature import is_signed

pytestmark = pytest.mark.anyio

PARTIES = {"To": "+15005550009", "From": "+15005550006"}
CALL = {**PARTIES, "Twiml": "<Response><Pause/></Response>"}
PLACE = f"/2010-04-01/Accounts/{ACCOUNT}"


class Listener:
    """Takes the callbacks."""

    def __init__(self) -> None:
        self.heard: list[dict[str, str]] = []
        self.signed: list[bool] = []
        self.url = ""

    async def take(self, request: Request) -> Response:
        fields = parse_qsl((await request.body()).decode(), keep_blank_values=True)
        signature = request.headers.get("x-twilio-signature", "")
        self.signed.append(is_signed(VALID_KEY, self.url, fields, signature))
        self.heard.append(dict(fields))
        return Response(status_code=204)

    def told(self, name: str) -> list[str]:
        """One field of all callbacks, in their own order."""
        ordered = sorted(self.heard, key=lambda fields: int(fields.get("SequenceNumber", 0)))
        return [fields[name] for fields in ordered]


@contextlib.asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    listener = Listener()
    routes = [Route("/status", listener.take, methods=["POST"])]
    async with live(Starlette(routes=routes)) as address:  # type: ignore[arg-type]
        listener.url = f"http://{address}/status"
        yield listener


@contextlib.asynccontextmanager
async def twilio(
    simulated: Desk | None = None, auth: tuple[str, str] = (ACCOUNT, VALID_KEY)
) -> AsyncIterator[httpx2.AsyncClient]:
    async with (
        serving(simulated or desk()) as url,
        httpx2.AsyncClient(base_url=f"{url}/twilio{PLACE}", auth=auth, trust_env=False) as client,
    ):
        yield client


@contextlib.asynccontextmanager
async def asking(
    simulated: Desk | None = None, auth: tuple[str, str] = (ACCOUNT, VALID_KEY)
) -> AsyncIterator[httpx2.AsyncClient]:
    """The same without a socket, for what is answered at once."""
    async with visiting(f"twilio{PLACE}", {}, simulated) as client:
        client.auth = auth
        yield client


async def status_of(client: httpx2.AsyncClient, call: dict[str, Any]) -> str:
    body = (await client.get(f"/Calls/{call['sid']}.json")).json()
    return str(body["status"])


async def placed(client: httpx2.AsyncClient, status: str = "", **more: str) -> dict[str, Any]:
    """A call that has come as far as `status`."""
    answer = await client.post("/Calls.json", data={**CALL, **more})
    assert answer.status_code == 201, answer.text
    call: dict[str, Any] = answer.json()
    while status and await status_of(client, call) != status:
        pass
    return call


@pytest.mark.parametrize(
    ("auth", "expected"),
    [
        ((ACCOUNT, "wrong"), 401),
        (("AC" + "f" * 32, VALID_KEY), 401),
        (("SK" + "1" * 32, VALID_KEY), 200),
    ],
)
async def test_account_and_token_must_fit(auth: tuple[str, str], expected: int) -> None:
    async with asking(auth=auth) as client:
        answer = await client.get("/Calls.json")
    assert answer.status_code == expected
    if expected == 401:
        assert answer.json()["code"] == 20003
        assert answer.headers["www-authenticate"].startswith("Basic")


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"From": "+15005550006", "Twiml": "<Response/>"}, 21201),
        ({**CALL, "To": "call me"}, 21211),
        ({**CALL, "To": "15005550009"}, 21211),
        ({**CALL, "From": "5550006"}, 21212),
        (PARTIES, 21205),
        ({**PARTIES, "Url": "voice.example.com"}, 21205),
        ({**CALL, "StatusCallback": "/status"}, 21205),
        ({**PARTIES, "Twiml": "x" * 4001}, 32018),
        ({**PARTIES, "twiml": "<Response/>"}, 21205),
    ],
)
async def test_calls_that_twilio_would_not_make_are_refused(
    form: dict[str, str], code: int
) -> None:
    async with asking() as client:
        answer = await client.post("/Calls.json", data=form)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert answer.json()["more_info"].endswith(str(code))


async def test_only_forms_are_read() -> None:
    async with asking() as client:
        answer = await client.post("/Calls.json", json=CALL)
    assert (answer.status_code, answer.json()["code"]) == (400, 21201)


async def test_twiml_does_not_count_when_there_is_a_url() -> None:
    form = {**PARTIES, "Url": "http://voice.example.com/", "Twiml": "x" * 4001}
    async with asking() as client:
        assert (await client.post("/Calls.json", data=form)).status_code == 201


async def test_a_new_call_is_queued_and_then_answered() -> None:
    async with twilio() as client:
        call = await placed(client)
        assert call["status"] == "queued"
        assert call["sid"].startswith("CA")
        await placed_until(client, call, "in-progress")
        body = (await client.get(f"/Calls/{call['sid']}.json")).json()
    assert body["start_time"].endswith("+0000")
    assert body["duration"] is None


async def placed_until(client: httpx2.AsyncClient, call: dict[str, Any], status: str) -> None:
    while await status_of(client, call) != status:
        pass


@pytest.mark.parametrize(
    ("ending", "status"), [("0196", "busy"), ("0197", "no-answer"), ("0198", "failed")]
)
async def test_some_numbers_are_never_answered(ending: str, status: str) -> None:
    async with twilio() as client:
        call = await placed(client, status, To=f"+1555555{ending}")
        body = (await client.get(f"/Calls/{call['sid']}.json")).json()
    assert body["duration"] == "0"


async def test_more_than_one_call_a_second_is_accepted_and_queued() -> None:
    async with twilio() as client:
        calls = [await placed(client) for _ in range(3)]
    first, *later = [int(call["queue_time"]) for call in calls]
    assert first == 0
    assert all(wait > 0 for wait in later)


async def test_what_is_over_cannot_be_ended_again() -> None:
    async with twilio() as client:
        call = await placed(client, "in-progress")
        path = f"/Calls/{call['sid']}.json"
        ended = await client.post(path, data={"Status": "completed"})
        again = await client.post(path, data={"Status": "completed"})
        redirected = await client.post(path, data={"Twiml": "<Response/>"})
    assert ended.json()["status"] == "completed"
    assert ended.json()["duration"] == "0"
    assert [a.status_code for a in (again, redirected)] == [400, 400]
    assert {a.json()["code"] for a in (again, redirected)} == {21220}


async def test_an_answered_call_cannot_be_cancelled_but_redirected() -> None:
    async with twilio() as client:
        call = await placed(client, "in-progress")
        path = f"/Calls/{call['sid']}.json"
        cancelled = await client.post(path, data={"Status": "canceled"})
        redirected = await client.post(path, data={"Twiml": "<Response/>"})
        too_long = await client.post(path, data={"Twiml": "x" * 4001})
        nonsense = await client.post(path, data={"Status": "over"})
    assert cancelled.json()["code"] == 21220
    assert redirected.status_code == 200
    assert too_long.json()["code"] == 32018
    assert nonsense.status_code == 400


async def test_what_does_not_exist_is_20404() -> None:
    async with asking() as client:
        answers = [
            await client.get("/Calls/CA0.json"),
            await client.post("/Calls/CA0.json", data={"Status": "completed"}),
            await client.post("/Calls/CA0/Recordings.json"),
            await client.get("/Recordings/RE0.json"),
            await client.get("/Conferences/CF0.json"),
            await client.get("/Conferences/none/Participants.json"),
        ]
    assert {(a.status_code, a.json()["code"]) for a in answers} == {(404, 20404)}
    assert answers[0].json()["message"] == (
        f"The requested resource {PLACE}/Calls/CA0.json was not found"
    )


async def test_status_callbacks_are_signed_numbered_and_come_for_what_was_asked() -> None:
    async with listening() as listener, twilio() as client:
        events = "initiated ringing answered completed"
        call = await placed(
            client, "in-progress", StatusCallback=listener.url, StatusCallbackEvent=events
        )
        await client.post(f"/Calls/{call['sid']}.json", data={"Status": "completed"})
        await until(lambda: len(listener.heard) == 4)
    assert all(listener.signed)
    assert listener.told("SequenceNumber") == ["0", "1", "2", "3"]
    assert listener.told("CallStatus") == ["initiated", "ringing", "in-progress", "completed"]
    assert set(listener.told("CallSid")) == {call["sid"]}
    assert "CallDuration" in max(listener.heard, key=lambda f: int(f["SequenceNumber"]))


async def test_without_a_wish_only_the_end_is_told_whatever_it_was() -> None:
    async with listening() as listener, twilio() as client:
        await placed(client, "busy", To="+15555550196", StatusCallback=listener.url)
        await until(lambda: listener.heard)
    assert listener.told("CallStatus") == ["busy"]


async def test_a_call_cancelled_in_the_queue_tells_nobody() -> None:
    async with listening() as listener, twilio() as client:
        await placed(client)
        call = await placed(client, StatusCallback=listener.url)
        answer = await client.post(f"/Calls/{call['sid']}.json", data={"Status": "canceled"})
        assert answer.json()["status"] == "canceled"
        await client.get("/Calls.json")
    assert listener.heard == []


async def test_a_live_call_can_be_recorded_and_nothing_else() -> None:
    async with listening() as listener, twilio() as client:
        call = await placed(client, "in-progress")
        path = f"/Calls/{call['sid']}/Recordings"
        form = {
            "RecordingChannels": "dual",
            "RecordingStatusCallback": listener.url,
            "RecordingStatusCallbackEvent": "in-progress completed",
        }
        begun = await client.post(f"{path}.json", data=form)
        paused = await client.post(f"{path}/Twilio.CURRENT.json", data={"Status": "paused"})
        stopped = await client.post(f"{path}/Twilio.CURRENT.json", data={"Status": "stopped"})
        over = await client.post(f"{path}/Twilio.CURRENT.json", data={"Status": "stopped"})
        recording = f"/Recordings/{begun.json()['sid']}.json"
        deleted = [await client.delete(recording), await client.delete(recording)]
        await client.post(f"/Calls/{call['sid']}.json", data={"Status": "completed"})
        too_late = await client.post(f"{path}.json")
        await until(lambda: len(listener.heard) == 2)
    assert (begun.status_code, begun.json()["channels"]) == (201, 2)
    assert [a.json()["status"] for a in (paused, stopped)] == ["paused", "completed"]
    assert over.json()["code"] == 20404
    assert [a.status_code for a in deleted] == [204, 404]
    assert too_late.json()["code"] == 21220
    assert sorted(listener.told("RecordingStatus")) == ["completed", "in-progress"]
    assert all(listener.signed)


async def test_participants_are_dialled_held_and_removed() -> None:
    async with twilio() as client:
        path = "/Conferences/transfer-1/Participants"
        added = await client.post(f"{path}.json", data={**PARTIES, "Label": "agent"})
        room = added.json()["conference_sid"]
        held = await client.post(f"{path}/agent.json", data={"Hold": "true"})
        seen = (await client.get(f"/Conferences/{room}/Participants.json")).json()
        removed = await client.delete(f"/Conferences/{room}/Participants/agent.json")
        after = (await client.get(f"/Conferences/{room}.json")).json()
        call = await status_of(client, {"sid": added.json()["call_sid"]})
    assert (added.status_code, added.json()["status"]) == (201, "queued")
    assert held.json()["hold"] is True
    assert [p["label"] for p in seen["participants"]] == ["agent"]
    assert removed.status_code == 204
    assert (after["friendly_name"], after["status"], call) == (
        "transfer-1",
        "completed",
        "completed",
    )


async def test_too_many_requests_at_once_are_20429() -> None:
    simulated = desk()
    simulated.faults.order(Fault(provider="twilio", kind=FaultKind.THROTTLE))
    async with asking(simulated) as client:
        answer = await client.get("/Calls.json")
    assert (answer.status_code, answer.json()["code"]) == (429, 20429)
    assert "twilio-concurrent-requests" in answer.headers
