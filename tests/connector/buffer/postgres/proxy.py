"""A network between client and server that dies at a given moment."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class Proxy:
    """Passes on what clients and the server at `port` say to each other, until it is to cut.

    `cut_before` ends the connection in which a client says such words, before the server hears
    them; `cut_after` once the server has heard them and answers, before the client hears that. Each
    happens so many times. Connections are refused while `is_down`.
    """

    def __init__(self, port: int) -> None:
        self._server = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.cut_before: dict[bytes, int] = {}
        self.cut_after: dict[bytes, int] = {}
        self.is_down = False
        self.cuts = 0
        self._open: list[socket.socket] = []

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._listener.close()
        self.cut_all()

    def cut_all(self) -> None:
        """Ends all connections."""
        for one in self._open:
            _end(one)
        self._open.clear()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.is_down:
                    client.close()
                    continue
                server = socket.create_connection(("127.0.0.1", self._server))
                self._open += [client, server]
                heard = threading.Event()
                for target in (self._pass_on, self._pass_back):
                    threading.Thread(target=target, args=(client, server, heard)).start()

    def _pass_on(
        self, client: socket.socket, server: socket.socket, heard: threading.Event
    ) -> None:
        with suppress(OSError):
            while said := client.recv(65536):
                if _is_due(self.cut_before, said):
                    break
                if _is_due(self.cut_after, said):
                    heard.set()
                server.sendall(said)
        self._end(client, server)

    def _pass_back(
        self, client: socket.socket, server: socket.socket, heard: threading.Event
    ) -> None:
        with suppress(OSError):
            while said := server.recv(65536):
                if heard.is_set():
                    break
                client.sendall(said)
        self._end(client, server)

    def _end(self, *sockets: socket.socket) -> None:
        self.cuts += 1
        for one in sockets:
            _end(one)


def _is_due(words: dict[bytes, int], said: bytes) -> bool:
    for word, times in words.items():
        if word in said and times:
            words[word] = times - 1
            return True
    return False


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
