# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes over TCP between two nodes, by sockets of the test itself."""

import socket
import threading
import time
from typing import Any


def transfer(source: Any, destination: Any, address: str, size: int = 1 << 20, timeout: float = 20) -> float:
    """Send `size` bytes from one node to an address of another; returns seconds, or raises TimeoutError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with destination.network():
        listener = socket.create_server((address, 0), family=family)
    with source.network():
        sender = socket.socket(family, socket.SOCK_STREAM)
    for sock in (listener, sender):
        sock.settimeout(timeout)
    start = time.monotonic()
    errors: list[Exception] = []

    def send() -> None:
        try:
            sender.connect((address, listener.getsockname()[1]))
            sender.sendall(bytes(size))
            sender.shutdown(socket.SHUT_WR)
        except OSError as error:
            errors.append(error)

    with listener, sender:
        thread = threading.Thread(target=send)
        thread.start()
        got = 0
        try:
            receiver, _ = listener.accept()
            with receiver:
                receiver.settimeout(timeout)
                while data := receiver.recv(1 << 16):
                    got += len(data)
        finally:
            thread.join()
    assert not errors and got == size, f"{got} of {size} bytes, {errors}"
    return time.monotonic() - start
