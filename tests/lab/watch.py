# SPDX-License-Identifier: GPL-3.0-or-later
"""Pings from one host to many, each answer with its time and with how many routers it passed.

    with Watch(a.host, {"b": b.ip4, "c": c.ip4}) as watch:
        network.up(a)
        watch.until(lambda stream: stream.direct, 5)
    watch["b"].first, watch["b"].direct

An answer leaves with a TTL of 64, and each relay on its way takes one: so 64 is a direct path, 63 one relay, 62 two.
What a host says about its paths is not needed for that.
"""

from __future__ import annotations

import select
import socket
import struct
import threading
import time
from typing import Callable

_TIME = struct.Struct("@qq")  #: struct timespec
_HEAD = struct.Struct("!BBHHHI")  #: type, code, checksum, identifier, sequence; our number
_SO_TIMESTAMPNS = 35  # socket(7); Python has no name for it
_IP_RECVTTL = 12
_TTL = 64


class Stream:
    """The pings to one address. Times are those of time.time(), s."""

    def __init__(self, name: str, address: str) -> None:
        self.name, self.address = name, address
        self.sent_at: list[float] = []
        self.answers: list[tuple[float, int, int]] = []  #: when, number of the ping, how many relays were on its way back
        self.due = 0.0

    @property
    def first(self) -> float | None:
        """When the first answer came."""
        return self.answers[0][0] if self.answers else None

    @property
    def direct(self) -> float | None:
        """When the first answer came that no relay had passed on."""
        return next((at for at, _, relays in self.answers if relays == 0), None)

    @property
    def relays(self) -> int | None:
        """How many relays were on the way of the last answer."""
        return self.answers[-1][2] if self.answers else None

    def switches(self, since: float = 0) -> int:
        """How often the number of relays was another one than before."""
        seen = [relays for at, _, relays in self.answers if at >= since]
        return sum(one != other for one, other in zip(seen, seen[1:]))

    def outages(self, since: float, until: float, within: float = 1, hiccup: float = 0) -> list[tuple[float, float | None]]:
        """Times in which pings were not answered `within` s, from the first such one to the first that is again; None: never.

        Only pings that were sent between `since` and `until` count. What is shorter than `hiccup` s is left out.
        """
        answered: dict[int, float] = {}
        for at, number, _ in self.answers:
            answered.setdefault(number, at)
        found: list[tuple[float, float | None]] = []
        began = last = None
        for number, sent in enumerate(self.sent_at):
            if not since <= sent < until:
                continue
            if number not in answered or answered[number] - sent > within:
                began = sent if began is None else began
                last = sent
            elif began is not None:
                found += [(began, sent)] if last - began >= hiccup else []
                began = None
        if began is not None and last - began >= hiccup:
            found.append((began, None))
        return found

    def steady(self, since: float, until: float, within: float = 1, hiccup: float = 0) -> float | None:
        """When the first ping was sent after which there is no outage; None: there is one at the end, or no ping."""
        if not any(since <= sent < until for sent in self.sent_at):
            return None
        outages = self.outages(since, until, within, hiccup)
        return outages[-1][1] if outages else next(sent for sent in self.sent_at if sent >= since)

    def gap(self, since: float, until: float) -> float:
        """The longest time without an answer between two times, s."""
        times = [since, *sorted(at for at, _, _ in self.answers if since < at < until), until]
        return max(after - before for before, after in zip(times, times[1:]))

    def held(self, since: float, until: float) -> float:
        """The longest time between two pings sent, s: beyond the interval it is the machine that was busy, not the network."""
        times = [at for at in self.sent_at if since <= at < until]
        return max((after - before for before, after in zip(times, times[1:])), default=until - since)

    def lost(self, since: float, until: float) -> int:
        answered = {number for _, number, _ in self.answers}
        return sum(since <= at < until and number not in answered for number, at in enumerate(self.sent_at))


class Watch:
    """Pings IPv4 addresses in the background, each every `interval` s; what is `enough` only every `idle` s."""

    def __init__(self, node, addresses: dict[str, str], interval: float = 0.025, idle: float = 1) -> None:
        self.streams = {name: Stream(name, address) for name, address in addresses.items()}
        self.interval, self.idle = interval, idle
        self._enough: Callable[[Stream], object] = lambda stream: False
        self._order = list(self.streams.values())
        with node.network():
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(socket.IPPROTO_IP, _IP_RECVTTL, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._socket.setblocking(False)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __getitem__(self, name: str) -> Stream:
        return self.streams[name]

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()
        self._socket.close()

    def until(self, enough: Callable[[Stream], object], timeout: float) -> bool:
        """Wait until `enough` holds for all; those for which it does are pinged only now and then."""
        self._enough = enough
        deadline = time.monotonic() + timeout
        while not all(enough(stream) for stream in self._order):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def _run(self) -> None:
        for number, stream in enumerate(self._order):  # not all in one burst
            stream.due = time.monotonic() + number * self.interval / len(self._order)
        while not self._ending.is_set():
            now = time.monotonic()
            for stream in self._order:
                if stream.due <= now:
                    self._send(stream)
                    stream.due = max(stream.due + (self.idle if self._enough(stream) else self.interval), now)
            self._collect(min(min((stream.due for stream in self._order), default=now + 0.1), now + 0.1))

    def _send(self, stream: Stream) -> None:
        number = len(stream.sent_at)
        stream.sent_at.append(time.time())
        try:
            head = _HEAD.pack(8, 0, 0, 0, number & 0xFFFF, number)
            self._socket.sendto(head + struct.pack("!H", self._order.index(stream)), (stream.address, 0))
        except OSError:  # no way there now: lost
            pass

    def _collect(self, until: float) -> None:
        while (left := until - time.monotonic()) > 0 and select.select([self._socket], [], [], left)[0]:
            try:
                data, ancillary, _, _ = self._socket.recvmsg(256, 128)
            except OSError:
                continue
            if len(data) != _HEAD.size + 2 or data[0] != 0:
                continue
            found = {(level, kind): value for level, kind, value in ancillary}
            seconds, nanoseconds = _TIME.unpack(found[socket.SOL_SOCKET, _SO_TIMESTAMPNS])
            [ttl] = struct.unpack("@i", found[socket.IPPROTO_IP, socket.IP_TTL])
            stream = self._order[struct.unpack_from("!H", data, _HEAD.size)[0]]
            stream.answers.append((seconds + nanoseconds / 1e9, _HEAD.unpack_from(data)[5], _TTL - ttl))
