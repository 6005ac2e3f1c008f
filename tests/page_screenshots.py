"""Takes the README's pictures of the page: `python tests/page_screenshots.py FOLDER` (Chromium and the font package `fonts-noto-cjk` needed)."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import httpx
from playwright.sync_api import Page, ViewportSize, sync_playwright

COMMAND = Path(sys.executable).with_name("policy-serve")
DOCUMENT = Path(__file__).resolve().parent / "documents" / "某市科技创新工作总结.txt"
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--no-proxy-server")
SIZE: ViewportSize = {"width": 1200, "height": 760}
SECONDS = 60  # for the server to start


@contextmanager
def serving() -> Iterator[str]:
    """The address of a server with the default model."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        settings = {**os.environ, "POLICY_THEMES_FEEDBACK": str(Path(folder, "feedback.sqlite3"))}
        process = subprocess.Popen([COMMAND, "--port", str(port)], env=settings, stderr=subprocess.DEVNULL)
        try:
            address = f"http://127.0.0.1:{port}"
            deadline = time.monotonic() + SECONDS
            while not _is_ready(address):
                if process.poll() is not None or time.monotonic() > deadline:
                    sys.exit("policy-serve did not start")
                time.sleep(0.1)
            yield address
        finally:
            process.kill()
            process.wait()


def _is_ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/readyz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def show_document(_page: Page) -> None:
    """The document as it opens: its outline, its themes at a glance, its first paragraphs."""


def show_correcting(page: Page) -> None:
    """The reasons for a theme, a paragraph being corrected, and the scores of another."""
    page.locator(".paragraph", has_text="（二）").locator(".label").click()
    page.locator(".paragraph", has_text="（四）").locator(".action.correct").click()
    page.locator(".paragraph", has_text="（二）").evaluate("found => scrollTo(0, found.offsetTop - 125)")
    page.locator(".paragraph", has_text="（三）").locator(".notes").hover()
    page.locator("#scores:not([hidden])").wait_for()


PICTURES: tuple[tuple[str, Literal["light", "dark"], Callable[[Page], None]], ...] = (
    ("page", "light", show_document),
    ("page-correcting", "dark", show_correcting),
)


def main(folder: Path) -> None:
    """Write the pictures into `folder`."""
    chromium = shutil.which("chromium") or sys.exit("no Chromium here: apt-get install chromium fonts-noto-cjk")
    folder.mkdir(exist_ok=True)
    with serving() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        for name, scheme, show in PICTURES:
            page = browser.new_page(viewport=SIZE, color_scheme=scheme, reduced_motion="reduce")
            page.goto(address)
            page.locator("#text:enabled").wait_for()
            page.locator("#files-chosen").set_input_files(DOCUMENT)
            page.locator(".paragraph").first.wait_for()
            show(page)
            page.screenshot(path=folder / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
