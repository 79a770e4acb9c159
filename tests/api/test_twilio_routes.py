"""The telephone's two doors, over real HTTP and WebSockets on loopback."""

import base64
import json

import anyio
import pytest
from structlog.testing import capture_logs

from support.echo_app import (
    AUTH_TOKEN,
    Echo,
    announce,
    announcement,
    close_code,
    dial,
    echo_app,
    hear,
    phone_call,
    plain_client,
    sign,
    token_in,
)
from support.live_server import live
from support.twilio_messages import (
    ACCOUNT,
    CALL,
    FRAME,
    STREAM,
    connected,
    dtmf,
    mark,
    media,
    start,
    stop,
    text,
)
from voice_agent.core.call import Direction
from voice_agent.core.ports import KeyReceived, LineClosed, MarkReached
from voice_agent.telephony.twilio.media_stream import MALFORMED_IN_A_ROW
from voice_agent.telephony.twilio.settings import TwilioSettings

pytestmark = pytest.mark.anyio

OTHER_CALL = "CA" + "d" * 32


async def test_a_signed_webhook_gets_a_stream_with_a_token() -> None:
    async with live(echo_app(Echo())) as host:
        response = await announce(host)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/xml")
    assert f'<Stream url="ws://{host}/twilio-stream">' in response.text
    assert "?" not in response.text.split("<Stream", 1)[1].split(">", 1)[0]


@pytest.mark.parametrize("signature", ["", "nonsense", "L/OH5YylLD5NRKLltdqwSvS0BnU="])
async def test_a_wrong_signature_is_refused(signature: str) -> None:
    async with live(echo_app(Echo())) as host:
        response = await announce(host, None, **{"X-Twilio-Signature": signature})
    assert response.status_code == 403
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == 403


async def test_a_missing_signature_is_refused() -> None:
    async with live(echo_app(Echo())) as host, plain_client() as client:
        response = await client.post(f"http://{host}/twilio-webhook", data=announcement())
    assert response.status_code == 403


async def test_another_account_is_refused_even_when_signed() -> None:
    async with live(echo_app(Echo())) as host:
        response = await announce(host, announcement(AccountSid="AC" + "b" * 32))
    assert response.status_code == 403


@pytest.mark.parametrize("sid", ["", "CA", "CA" + "g" * 32, "MZ" + "c" * 32, CALL + "0"])
async def test_a_call_without_a_proper_identifier_is_refused(sid: str) -> None:
    async with live(echo_app(Echo())) as host:
        response = await announce(host, announcement(sid))
    assert response.status_code == 400


async def test_bodies_too_long_or_unreadable_are_refused() -> None:
    async with live(echo_app(Echo())) as host, plain_client() as client:
        url = f"http://{host}/twilio-webhook"
        long = await client.post(url, content=b"a=" + b"x" * 70_000)
        many = await client.post(url, content=b"&".join(b"a=1" for _ in range(500)))
        binary = await client.post(url, content=bytes(range(256)))
    assert [long.status_code, many.status_code, binary.status_code] == [413, 400, 400]


async def test_behind_a_trusted_proxy_the_public_address_is_signed_and_streamed_to() -> None:
    trusting = TwilioSettings(AUTH_TOKEN, trusted_proxies=("127.0.0.1",))
    signature = sign("https://voice.example.com/twilio-webhook", announcement())
    headers = {
        "X-Twilio-Signature": signature,
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "voice.example.com",
    }
    async with live(echo_app(Echo(), twilio=trusting)) as host:
        believed = await announce(host, None, **headers)
    async with live(echo_app(Echo())) as host:
        not_believed = await announce(host, None, **headers)
    assert 'url="wss://voice.example.com/twilio-stream"' in believed.text
    assert not_believed.status_code == 403


async def test_a_configured_public_address_is_used() -> None:
    public = TwilioSettings(AUTH_TOKEN, public_url="https://voice.example.com")
    signature = sign("https://voice.example.com/twilio-webhook", announcement())
    async with live(echo_app(Echo(), twilio=public)) as host:
        response = await announce(host, None, **{"X-Twilio-Signature": signature})
    assert 'url="wss://voice.example.com/twilio-stream"' in response.text


