# SPDX-License-Identifier: GPL-3.0-or-later
"""A laptop that moves, and how long its traffic needs after its link is up; tests/system/test-roaming and bench-paths.

    with Roaming() as scene:
        seconds = scene.measure("swap")

The laptop pings another member through the network and, beside it, the same host on the internet: what is measured is how
much later than the internet the network is back.
"""

import os
import time
from typing import Callable

from . import tap
from .mesh import EMULATED, scope_lab
from .network import Member, Network
from .node import CommandFailed, wait_for
from .watch import Stream, Watch

ROUND_TRIP_MS = 40
INTERVAL = 0.02
HICCUP = 0.1  #: seconds; what is shorter is the machine's doing, not the network's
GOOD = 0.5
HELD = 0.3  #: seconds without a ping being sent: then it is said that the machine was busy
OBSERVED = 10 if EMULATED else 6
DIRECT = 20 if EMULATED else 5  #: seconds that a direct path is given to come
COMES_UP = 120 if EMULATED else 20

MOVES = {
    "swap": "the link goes down, then another comes up",
    "address": "another address on the same link",
    "rebind": "the router forgets its mappings and gives other ports",
    "suspend": "asleep, and awake again",
}


def relays_seen(stream: Stream, since: float) -> str:
    """How many relays were on the way, each when it was another number than before."""
    seen = [relays for at, _, relays in stream.answers if at >= since]
    return ", ".join(str(now) for now, last in zip(seen, [None, *seen]) if now != last) or "no answer"


class Roaming:
    """A laptop with a link behind a router and another on the internet; an office behind a router; a relay.

    Both routers are port-restricted: who roams there must tell, since the other end's router lets no other port in.
    `sleepers` are more laptops, each behind a router of its own, that can sleep at the same time.
    """

    def __init__(self, sleepers: int = 0) -> None:
        self.lab = scope_lab(delay_ms=ROUND_TRIP_MS)
        try:
            self._make(sleepers)
        except BaseException:
            self.lab.keep_logs = True
            self.lab.close()
            raise

    def _make(self, sleepers: int) -> None:
        self.network = Network(self.lab)
        self.home = self.lab.router("home", "port-restricted")
        self.office = self.lab.router("office", "port-restricted")
        self.relay = self.network.member("relay", ipv6=False)
        self.laptop = self.network.member("laptop", behind=[self.home, None], ipv6=False)
        self.other = self.network.member("other", behind=self.office, ipv6=False)
        self.outside = self.lab.host("outside", nm=False)
        self.sleepers = [self.network.member(f"laptop{n}", behind=self.lab.router(f"home{n}", "port-restricted"), ipv6=False)
                         for n in range(sleepers)]  # fmt: skip
        self.network.start()
        self.network.relay(self.relay)
        self.laptop.host.nmcli("connection", "down", "eth1")
        for member in (self.other, self.laptop, *self.sleepers):
            self.network.join(member)
        self._moves = 0

    def __enter__(self) -> "Roaming":
        return self

    def __exit__(self, *exception: object) -> None:
        self.lab.keep_logs |= exception[0] is not None or os.environ.get("LAB_KEEP") == "1"
        self.lab.__exit__(*exception)

    def measure(self, move: str) -> float:
        """Seconds from the internet is back to the network is back; infinite when not within OBSERVED.

        Infinite, too, when the move before has left no traffic behind that could be disturbed.
        """
        self._moves += 1
        if move == "rebind":  # the router is on the first link
            self._swap_to("eth0")
        try:
            return self._measure(self.laptop, getattr(self, f"_{move}"))
        except (TimeoutError, CommandFailed) as error:
            tap.comment(f"{move}: {str(error).splitlines()[0]}")
            return float("inf")

    def suspend(self, seconds: float, clock: float = 0) -> list[float]:
        """All sleepers sleep for at least so long, then wake one after the other: the same of each of them.

        Meanwhile the machine's clock is set forward by `clock` seconds, if at all; then there is no logind that announces
        anything: that there was sleep can only be seen from the clock. Everybody else sees it jump, too.
        """
        for member in self.sleepers:
            self._flows(member)
            if not clock:
                member.host.logind()
        for member in self.sleepers:
            if clock:
                member.host.freeze()
            else:
                member.host.sleep()
        time.sleep(seconds / 2)
        if clock:
            time.clock_settime(time.CLOCK_REALTIME, time.time() + clock)
        time.sleep(seconds / 2)
        return [self._measure(member, member.host.thaw if clock else member.host.wake, flows=False) for member in self.sleepers]

    def _watch(self, member: Member) -> Watch:
        return Watch(member.host, {"inside": self.other.ip4, "outside": self.outside.address(4)}, INTERVAL)

    def _flows(self, member: Member) -> None:
        with self._watch(member) as watch:
            self._until_flows(watch)

    @staticmethod
    def _until_flows(watch: Watch) -> None:
        started = time.time()

        def flows() -> bool:
            since = [stream.steady(started, time.time() - GOOD, GOOD) for stream in watch.streams.values()]
            return all(since) and time.time() - max(since) > 2

        wait_for("traffic, inside and outside", flows, COMES_UP, 0.05)
        # A direct path is the harder case. Whether there is one is not asked here: tests/system/test-nat does that.
        deadline = time.monotonic() + DIRECT
        while watch["inside"].relays != 0 and time.monotonic() < deadline:
            time.sleep(0.05)

    def _measure(self, member: Member, move: Callable[[], None], flows: bool = True) -> float:
        with self._watch(member) as watch:
            if flows:
                self._until_flows(watch)
            before, at = watch["inside"].relays, time.time()
            move()
            moved = time.time()
            time.sleep(OBSERVED)
        end = moved + OBSERVED - GOOD
        # The link's own outage may be as short as a hiccup; it is the first one, and begins with the move.
        own = [outage for outage in watch["outside"].outages(at, end, GOOD) if outage[0] < moved + 0.2]
        outside = own[0][1] if own else at
        held = watch["inside"].held(moved, end)
        inside = watch["inside"].steady(at, end, GOOD, HICCUP)
        assert outside and end - outside > 1, "the link itself did not come back: nothing was measured"
        seconds = max(0.0, inside - outside) if inside and end - inside > 1 else float("inf")
        tap.comment(f"the link was back after {outside - at:.2f} s, the network {seconds:.2f} s later; relays on the way: "
                    f"{before} before, then {relays_seen(watch['inside'], at)}"
                    f"{f'; the machine was busy and sent no ping for up to {held:.2f} s' if held > HELD else ''}")  # fmt: skip
        return seconds

    # --- what happens

    def _swap_to(self, link: str) -> None:
        if link not in self.laptop.host.active():
            self.laptop.host.switch_link(link, gap=True)

    def _swap(self) -> None:
        """Down with the one, then up with the other, to and fro."""
        self._swap_to("eth1" if "eth0" in self.laptop.host.active() else "eth0")

    def _address(self) -> None:
        """As DHCP does when a lease is not renewed: the old address is gone, the link stays up."""
        [name] = self.laptop.host.active() & {"eth0", "eth1"}
        net = self.laptop.host.link(name).segment.net4
        address = net[100 + self._moves]
        self.laptop.host.nmcli("connection", "modify", name, "ipv4.addresses", f"{address}/{net.prefixlen}")
        self.laptop.host.nmcli("device", "reapply", name)

    def _rebind(self) -> None:
        self.home.rebind()
