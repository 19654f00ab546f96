"""What the tests of the page share: a quick index with a hostile document in it, a server of it, a browser."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.browser import CHROMIUM, DRIVER, EVIL, Browser, Stage, environment, served
from tests.conftest import ROOT

NOTES = (
    "rane-2023-whats-ahead", "afp-2022-putin-absorb", "euroradio-2019-protests-in-minsk", "newsru-2019-minsk-protest",
)  # fmt: skip
ABOUT_HOSTILE = f"""
title = '''<b>Kvas</b> {EVIL}'''
publisher = '''"><svg onload="document.title='owned'">'''
published = 2024-05-06
url = "https://evil.invalid/?a='><script>"
language = "en"
kind = "news"
holder = "**Kvas** [Board](http://evil.invalid/)"
"""
HOSTILE = f"""On 6 May 2024 the Kvas Board of the Union State set the quota of kvas at 4,711 barrels, {EVIL}
said the board.

The emblem of the Kvas Board of the Union State reads {"A" * 300}, **bold** [link](javascript:alert(1)).
"""


@pytest.fixture(scope="session")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Settings with an index of a few notes, one of them hostile."""
    if not (CHROMIUM and DRIVER):
        assert os.environ.get("CI") != "true", "CI needs Chromium and its driver"
        pytest.skip("Chromium or its driver is not installed")
    folder = tmp_path_factory.mktemp("page")
    (folder / "sources").mkdir()
    for note in NOTES:
        shutil.copy(ROOT / "sources" / f"{note}.md", folder / "sources")
    (folder / "sources" / "hostile.txt").write_text(HOSTILE, "utf-8")
    (folder / "sources" / "hostile.txt.toml").write_text(ABOUT_HOSTILE, "utf-8")
    settings = environment(folder / "sources", folder / "data")
    subprocess.run([sys.executable, "-m", "index", "build"], env=settings, check=True, capture_output=True)
    return settings


@pytest.fixture(scope="session")
def origin(given: dict[str, str]) -> Iterator[str]:
    with served(given) as address:
        yield address


@pytest.fixture(scope="session")
def window(given: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    opened = Browser(tmp_path_factory.mktemp("downloads"))
    yield opened
    opened.close()


@pytest.fixture
def browser(window: Browser, origin: str) -> Iterator[Browser]:
    """The window at a desktop's size, with nothing kept from the test before; whatever happens, nothing foreign may be
    asked for and the console stays empty."""
    window.size(1280)
    window.command("Emulation.setEmulatedMedia", features=[])
    window.driver.get(f"{origin}/static/icon.svg")
    window.command("Storage.clearDataForOrigin", origin=origin, storageTypes="all")
    window.visit(origin)
    yield window
    assert window.foreign() == []
    assert window.complaints() == []
    window.driver.get("about:blank")  # a page that waits for an answer is animated, and would be for all tests to come


@pytest.fixture
def stage(origin: str) -> Iterator[Stage]:
    made = Stage(origin)
    yield made
    made.close()
