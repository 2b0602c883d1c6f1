# SPDX-License-Identifier: GPL-3.0-or-later
"""Many pings a second from one host to another, each of them counted.

    with Flood(a.host, b.ip4) as flood:
        member.rotate()
    assert flood.lost == 0, flood

By the kernel's ping sockets: iputils' ping does not manage 200 a second on every kernel.
"""

from __future__ import annotations

import select
import socket
import struct
import threading
import time

_TIME = struct.Struct("@qq")  #: struct timespec
_HEAD = struct.Struct("!BBHHHI")  #: type, code, checksum, identifier, sequence; our number
_SO_TIMESTAMPNS = 35  # socket(7); Python has no name for it


class Flood:
    """Pings an IPv4 address in the background, `rate` times a second; what came back is there after stop()."""

    def __init__(self, node, address: str, rate: int = 200, patience: float = 2) -> None:
        self.address, self.rate, self.patience = address, rate, patience
        self.sent_at: list[float] = []  #: time.time() of each ping
        self.answered_at: dict[int, float] = {}  #: by number of the ping, as the kernel saw it
        with node.network():
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._socket.setblocking(False)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Flood:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Send no more, and wait for the answers that are still on their way."""
        self._ending.set()
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        due = time.monotonic()
        while not self._ending.is_set():
            self._send()
            due = max(due + 1 / self.rate, time.monotonic() - 0.1)
            self._collect(due)
        end = time.monotonic() + self.patience
        while len(self.answered_at) < len(self.sent_at) and time.monotonic() < end:
            self._collect(min(end, time.monotonic() + 0.1))

    def _send(self) -> None:
        number = len(self.sent_at)
        self.sent_at.append(time.time())
        try:
            self._socket.sendto(_HEAD.pack(8, 0, 0, 0, number & 0xFFFF, number), (self.address, 0))
        except OSError:  # no way there now: lost
            pass

    def _collect(self, until: float) -> None:
        while (left := until - time.monotonic()) > 0 and select.select([self._socket], [], [], left)[0]:
            try:
                data, ancillary, _, _ = self._socket.recvmsg(256, 64)
            except OSError:
                continue
            if len(data) == _HEAD.size and data[0] == 0:
                seconds, nanoseconds = _TIME.unpack(ancillary[0][2])
                self.answered_at.setdefault(_HEAD.unpack(data)[5], seconds + nanoseconds / 1e9)

    @property
    def sent(self) -> int:
        return len(self.sent_at)

    @property
    def lost(self) -> int:
        return self.sent - len(self.answered_at)

    @property
    def seconds(self) -> float:
        return self.sent_at[-1] - self.sent_at[0] if self.sent > 1 else 0.0

    @property
    def gap(self) -> float:
        """The longest time without an answer, in seconds; from the first ping to the last one."""
        times = sorted([self.sent_at[0], *(t for t in self.answered_at.values() if t < self.sent_at[-1]), self.sent_at[-1]])
        return max((after - before for before, after in zip(times, times[1:])), default=0.0)

    def lost_at(self) -> list[float]:
        """When each ping without an answer was sent, in seconds since the first."""
        return [round(t - self.sent_at[0], 3) for n, t in enumerate(self.sent_at) if n not in self.answered_at]

    def __str__(self) -> str:
        rate = self.sent / self.seconds if self.seconds else 0
        return (f"{self.sent} pings in {self.seconds:.1f} s ({rate:.0f}/s), {self.lost} lost,"
                f" longest time without an answer {self.gap * 1000:.0f} ms")  # fmt: skip
