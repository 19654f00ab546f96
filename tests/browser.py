"""A real browser on the real page: a headless Chromium, and the assistant as a process of its own.

What a test wants to see of the page is asked for in the words of a reader: a role and a name, a text.
"""

import contextlib
import functools
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
ABSORBED = "Will Belarus be absorbed by Russia?"  # has an answer on which sources disagree
EVIL = "<img src=http://evil.invalid/x.png onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
_PATIENCE = 60.0  # seconds; the first answer after a start loads the encoders
_PASSED = ("content-type", "content-security-policy", "content-disposition", "x-request-id", "cache-control")
_SWITCHES = (
    "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-extensions",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
    "--disable-default-apps", "--lang=en-GB",
)  # fmt: skip

_HARM = """
const harmful = (node) => node.matches("script, img, iframe, b, i, object") || /^javascript/i.test(node.href || "") ||
    node.getAttributeNames().some((name) => name.startsWith("on"));
return [...document.querySelectorAll(arguments[0])].filter(harmful).map((node) => node.outerHTML)"""


def free_port() -> int:
    """A port of the loopback that nobody listens on just now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def until(found: Callable[[], Any], what: str, seconds: float = _PATIENCE) -> Any:
    """What `found` returns once it is true. Raises AssertionError, naming `what`, when it never is."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(StaleElementReferenceException):
            if value := found():
                return value
        time.sleep(0.05)
    raise AssertionError(f"after {seconds:.0f} s there is no {what}")


def environment(sources: Path, data: Path, **more: str) -> dict[str, str]:
    """The environment of a process that reads `sources` and keeps what it makes in `data`."""
    ours = {"ASSISTANT_SOURCES": str(sources), "ASSISTANT_DATA": str(data)} | more
    return {name: value for name, value in os.environ.items() if not name.startswith("ASSISTANT_")} | ours


@contextlib.contextmanager
def served(given: dict[str, str]) -> Iterator[str]:
    """The assistant as a child process; gives its address. It ends with the block."""
    port = free_port()
    command = [sys.executable, "-m", "assistant", "serve"]
    # A pipe that nobody reads would fill up and stop the server.
    with subprocess.Popen(command, env=given | {"ASSISTANT_PORT": str(port)}, stderr=subprocess.DEVNULL) as child:
        try:
            address = f"http://127.0.0.1:{port}"
            until(functools.partial(_answers, child, address), "server")
            yield address
        finally:
            child.terminate()
            child.communicate(timeout=20)


def _answers(child: "subprocess.Popen[bytes]", address: str) -> bool:
    assert child.poll() is None, "the server ended by itself"
    try:
        with urllib.request.urlopen(f"{address}/readyz", timeout=5) as response:
            return bool(response.status == 200)
    except OSError:  # not there yet, or not ready
        return False


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


