"""A real Chromium with a microphone that plays a file."""

import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import FastAPI
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright, expect

from support.live_server import live
from support.requirements import require

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or ""
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
)
PATIENCE_MS = 30_000
"""Far more than anything takes, so a slow machine never fails a test."""

expect.set_options(timeout=PATIENCE_MS)


@dataclass
class Visit:
    """An open page and everything it complained about."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def note_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def note_error(self, error: Exception) -> None:
        self.complaints.append(str(error))


@asynccontextmanager
async def chromium(sound: Path | None = None, *flags: str) -> AsyncIterator[Browser]:
    """A browser whose microphone plays `sound` once (beeps when there is none)."""
    require(CHROMIUM, "chromium", "apt-get install chromium")
    capture = (f"--use-file-for-fake-audio-capture={sound}%noloop",) if sound else ()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, headless=True, args=[*FLAGS, *capture, *flags]
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def visit(
    browser: Browser,
    url: str,
    *,
    permissions: Sequence[str] = ("microphone",),
    size: tuple[int, int] = (1280, 820),
    scheme: str = "light",
) -> AsyncIterator[Visit]:
    """Open `url` in a fresh profile of this size and colour scheme."""
    context = await browser.new_context(
        permissions=list(permissions),
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    context.set_default_timeout(PATIENCE_MS)
    page = await context.new_page()
    seen = Visit(page)
    page.on("console", seen.note_console)
    page.on("pageerror", seen.note_error)
    try:
        await page.goto(url)
        yield seen
    finally:
        await context.close()


@asynccontextmanager
async def open_page(app: FastAPI, path: str, *flags: str) -> AsyncIterator[Visit]:
    """`path` of `app`, served here, in a browser of its own."""
    async with (
        live(app) as host,
        chromium(None, *flags) as browser,
        visit(browser, f"http://{host}{path}") as seen,
    ):
        yield seen
