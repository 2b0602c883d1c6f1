# SPDX-License-Identifier: GPL-3.0-or-later
"""Pings from a node by the kernel's ping sockets: many at a time, without a process for each."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from typing import Iterator

_KINDS = ((socket.AF_INET, socket.IPPROTO_ICMP, 8, 0), (socket.AF_INET6, socket.IPPROTO_ICMPV6, 128, 129))


class Pinger:
    """Sends echo requests from a node, and tells what came back."""

    def __init__(self, node):
        with node.network():
            self.sockets = [socket.socket(family, socket.SOCK_DGRAM, protocol) for family, protocol, _, _ in _KINDS]
        for sock in self.sockets:
            sock.setblocking(False)

    def send(self, address: str) -> None:
        """Ping an address once. Where there is no way, there will be no answer."""
        version = int(":" in address)
        # the kernel fills in identifier and checksum; the time of sending comes back in the answer
        request = struct.pack("!BBHHHd", _KINDS[version][2], 0, 0, 0, 1, time.perf_counter())
        with contextlib.suppress(OSError):
            self.sockets[version].sendto(request, (address, 0))

    def answers(self, since: float = 0) -> Iterator[tuple[str, float]]:
        """Address and round trip in ms of each answer to a ping sent `since` (time.perf_counter())."""
        for sock, (_, _, _, reply) in zip(self.sockets, _KINDS):
            with contextlib.suppress(OSError):
                while True:
                    data, sender = sock.recvfrom(2048)
                    if len(data) == 16 and data[0] == reply and (sent := struct.unpack_from("!d", data, 8)[0]) >= since:
                        yield sender[0], 1000 * (time.perf_counter() - sent)

    def close(self) -> None:
        for sock in self.sockets:
            sock.close()