class Browser:
    """One window on the page. Its requests and the lines of its console are kept for `foreign` and `complaints`."""

    def __init__(self, downloads: Path, language: str = "en-GB") -> None:
        options = ChromeOptions()
        options.binary_location = CHROMIUM or ""
        for switch in _SWITCHES:
            options.add_argument(switch)
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        options.add_experimental_option(
            "prefs", {"intl.accept_languages": language, "download.default_directory": str(downloads)}
        )
        self.downloads = downloads
        self.driver = Chrome(options, ChromeService(DRIVER))

    def close(self) -> None:
        """End the browser."""
        self.driver.quit()

    def command(self, name: str, **arguments: Any) -> Any:
        """A command of the DevTools protocol."""
        return self.driver.execute_cdp_cmd(name, arguments)

    def size(self, width: int, height: int = 800) -> None:
        """Give the page this many pixels, as a device of that size has them."""
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )

    def visit(self, address: str) -> None:
        """Open `address` and wait until questions can be asked."""
        self.driver.get(address)
        until(lambda: self.run("return !document.getElementById('ask').disabled"), "page that is ready")

    def run(self, script: str, *arguments: Any) -> Any:
        """The value of a script in the page."""
        return self.driver.execute_script(script, *arguments)

    def find(self, selector: str) -> WebElement:
        """The first element that can be seen, once there is one."""
        found: WebElement = until(lambda: next(iter(self.all(selector)), None), selector)
        return found

    def all(self, selector: str) -> list[WebElement]:
        """All elements that can be seen."""
        return [e for e in self.driver.find_elements(By.CSS_SELECTOR, selector) if e.is_displayed()]

    def named(self, name: str, within: str = "body") -> WebElement:
        """The control that a screen reader calls `name`."""
        controls = f"{within} :is(button, a, input, select, textarea, summary)"

        def found() -> WebElement | None:
            return next((e for e in self.all(controls) if e.accessible_name == name), None)

        element: WebElement = until(found, f"control named {name!r}", 15)
        return element

    def text(self, selector: str) -> str:
        """What can be read in the first element that can be seen."""
        return self.find(selector).text

    def ask(self, question: str) -> WebElement:
        """Type a question, press Enter, wait for the whole answer; gives its article."""
        before = len(self.all(".turn"))
        self.find("#question").send_keys(question, Keys.ENTER)
        until(lambda: len(self.all(".turn")) > before and not self.all("#stop"), f"answer to {question!r}")
        until(lambda: self.all(".turn")[-1].find_elements(By.CSS_SELECTOR, ".trust, .failure"), "end of the answer")
        return self.all(".turn")[-1]

    def press(self, *keys: str) -> WebElement:
        """Press keys where the focus is; gives what has the focus afterwards."""
        for key in keys:
            self.driver.switch_to.active_element.send_keys(key)
        return self.driver.switch_to.active_element

    def box(self, selector: str) -> dict[str, float]:
        """Where an element is in the window, in pixels: left, top, right, bottom."""
        script = (
            "const {left, top, right, bottom} = arguments[0].getBoundingClientRect(); return {left, top, right, bottom}"
        )
        found: dict[str, float] = self.run(script, self.find(selector))
        return found

    def fits(self) -> bool:
        """Whether nothing has to be scrolled sideways."""
        parts = "html, #turns, #source, #sidebar, #form"
        script = "return [...document.querySelectorAll(arguments[0])].every((p) => p.scrollWidth <= p.clientWidth + 1)"
        return bool(self.run(script, parts))

    def harmed(self) -> list[str]:
        """What became an element, a handler or an address though it came from outside, and the title if it changed."""
        inside = ", ".join(f"{part} *" for part in ("#turns", "#source", "#card", "#sidebar", "#spoken"))
        found: list[str] = self.run(_HARM, inside)
        return found + [title for title in [self.driver.title] if title != "Union State assistant"]

    def foreign(self) -> list[str]:
        """Addresses asked for since the last call that are not of the page's own origin."""
        found = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                address, page = message["params"]["request"]["url"], message["params"]["documentURL"]
                ours = address.removeprefix("blob:").startswith(f"{_origin(page)}/")
                found += [] if ours or address.startswith("data:") else [address]
        return found

    def complaints(self) -> list[str]:
        """Lines of the console since the last call, but for the failed requests that a test provokes."""
        lines = [str(entry["message"]) for entry in self.driver.get_log("browser")]
        return [line for line in lines if "Failed to load resource" not in line]


class Request(BaseHTTPRequestHandler):
    """A request that the stage got, its body already read."""

    body = b""


Script = Callable[[Request], None]


class Stage:
    """Stands before a real server and passes everything on, but for the requests that `scripts` answer, by method and
    path. So a page can be shown what a real server shows once in a year."""

    def __init__(self, behind: str) -> None:
        self.scripts: dict[str, Script] = {}
        scripts = self.scripts

        class Handler(Request):
            def handle_one_request(self) -> None:
                with contextlib.suppress(ConnectionError):
                    super().handle_one_request()

            def do_GET(self) -> None:
                self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                script = scripts.get(f"{self.command} {self.path.partition('?')[0]}")
                (script or functools.partial(_pass_on, behind))(self)

            do_POST = do_PATCH = do_DELETE = do_GET

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """End the server."""
        self._server.shutdown()
        self._server.server_close()


def _pass_on(behind: str, handler: Request) -> None:
    kept = {k: v for k, v in handler.headers.items() if k.lower() in ("content-type", "accept", "authorization")}
    request = urllib.request.Request(behind + handler.path, handler.body or None, kept, method=handler.command)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            status, headers, content = response.status, response.headers, response.read()
    except HTTPError as error:
        with error:
            status, headers, content = error.code, error.headers, error.read()
    send(handler, status, content, **{k.replace("-", "_"): v for k, v in headers.items() if k.lower() in _PASSED})


def send(handler: Request, status: int, content: bytes, **headers: str) -> None:
    """A whole response."""
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def says(status: int, body: dict[str, Any], **headers: str) -> Script:
    """A script that answers with JSON."""
    content = json.dumps(body, ensure_ascii=False).encode()
    return lambda handler: send(handler, status, content, Content_Type="application/json", **headers)


def streams(*pieces: bytes | Callable[[], object]) -> Script:
    """A script that sends `pieces` one by one as server-sent events; what can be called is waited for."""

    def script(handler: Request) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.end_headers()
        for piece in pieces:
            if callable(piece):
                piece()
            else:
                handler.wfile.write(piece)
                handler.wfile.flush()
        handler.close_connection = True

    return script


def event(name: str, **data: Any) -> bytes:
    """One server-sent event."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()
