"""A web server with TLS whose one file misbehaves as told."""

from __future__ import annotations

import ipaddress
import re
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "files.example"


@dataclass
class Web:
    """What the server serves, and how."""

    port: int = 0
    content: bytes = b""
    etag: str = '"one"'
    modified: str = ""
    ranges: bool = True
    status: int = 200
    redirects: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    shrinks_to: int | None = None  # when it is cut
    drips: str = ""  # headers or body: one byte at a time
    surplus: int = 0  # bytes that are sent beyond what is declared
    connections: int = 0  # that are open
    asked: list[str] = field(default_factory=list)
    tls: ssl.SSLContext | None = None


def handler(web: Web) -> type[BaseHTTPRequestHandler]:  # noqa: C901 - a class with its methods
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_args: object) -> None:
            pass

        def handle(self) -> None:
            web.connections += 1
            with suppress(OSError):
                super().handle()
            web.connections -= 1

        def do_GET(self) -> None:
            web.asked.append(f"{self.headers['host']}{self.path} {self.headers.get('range', '')}")
            if self.path in web.redirects:
                return self.answer(302, b"", location=web.redirects[self.path])
            if web.status != 200:
                return self.answer(web.status, b"no")
            return self.part(re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("range", "")))

        def part(self, match: re.Match[str] | None) -> None:
            if not match or not web.ranges:
                return self.answer(200, web.content)
            first, size = int(match[1]), len(web.content)
            last = min(int(match[2] or size - 1), size - 1)
            if first >= size:
                return self.answer(416, b"")
            content_range = f"bytes {first}-{last}/{size}"
            if web.surplus and not match[2]:  # a body that ends with the connection
                self.close_connection = True
                more = web.content + bytes(web.surplus)
                return self.answer(206, more[first:], content_length="", content_range=content_range)
            return self.answer(206, web.content[first : last + 1], content_range=content_range)

        def answer(self, status: int, body: bytes, **headers: str) -> None:
            self.send_response(status)
            validators = {"etag": web.etag, "last-modified": web.modified}
            said = {"content_length": str(len(body)), **validators, **headers}
            for name, value in said.items():
                if value:
                    self.send_header(name.replace("_", "-"), value)
            if web.drips == "headers":
                self.flush_headers()
                for number in range(50):
                    self.wfile.write(b"X-Slow-%d: 1\r\n" % number)
                    time.sleep(0.1)
            self.end_headers()
            if web.drips == "body":
                for number in range(len(body)):
                    self.wfile.write(body[number : number + 1])
                    time.sleep(0.1)
                return
            if web.cut_after is not None and len(body) > web.cut_after:
                self.wfile.write(body[: web.cut_after])
                self.wfile.flush()
                self.close_connection = True
                web.content = web.content[: web.shrinks_to]
                return
            self.wfile.write(body)

    return Handler


@contextmanager
def web_serving(folder: Path) -> Iterator[Web]:
    web = Web()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(web))
    server.daemon_threads = True
    certificate, key = _certificate(folder)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate, key)
    server.socket = serving.wrap_socket(server.socket, server_side=True)
    web.port, web.tls = server.server_port, ssl.create_default_context(cafile=str(certificate))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield web
    finally:
        server.shutdown()
        server.server_close()


def _certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(HOST), x509.IPAddress(ipaddress.ip_address("10.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return paths
