"""The pages and their files over HTTP."""

import re
from importlib import resources

import httpx2
import pytest
from fastapi import FastAPI

from voice_agent.admin import pages

pytestmark = pytest.mark.anyio


def web() -> httpx2.AsyncClient:
    app = FastAPI()
    app.include_router(pages.router)
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://here")


@pytest.mark.parametrize(("path", "title"), [("/voice-demo", "Talk"), ("/demo", "Write")])
async def test_a_page_allows_only_what_this_host_sends(path: str, title: str) -> None:
    async with web() as client:
        page = await client.get(path)

    assert page.status_code == 200
    assert f"<title>{title} · Voice Agent</title>" in page.text
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["x-frame-options"] == "DENY"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=|https?://", page.text)


async def test_the_door_leads_to_the_voice_page() -> None:
    async with web() as client:
        answer = await client.get("/")

    assert answer.headers["location"] == "/voice-demo"


async def test_every_file_that_a_page_or_script_names_exists() -> None:
    async with web() as client:
        for name in ("voice-demo.html", "demo.html"):
            page = (await client.get(f"/static/{name}")).text
            for path in re.findall(r'(?:src|href)="(/[^"#]*)"', page):
                assert (await client.get(path)).status_code == 200, path


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("app.css", "text/css; charset=utf-8"),
        ("voice.js", "text/javascript; charset=utf-8"),
        ("worklets/speaker.js", "text/javascript; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ],
)
async def test_a_file_is_sent_again_only_when_it_has_changed(path: str, media_type: str) -> None:
    async with web() as client:
        first = await client.get(f"/static/{path}")
        tag = first.headers["etag"]
        again = await client.get(f"/static/{path}", headers={"If-None-Match": f'"old", W/{tag}'})
        other = await client.get(f"/static/{path}", headers={"If-None-Match": '"old"'})

    assert first.headers["content-type"] == media_type
    assert first.headers["cache-control"] == "no-cache"
    assert (again.status_code, again.content) == (304, b"")
    assert (other.status_code, other.content) == (200, first.content)


@pytest.mark.parametrize(
    "path",
    ["nothing.js", "../pages.py", "..%2fpages.py", "worklets", "__init__.py", "%00", "/etc/x"],
)
async def test_nothing_but_the_pages_files_is_sent(path: str) -> None:
    async with web() as client:
        answer = await client.get(f"/static/{path}")

    assert answer.status_code == 404


async def test_scripts_put_only_text_into_the_page() -> None:
    folder = resources.files("voice_agent.admin").joinpath("static")
    scripts = [entry.read_text() for entry in folder.iterdir() if entry.name.endswith(".js")]

    assert len(scripts) > 5
    assert not [
        s for s in scripts if re.search(r"innerHTML|insertAdjacent|eval\(|document\.write", s)
    ]
