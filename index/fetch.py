"""The one guarded HTTP client: fetches public documents and nothing else.

Every address a name resolves to is vetted before connecting, and the connection goes to the vetted address itself, so
neither a redirect nor a second look-up can lead inside. Bytes are counted after decompression, time by the wall clock.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

from index.errors import UnreadableSource

MAX_BYTES = 20 << 20
MAX_SECONDS = 30.0
MAX_REDIRECTS = 5
# What a document may be, and the suffix its copy gets.
TYPES = {
    "text/html": ".html", "application/xhtml+xml": ".html", "text/plain": ".txt", "text/markdown": ".md",
    "application/pdf": ".pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx"}  # fmt: skip

_BROKEN = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException)

_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")  # all that is allocated; not NAT64, site-local, "compatible"

Resolver = Callable[[str, int], list[str]]
"""Host and port to IP addresses, as text."""


class Refused(UnreadableSource):
    """The address may not be fetched, whatever answers there."""


class FetchFailed(UnreadableSource):
    """The address could not be fetched this time."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document as it came: the address it was finally found at, its suffix and its bytes."""

    url: str
    suffix: str
    content: bytes


def resolve(host: str, port: int) -> list[str]:
    """The addresses of `host` by the system's resolver. Raises FetchFailed when it has none."""
    try:
        return list(dict.fromkeys(str(a[4][0]) for a in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
    except (OSError, UnicodeError) as error:
        raise FetchFailed(f"the name {host} cannot be resolved") from error


def is_public(address: str) -> bool:
    """Whether `address` is a public unicast address, also inside an IPv6 form of an IPv4 address.

    >>> is_public("93.184.216.34"), is_public("127.0.0.1"), is_public("::ffff:10.0.0.1"), is_public("64:ff9b::7f00:1")
    (True, False, False, False)
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is not None:
            return is_public(str(inner))
        if ip not in _GLOBAL_UNICAST:
            return False
    return ip.is_global and not ip.is_multicast


class _TimedStream(httpcore.NetworkStream):
    """Ends at a deadline, however slowly the other side drips: a time-out for each read would never end."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, timeout), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def _left(self, timeout: float | None) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("deadline")
        return min(left, timeout if timeout is not None else left)


class _GuardedBackend(httpcore.NetworkBackend):
    """Connects to vetted addresses only; `connect` opens the socket to one of them."""

    def __init__(self, resolver: Resolver, vet: Callable[[str], bool], connect: httpcore.NetworkBackend) -> None:
        self._resolver, self._vet, self._connect = resolver, vet, connect
        self.deadline = 0.0

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:  # fmt: skip
        addresses = self._resolver(host, port)
        if not addresses or not all(map(self._vet, addresses)):
            raise Refused(f"{host} leads to an address that is not public")
        stream = self._connect.connect_tcp(addresses[0], port, timeout, local_address, socket_options)
        return _TimedStream(stream, self.deadline)

    def connect_unix_socket(self, *_: object, **__: object) -> httpcore.NetworkStream:
        raise Refused("a socket in the file system is no public address")

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class _GuardedTransport(httpx.BaseTransport):
    """httpx over a pool that uses the guarded backend; no proxy, no environment."""

    def __init__(self, backend: httpcore.NetworkBackend) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl.create_default_context(), network_backend=backend, max_keepalive_connections=0
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; errors of the pool become httpx's own."""
        url = httpcore.URL(scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port,
                           target=request.url.raw_path)  # fmt: skip
        sent = httpcore.Request(request.method, url, headers=request.headers.raw, extensions=request.extensions)
        try:
            response = self._pool.handle_request(sent)
        except (*_BROKEN, ssl.SSLError, OSError) as error:
            raise FetchFailed(f"no answer ({type(error).__name__})") from error
        return httpx.Response(response.status, headers=response.headers, stream=_Stream(response))

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()


class _Stream(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._response.iter_stream()
        except _BROKEN as error:
            raise FetchFailed(f"the answer broke off ({type(error).__name__})") from error

    def close(self) -> None:
        self._response.close()


class Fetcher:
    """Fetches one document at a time. Tests give it a resolver, and a rule for what is public, of their own."""

    def __init__(
        self, resolver: Resolver = resolve, vet: Callable[[str], bool] = is_public, max_bytes: int = MAX_BYTES,
        max_seconds: float = MAX_SECONDS, backend: httpcore.NetworkBackend | None = None,
    ) -> None:  # fmt: skip
        self._max_bytes, self._max_seconds = max_bytes, max_seconds
        self._backend = _GuardedBackend(resolver, vet, backend or httpcore.SyncBackend())
        self._transport = _GuardedTransport(self._backend)

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def fetch(self, url: str) -> Fetched:
        """The document at `url`, after at most MAX_REDIRECTS redirects, each vetted like the first address.

        Raises Refused or FetchFailed, with a reason that holds no credentials."""
        deadline = self._backend.deadline = time.monotonic() + self._max_seconds
        seen: set[str] = set()
        for _ in range(MAX_REDIRECTS + 1):
            target = vet_url(url)
            if str(target) in seen:
                raise FetchFailed("its redirects go in a circle")
            seen.add(str(target))
            with self._get(target, deadline) as response:
                if response.is_redirect:
                    url = str(target.join(response.headers["location"]))
                    continue
                return Fetched(str(target), _suffix(response), self._read(response, deadline))
        raise FetchFailed(f"more than {MAX_REDIRECTS} redirects")

    @contextmanager
    def _get(self, url: httpx.URL, deadline: float) -> Iterator[httpx.Response]:
        left = max(0.1, deadline - time.monotonic())
        limits = dict.fromkeys(("connect", "read", "write", "pool"), min(10.0, left))
        request = httpx.Request("GET", url, extensions={"timeout": limits}, headers={
            "User-Agent": "union-state-assistant", "Accept": ", ".join(TYPES), "Accept-Encoding": "gzip"})  # fmt: skip
        response = self._transport.handle_request(request)
        response.request = request
        try:
            yield response
        finally:
            response.close()

    def _read(self, response: httpx.Response, deadline: float) -> bytes:
        if response.status_code != 200:
            raise FetchFailed(f"the server says {response.status_code}")
        content = bytearray()
        try:
            for piece in response.iter_bytes():
                content += piece
                if len(content) > self._max_bytes:
                    raise FetchFailed(f"larger than {self._max_bytes >> 20} MB")
                if time.monotonic() > deadline:
                    raise FetchFailed(f"took longer than {self._max_seconds:g} s")
        except httpx.DecodingError as error:
            raise FetchFailed("its compression is broken") from error
        return bytes(content)


def vet_url(url: str) -> httpx.URL:
    """The parsed address. Raises Refused unless it is plain http or https to a named or public host."""
    if any(c.isspace() or not c.isprintable() or c == "\\" for c in url):
        raise Refused("the address holds white space, a backslash or control characters")
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        raise Refused("the address cannot be parsed") from error
    if parsed.scheme not in ("http", "https"):
        raise Refused(f"the scheme {parsed.scheme or 'of nothing'!r} is neither http nor https")
    if parsed.userinfo:
        raise Refused("the address holds a user name or password")
    if not parsed.host or parsed.port not in (None, 80, 443, 8080, 8443):
        raise Refused("the address has no host or an unusual port")
    return parsed.copy_with(fragment=None)


def _suffix(response: httpx.Response) -> str:
    if response.status_code != 200:
        return ""
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in TYPES:
        raise FetchFailed(f"it is {kind or 'of no stated type'}, not a document")
    return TYPES[kind]
