"""The guarded fetcher against a real server on this machine, which a resolver for the test gives public names.

The canary listens on loopback too: no case that must be refused may ever reach it.
"""

import datetime
import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import httpcore
import pytest

from index.errors import ConfigurationError
from index.fetch import Fetcher, FetchFailed, Refused, is_public, vet_url
from index.originals import Origin, Originals, read_catalog

PUBLIC = "93.184.216.34"
PAGE = b"<html><body><p>A page of text.</p></body></html>"


class Site(BaseHTTPRequestHandler):
    """What the test server answers, by path."""

    hits: ClassVar[list[str]] = []
    gone = False

    def do_GET(self) -> None:
        self.hits.append(self.path)
        path, _, query = self.path.partition("?")
        if path.startswith("/hop"):
            self.reply(302, location=f"/hop{int(path[4:]) - 1}" if path != "/hop1" else "/page")
        elif path.startswith("/status"):
            self.reply(int(path[7:]))
        elif path in self.odd:
            self.odd[path](self, query)
        else:
            self.reply(404 if self.gone else 200, PAGE)

    def many_headers(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 1000) for n in range(10_000)))

    odd: ClassVar[dict[str, Callable[["Site", str], None]]] = {
        "/to": lambda self, query: self.reply(302, location=query),
        "/loop": lambda self, _: self.reply(301, location="/loop"),
        "/bomb": lambda self, _: self.reply(200, gzip.compress(b"0" * (64 << 20)), encoding="gzip"),
        "/broken": lambda self, _: self.reply(200, b"no gzip at all", encoding="gzip"),
        "/endless": lambda self, _: self.stream(b"x" * 65536, 0.0),
        "/slow": lambda self, _: self.stream(b"x", 0.2),
        "/headers": lambda self, _: self.many_headers(),
        "/exe": lambda self, _: self.reply(200, b"MZ", kind="application/x-msdownload"),
    }

    def reply(self, status: int, body: bytes = b"", kind: str = "text/html; charset=utf-8", location: str = "",
              encoding: str = "") -> None:  # fmt: skip
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Location", location), ("Content-Encoding", encoding)):
            if value:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self, piece: bytes, pause: float) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        stop = time.monotonic() + 20
        try:
            while time.monotonic() < stop:
                self.wfile.write(piece)
                time.sleep(pause)
        except OSError:
            pass

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[int]:
    """The port of a running server."""
    Site.hits, Site.gone = [], False
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


class ToSite(httpcore.SyncBackend):
    """Opens every vetted connection to the test server, and remembers which address was vetted."""

    def __init__(self, port: int) -> None:
        self.port, self.addresses = port, list[str]()

    def connect_tcp(self, host: str, port: int, *rest: object, **more: object) -> httpcore.NetworkStream:
        self.addresses.append(host)
        return super().connect_tcp("127.0.0.1", self.port)


def fetcher(
    port: int, *answers: list[str], max_bytes: int = 1 << 20, max_seconds: float = 2.0
) -> tuple[Fetcher, ToSite]:
    """A fetcher whose resolver gives `answers` one look-up after the other, the last one for ever."""
    left = list(answers or [[PUBLIC]])
    names = {"localhost": ["127.0.0.1"], "inside.example": ["10.1.2.3"]}

    def resolver(host: str, port: int) -> list[str]:
        if ":" in host:
            return [host]
        try:
            return [socket.inet_ntoa(socket.inet_aton(host))]
        except OSError:
            return names.get(host) or (left.pop(0) if len(left) > 1 else left[0])

    backend = ToSite(port)
    return Fetcher(resolver, is_public, max_bytes, max_seconds, backend), backend


def test_fetches_a_public_page(site: int) -> None:
    client, backend = fetcher(site)
    fetched = client.fetch("http://example.org/page?x=1#part")
    assert (fetched.url, fetched.suffix, fetched.content) == ("http://example.org/page?x=1", ".html", PAGE)
    assert backend.addresses == [PUBLIC]


SPELLINGS = """127.0.0.1 127.1 127.0.1 127.255.255.254 2130706433 017700000001 0x7f000001 0x7f.0.0.1 0177.0.0.1
    127.0.0.1. localhost localhost. LOCALHOST inside.example 0.0.0.0 0 10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.254
    192.168.0.1 192.168.1.254 169.254.169.254 169.254.0.1 100.64.0.1 100.127.255.254 192.0.0.1 192.0.2.1
    198.18.0.1 198.51.100.1
    203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 [::1] [::] [::ffff:127.0.0.1] [::ffff:7f00:1]
    [::ffff:10.0.0.1] [::ffff:169.254.169.254] [64:ff9b::7f00:1] [64:ff9b::a00:1] [64:ff9b:1::7f00:1] [2002:7f00:1::]
    [2002:a00:1::] [fc00::1] [fd12:3456::1] [fe80::1] [fec0::1] [ff02::1] [2001:db8::1] [100::1] [::127.0.0.1]
    0x7f.1 0xa9fea9fe 2852039166 ①②⑦.⓪.⓪.① 127。0。0。1 １２７.0.0.1""".split()  # fmt: skip


@pytest.mark.parametrize("host", SPELLINGS)
def test_no_spelling_of_an_inside_address_is_connected_to(site: int, host: str) -> None:
    """SSR-addresses."""
    client, backend = fetcher(site, ["127.0.0.1"])
    with pytest.raises((Refused, FetchFailed)):
        client.fetch(f"http://{host}/page")
    assert backend.addresses == [] and Site.hits == []


def test_there_are_sixty_spellings() -> None:
    assert len(set(SPELLINGS)) >= 60


@pytest.mark.parametrize("target", ["http://127.0.0.1/", "http://inside.example/", "//localhost/", "file:///etc/passwd",
                                    "gopher://example.org/", "ftp://example.org/x", "http://[::1]/"])  # fmt: skip