async def test_a_call_is_carried_both_ways() -> None:
    echo = Echo()
    async with live(echo_app(echo)) as host, phone_call(host) as phone:
        await phone.send(text(media(1)))
        heard = await hear(phone)
        await phone.send(text(dtmf("1")))
        marked = await hear(phone)
        await phone.send(text(dtmf("2")))
        cleared = await hear(phone)
        await phone.send(text(mark(marked["mark"]["name"])))
        await phone.send(text(stop()))
        assert await close_code(phone) == 1000
    assert heard["streamSid"] == STREAM
    assert base64.b64decode(heard["media"]["payload"]) == FRAME
    assert cleared == {"event": "clear", "streamSid": STREAM}
    assert echo.events[1:] == [
        KeyReceived("1"),
        KeyReceived("2"),
        MarkReached(marked["mark"]["name"], heard=False),
        LineClosed(clean=True),
    ]
    (call,) = echo.calls
    assert (call.id, call.direction, call.caller) == (CALL, Direction.INBOUND, "+15550100")
    assert call.attributes == {"account_sid": ACCOUNT, "stream_sid": STREAM}


async def test_the_agent_hanging_up_closes_the_stream() -> None:
    echo = Echo()
    async with live(echo_app(echo)) as host, phone_call(host) as phone:
        await phone.send(text(dtmf("0")))
        assert await close_code(phone) == 1000
    assert echo.closings() == [LineClosed(clean=True)]


async def test_a_socket_that_vanishes_is_an_unclean_end() -> None:
    echo = Echo()
    async with live(echo_app(echo)) as host:
        async with phone_call(host) as phone:
            await phone.send(text(media(1)))
            await hear(phone)
            phone.transport.abort()
        with anyio.fail_after(5):
            await echo.over.wait()
    assert echo.closings() == [LineClosed(clean=False)]


async def refusal(host: str, *messages: str | bytes) -> int:
    """The close code after these messages."""
    async with dial(f"ws://{host}/twilio-stream") as socket:
        for message in messages:
            await socket.send(message)
        return await close_code(socket)


async def test_a_stream_nobody_announced_is_refused_and_told_in_the_log() -> None:
    echo = Echo()
    async with live(echo_app(echo)) as host:
        token = token_in((await announce(host)).text)
        begin = text(connected())
        with capture_logs() as logs:
            codes = [
                await refusal(host, begin, text(start())),
                await refusal(host, begin, text(start(token="guess"))),
                await refusal(host, begin, text(start(OTHER_CALL, token=token))),
            ]
        async with phone_call(host):
            pass
        codes.append(await refusal(host, begin, text(start(token=token))))
    assert codes == [1008] * 4
    refused = [entry for entry in logs if entry["event"] == "twilio.stream_refused"]
    assert len(refused) == 3
    assert token not in str(logs)
    assert [call.id for call in echo.calls] == [CALL]


async def test_a_used_token_opens_nothing_again() -> None:
    echo = Echo()
    async with live(echo_app(echo)) as host:
        token = token_in((await announce(host)).text)
        async with dial(f"ws://{host}/twilio-stream") as phone:
            await phone.send(text(connected()))
            await phone.send(text(start(token=token)))
            await phone.send(text(media(1)))
            await hear(phone)
            again = await refusal(host, text(connected()), text(start(token=token)))
            await phone.send(text(media(2)))
            assert (await hear(phone))["event"] == "media"
    assert again == 1008
    assert len(echo.calls) == 1


async def test_fifty_malformed_messages_in_a_row_end_a_stream_and_fewer_do_not() -> None:
    echo = Echo()
    async with live(echo_app(echo)) as host, phone_call(host) as phone:
        for _ in range(3):
            for number in range(MALFORMED_IN_A_ROW - 1):
                await phone.send(b"\x00" if number % 2 else "{")
            await phone.send(text(dtmf("1")))
            await hear(phone)
        for _ in range(MALFORMED_IN_A_ROW):
            await phone.send("{")
        assert await close_code(phone) == 1008
    assert echo.closings() == [LineClosed(clean=False)]


async def test_numbers_are_not_in_the_log() -> None:
    with capture_logs() as logs:
        async with live(echo_app(Echo())) as host, phone_call(host) as phone:
            await phone.send(text(media(1)))
            await hear(phone)
    assert "5550100" not in json.dumps(logs, default=str)
