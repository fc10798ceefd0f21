"""One port for a site with and without TLS: the first byte tells which server is meant."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading

_TLS_HANDSHAKE = b"\x16"
_TIMEOUT_SECONDS = 30.0


class Door:
    """Hands each connection on to one of two servers, while the block lasts."""

    def __init__(self, *, plain_port: int, tls_port: int) -> None:
        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                self.request.settimeout(_TIMEOUT_SECONDS)
                first = self.request.recv(1, socket.MSG_PEEK)
                port = tls_port if first == _TLS_HANDSHAKE else plain_port
                with socket.create_connection(("127.0.0.1", port), _TIMEOUT_SECONDS) as inner:
                    back = threading.Thread(target=_pass_on, args=(inner, self.request))
                    back.start()
                    _pass_on(self.request, inner)
                    back.join()

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def __enter__(self) -> Door:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(64 * 1024):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