@pytest.mark.parametrize("hop", [1, 5])
def test_every_redirect_is_vetted(site: int, target: str, hop: int) -> None:
    """SSR-redirects: the hop that leads inside is refused, whichever it is."""
    path = f"/to?{target}"
    for _ in range(hop - 1):
        path = f"/to?{path}"
    client, backend = fetcher(site)
    with pytest.raises(Refused):
        client.fetch(f"http://example.org{path}")
    assert len(Site.hits) == hop and set(backend.addresses) == {PUBLIC}, "the redirects must have happened"


def test_redirects_are_followed_five_times_and_no_more(site: int) -> None:
    assert fetcher(site)[0].fetch("http://example.org/hop5").content == PAGE
    with pytest.raises(FetchFailed, match="more than 5 redirects"):
        fetcher(site)[0].fetch("http://example.org/hop6")
    with pytest.raises(FetchFailed, match="circle"):
        fetcher(site)[0].fetch("http://example.org/loop")


def test_a_second_answer_of_the_resolver_does_not_lead_inside(site: int) -> None:
    """SSR-rebinding: the connection goes to the address that was vetted; a name with one bad address is refused."""
    client, backend = fetcher(site, [PUBLIC], ["127.0.0.1"])
    assert client.fetch("http://example.org/page").content == PAGE
    assert backend.addresses == [PUBLIC]
    with pytest.raises(Refused):
        client.fetch("http://example.org/page")
    with pytest.raises(Refused):
        fetcher(site, [PUBLIC, "10.0.0.1"])[0].fetch("http://example.org/page")
    assert len(Site.hits) == 1


@pytest.mark.parametrize(
    "url",
    ["http://a@127.0.0.1/", "http://example.org:80@127.0.0.1/", "http://127.0.0.1\\@example.org/",
     "http://example.org\\/",
     "http://exa\tmple.org/", "http://example.org/\n", " http://example.org/", "http://user:pass@example.org/",
     "http:///x",
     "http://", "example.org", "", "javascript:alert(1)", "http://example.org:22/", "http://[::1",
     "http://example.org:99999/"],
)  # fmt: skip
def test_odd_addresses_are_refused(site: int, url: str) -> None:
    """SSR-parser."""
    with pytest.raises(Refused):
        vet_url(url)
    with pytest.raises(Refused):
        fetcher(site)[0].fetch(url)
    assert Site.hits == []


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/bomb", "larger than 1 MB"),
        ("/endless", "larger than 1 MB"),
        ("/slow", "took longer|broke off"),
        ("/broken", "compression is broken"),
        ("/headers", "no answer"),
        ("/exe", "not a document"),
        ("/status403", "says 403"),
        ("/status500", "says 500"),
    ],
)
def test_answers_are_bounded(site: int, path: str, why: str) -> None:
    """SSR-response: caps on decompressed bytes and on wall time, one clear reason an address."""
    started = time.monotonic()
    with pytest.raises(FetchFailed, match=why):
        fetcher(site)[0].fetch(f"http://example.org{path}")
    assert Site.hits == [path] and time.monotonic() - started < 6


def catalog(count: int) -> list[Origin]:
    about = {"title": "T", "publisher": "P", "language": "en", "kind": "news"}
    return [Origin(f"origin-{n}", f"http://example.org/page?{n % 50}#{n}", "", about) for n in range(count)]


def test_a_large_catalog_asks_each_address_once(site: int, tmp_path: Path) -> None:
    """SSR-catalog: duplicates but for their fragment are one request; failures are named one by one."""
    bad = [Origin("gone", "http://example.org/status404", "", {}), Origin("secret", "http://u:pw@example.org/", "", {}),
           Origin("nowhere", None, "", {})]  # fmt: skip
    outcomes = {o.id: o for o in Originals(tmp_path, fetcher(site, max_seconds=30)[0]).fetch([*catalog(500), *bad])}
    assert len(Site.hits) == 51 and sum(o.state == "fetched" for o in outcomes.values()) == 500
    assert (outcomes["gone"].state, outcomes["nowhere"].state) == ("failed", "no address")
    written = "".join(p.read_text("utf-8") for p in tmp_path.iterdir() if p.suffix in (".json", ".toml"))
    assert "pw" not in written and "name or password" in (outcomes["secret"].reason or "")


def test_a_failing_address_keeps_its_last_good_copy_with_its_day(site: int, tmp_path: Path) -> None:
    first = Originals(tmp_path, fetcher(site)[0], lambda: datetime.date(2026, 1, 1))
    assert [o.state for o in first.fetch(catalog(1))] == ["fetched"]
    assert [o.state for o in first.fetch(catalog(1))] == ["unchanged"]
    Site.gone = True
    later = Originals(tmp_path, fetcher(site)[0], lambda: datetime.date(2026, 2, 2))
    [outcome] = later.fetch(catalog(1))
    assert (outcome.state, outcome.kept) == ("kept", "2026-01-01") and "404" in (outcome.reason or "")
    assert (tmp_path / "origin-0.html").read_bytes() == PAGE
    assert 'retrieved = "2026-01-01"' in (tmp_path / "origin-0.html.toml").read_text("utf-8")
    assert later.log()["origin-0"]["tried"] == "2026-02-02"


@pytest.mark.parametrize("entry", ['id = ""', 'id = "../x"', 'id = "a"\n[[origin]]\nid = "a"', "id ="])
def test_a_bad_catalog_is_refused(tmp_path: Path, entry: str) -> None:
    (tmp_path / "catalog.toml").write_text(f"[[origin]]\n{entry}\n", "utf-8")
    with pytest.raises(ConfigurationError):
        read_catalog((tmp_path,))
