"""The farm's servers on loopback: pages, the same under TLS, one that is mute, one that is not."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from tests.farm.case import BEGINNING, Case, Check, Clock, Stall
from tests.farm.door import Door
from tests.http_site import HttpSite, Seen

_DAYS = "3650"


class Farm:
    """All servers, running while the block lasts. `port` 0 takes any."""

    def __init__(self, port: int = 0) -> None:
        self.site = HttpSite(port=port)
        self.tls: HttpSite | None = None
        #: Hosts that are not served by `site`: host → address:port.
        self.places: dict[str, str] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Farm:
        self._stack.enter_context(self.site)
        self._mute = self._stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        with socket.create_server(("127.0.0.1", 0)) as gone:
            self._closed_port = gone.getsockname()[1]
        certificate = _certificate(self._stack)
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.tls = self._stack.enter_context(HttpSite(tls=context))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def hosts(self) -> dict[str, str]:
        """Return the value of `address_guard.hosts` under which all cases can be asked."""
        return self.site.hosts("*.example") | self.places

    def requests(self) -> list[Seen]:
        """Return what all servers were asked, each in its order."""
        return self.site.asked() + (self.tls.asked() if self.tls else [])

    def place_of(self, kind: str) -> str:
        """Return address:port of a server.

        `tls`, `either` (with and without TLS), `mute` (never answers) or `closed` (nobody listens).
        """
        if kind in ("tls", "either"):
            if self.tls is None:
                raise FileNotFoundError("the command openssl is needed to make a certificate")
            if kind == "either":
                door = Door(plain_port=self.site.port, tls_port=self.tls.port)
                return f"127.0.0.1:{self._stack.enter_context(door).port}"
            return f"127.0.0.1:{self.tls.port}"
        port = self._mute.getsockname()[1] if kind == "mute" else self._closed_port
        return f"127.0.0.1:{port}"

    def set_up(
        self, case: Case, clock: Callable[[], datetime] | None = None
    ) -> tuple[Stall, Check]:
        """Open a case's stall and return it and what must happen there."""
        stall = Stall(self, case.number, clock or Clock(BEGINNING))
        return stall, case.set_up(stall)


def _certificate(stack: ExitStack) -> Path | None:
    """Return a file with a key and a certificate that nobody vouches for; None without openssl."""
    openssl = shutil.which("openssl")
    if openssl is None:
        return None
    path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "farm.pem"
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", _DAYS, "-subj", "/CN=farm.example", "-keyout", str(path)]
    command += ["-out", f"{path}.crt", "-addext", "subjectAltName=DNS:*.example"]
    subprocess.run(command, check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + Path(f"{path}.crt").read_bytes())
    return path
