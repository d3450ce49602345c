"""MLflow's user interface as somebody sees it: served from a folder's store, in Chromium without a window."""

import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from nnjax.tracking import views

SIZE = {"width": 1400, "height": 900}
STARTING = 120  # seconds that the server may take
PATIENCE = 60_000  # milliseconds for a page to show what is waited for
SETTLING = 1500  # milliseconds in which what is drawn comes to rest
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def missing() -> str:
    """How to get what a browser without a window needs and is not here, "" if all is."""
    if importlib.util.find_spec("playwright") is None:
        return "playwright is not installed: make setup, or pip install playwright"
    if not any(map(shutil.which, CHROMIUM)):
        return "Chromium is not installed: apt-get install chromium"
    return ""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of the folder's store, served on a free port of this machine as `make ui` does."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["ui", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "mlflow", *words, "--backend-store-uri", f"sqlite:///{folder}/mlflow.db"],
        env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(f"{address}/health", process)
        yield address
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)  # its own group: the server and its worker
        process.wait()


def wait_for(address: str, process: "subprocess.Popen[bytes]") -> None:
    """Waits until a server answers."""
    end = time.monotonic() + STARTING
    while True:
        with suppress(OSError), urllib.request.urlopen(address, timeout=2):
            return
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"mlflow ui does not answer on {address}")
        time.sleep(0.1)


@contextmanager
def opened(address: str) -> Iterator[Any]:
    """A page of a browser that reaches this machine alone, in the interface for training, its assistant closed."""
    from playwright.sync_api import sync_playwright

    executable = next(filter(None, map(shutil.which, CHROMIUM)))
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable)
        page = browser.new_page(viewport=SIZE)
        page.set_default_timeout(PATIENCE)
        page.route(lambda url: not url.startswith((address, "data:", "blob:")), lambda route: route.abort())
        page.goto(address)
        page.get_by_text("Model training", exact=True).click()  # remembered by the browser, as it is by everybody's
        page.locator("[data-component-id='mlflow.assistant.chat_panel.close']").click()
        yield page
        browser.close()


def runs(page: Any, address: str, experiment: str) -> None:
    """Opens the runs of an experiment in nnjax's view."""
    opened_at(page, f"{address}/#/experiments/{experiment}/runs?viewStateShareKey={views.KEY}", views.NAME)
    page.get_by_label("Hide banner").click()
    page.locator("[role=row] a").first.wait_for()
    page.wait_for_timeout(SETTLING)


def unfold(page: Any) -> None:
    """Shows the lanes of the topmost sweep below it."""
    page.locator("[data-component-id*='runnamecellrenderer']").first.click()
    page.mouse.click(SIZE["width"] / 2, SIZE["height"] - 150)  # below the rows: none is chosen
    page.wait_for_timeout(SETTLING)


def run(page: Any, address: str, experiment: str, run_id: str) -> None:
    """Opens the overview of a run."""
    opened_at(page, f"{address}/#/experiments/{experiment}/runs/{run_id}", "About this run")


def artifact(page: Any, address: str, experiment: str, run_id: str, path: str, text: str) -> None:
    """Opens a file of a run, which is HTML and says a text."""
    page.goto("about:blank")
    page.goto(f"{address}/#/experiments/{experiment}/runs/{run_id}/artifacts/{path}")
    page.frame_locator("iframe").get_by_text(text).first.wait_for()
    page.wait_for_timeout(SETTLING)


def compare(page: Any, address: str, experiment: str, run_ids: Sequence[str]) -> None:
    """Opens the comparison of runs."""
    words = quote(json.dumps(run_ids)), quote(json.dumps([experiment]))
    opened_at(page, "{}/#/compare-runs?runs={}&experiments={}".format(address, *words), "Run details")


def opened_at(page: Any, address: str, text: str) -> None:
    """Opens a page of the interface afresh and waits for a text that it has when it is there."""
    page.goto("about:blank")
    page.goto(address)
    page.get_by_text(text).first.wait_for()
    page.wait_for_timeout(SETTLING)
