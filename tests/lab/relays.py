# SPDX-License-Identifier: GPL-3.0-or-later
"""Two who can only talk over relays, and what may happen to relays; tests/system/test-failover and bench-paths.

    with Relayed() as scene:
        found = scene.measure("silent")
        scene.renew()
        again = scene.measure("silent")
"""

import math
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable, Iterable, NamedTuple

from . import tap
from .mesh import EMULATED, scope_lab
from .network import Member, Network
from .node import CommandFailed, wait_for
from .watch import Stream, Watch

ROUND_TRIP_MS = 20
SLOWED_MS = 400
INTERVAL = 0.02
HICCUP = 0.3 if EMULATED else 0.1
"""Shorter than this is the machine's doing, not the network's: seconds. All from SAID on is said."""
SAID = 0.1
GOOD = 0.3
"""Answers within this many seconds are traffic: nothing that does not take the slowed link needs longer."""
OBSERVED = 10 if EMULATED else 8
COMES_UP = 120 if EMULATED else 15
SETTLED = 6
"""Seconds after which an edge has chosen among relays (SETTLE_MS in src/path/scope-path-attach.c). It does by round trips of when it came:
who fails within this time may be chosen yet, and then there is a second outage. That is not what is measured here.
"""

FAILURES = {
    "killed": "primary relay's machine switched off",
    "silent": "primary relay's packets silently dropped",
    "slowed": f"primary relay's link slowed from {ROUND_TRIP_MS} to {SLOWED_MS} ms",
    "no registry": "primary relay's packets silently dropped, with the registry gone",
    "master only": "both relays' packets silently dropped: the master is left",
}


class Found(NamedTuple):
    """Of one failure, in seconds. `held` is how long the machine itself, busy with something else, sent no ping at worst."""

    recovered: float
    gap: float
    held: float


NEVER = Found(float("inf"), float("inf"), float("inf"))


class Relayed:
    """Edges a and b behind a symmetric NAT each, relays r1 and r2, and a master, which is the farthest."""

    def __init__(self) -> None:
        self.lab = scope_lab(delay_ms=ROUND_TRIP_MS)
        try:
            self._make()
        except BaseException:
            self.lab.keep_logs = True
            self.lab.close()
            raise

    def _make(self) -> None:
        self.network = Network(self.lab)
        self.a, self.b = [self.network.member(name, behind=self.lab.router(f"home-{name}", "symmetric"), ipv6=False)
                          for name in "ab"]  # fmt: skip
        self.relays = [self.network.member(name, ipv6=False) for name in ("r1", "r2")]
        self.master = self.network.member("master", ipv6=False)
        self.network.start()
        self._distances()
        for relay in self.relays:
            self.network.relay(relay)
        self.network.relay(self.master, "master")
        for member in (self.a, self.b):
            self.network.join(member)
        self._began = time.time()

    def __enter__(self) -> "Relayed":
        return self

    def __exit__(self, *exception: object) -> None:
        self.lab.keep_logs |= exception[0] is not None or os.environ.get("LAB_KEEP") == "1"
        self.lab.__exit__(*exception)

    def renew(self) -> None:
        """Undo what happened, and begin anew: the registry and all services are started again.

        So nothing is left of it that the next failure could meet, such as a path that is held down.
        """
        registry = self.network.registry
        registry.kill()
        registry.wait()
        for relay in self.relays:
            if not relay.host.is_on:
                relay.host.switch_on()
            elif relay.host.links[0].is_cut:
                relay.host.plug()
        self._distances()
        each((*self.relays, self.master, self.a, self.b), self._down)
        self.network.registry = self.lab.registry(self.network.host, self.network.config)
        each((*self.relays, self.master), self.network.up)
        each((self.a, self.b), self.network.up)
        self._began = time.time()

    def _distances(self) -> None:
        """So that it is clear who is first, and that who is slowed is then the last."""
        for relay, more in ((self.relays[0], 0), (self.relays[1], 20), (self.master, 50)):
            relay.host.slow(ROUND_TRIP_MS + more)

    def _down(self, member: Member) -> None:
        if self.network.name in member.host.active():
            self.network.down(member)

    def primary(self) -> Member:
        """The relay that a is attached to; b's may be another one."""
        key = self.a.status()["attachment"]
        return next(member for member in (*self.relays, self.master) if member.public == key)

    def measure(self, failure: str) -> Found:
        """Let it happen while a pings b every 20 ms: how long until all is answered in time again, and the longest gap.

        Infinite when that is not within OBSERVED seconds.
        """
        with Words(self.network.members) as words, Watch(self.a.host, {"b": self.b.ip4}, INTERVAL) as watch:
            stream = watch["b"]
            started = time.time()

            def flows() -> bool:
                steady = stream.steady(started, time.time() - GOOD, GOOD)
                return bool(steady) and time.time() - steady > 1.5

            time.sleep(max(0, self._began + SETTLED - time.time()))
            wait_for("traffic between a and b", flows, COMES_UP)
            assert stream.relays in (1, 2), f"a and b talk over {stream.relays} relays: nothing to fail over from"
            primary = self.primary()
            assert primary is not self.master, "the master is the last resort, and was the first"
            if failure == "no registry":
                self.network.registry.kill()
                self.network.registry.wait()
                started = time.time()
                wait_for("traffic without the registry", flows, COMES_UP)
                assert self.primary() is primary, "the registry went, and another relay came"
            act, before = self._acts()[failure], stream.relays
            at = time.time()
            act(primary)
            time.sleep(OBSERVED)
        end = at + OBSERVED - GOOD
        steady = stream.steady(at, end, GOOD, HICCUP)
        tap.comment(f"{failure}: {primary.host.name} was a's relay, {before} on the way before, {stream.relays} after; "
                    f"no traffic {spoken(stream.outages(at, end, GOOD, SAID), at)}")  # fmt: skip
        recovered = steady - at if steady and end - steady > 1 else float("inf")
        found = Found(recovered, stream.gap(at, end), stream.held(at, end))
        words.keep(f"{failure}-{at:.0f}-{recovered:.2f}", at, stream)
        return found

    def _acts(self) -> dict[str, Callable[[Member], None]]:
        def both(primary: Member) -> None:
            for relay in self.relays:
                relay.host.cut()

        return {
            "killed": lambda primary: primary.host.switch_off(),
            "silent": lambda primary: primary.host.cut(),
            "slowed": lambda primary: primary.host.slow(SLOWED_MS),
            "no registry": lambda primary: primary.host.cut(),
            "master only": both,
        }


def spoken(outages: list[tuple[float, float | None]], since: float) -> str:
    """Outages in words, in seconds after a time."""
    return ", ".join(f"from {begin - since:.2f} to {f'{end - since:.2f} s' if end else 'the end'}" for begin, end in outages)


def each(members: Iterable[Member], act: Callable[[Member], object]) -> None:
    """Do it for all of them at the same time."""
    with ThreadPoolExecutor() as pool:
        for _ in pool.map(act, members):
            pass


class Words:
    """What the services of these members say meanwhile, and when: kept with SCOPE_LOGS=DIRECTORY in the environment."""

    def __init__(self, members: Iterable[Member]) -> None:
        self._logs = {member: open(member.host.log, encoding="utf-8", errors="replace") for member in members}
        self._said: list[tuple[float, str, str]] = []
        self._directory = os.environ.get("SCOPE_LOGS")
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Words":
        for log in self._logs.values():
            log.seek(0, os.SEEK_END)
        if self._directory:
            self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ending.set()
        if self._directory:
            self._thread.join()
        for log in self._logs.values():
            log.close()

    def _run(self) -> None:
        while not self._ending.wait(0.05):
            for member, log in self._logs.items():
                self._said += [(time.time(), member.host.name, line) for line in log if "nm-scope[" in line]

    def keep(self, name: str, at: float, stream: Stream) -> None:
        """In a file of this name, with the pings that were late or lost; times are those since `at`."""
        if self._directory:
            keys = "".join(f"{member.host.name}: {member.public}\n" for member in self._logs)
            said = "".join(f"{when - at:6.2f} {who:6} {line}" for when, who, line in self._said)
            Path(self._directory).mkdir(parents=True, exist_ok=True)
            answered = {number: when for when, number, _ in stream.answers}
            pings = "".join(f"{sent - at:6.2f} ping   {answered.get(number, math.inf) - sent:.2f} s\n"
                            for number, sent in enumerate(stream.sent_at)
                            if sent > at and answered.get(number, math.inf) - sent > GOOD)  # fmt: skip
            Path(self._directory, f"{name.replace(' ', '-')}.log").write_text(keys + said + pings)


def again(failure: str, times: int) -> list[Found]:
    """Measure so many times. When a scene does not come as far as the failure, that counts as never recovered; why is said."""
    found: list[Found] = []
    scene: Relayed | None = None
    for _ in range(times):
        try:
            if scene:
                scene.renew()
            else:
                scene = Relayed()
            found.append(scene.measure(failure))
        except (TimeoutError, AssertionError, CommandFailed) as error:
            tap.comment(f"{failure}: {str(error).splitlines()[0]}")
            found.append(NEVER)
            if scene:
                scene.lab.keep_logs = True
                scene.lab.close()
            scene = None
    if scene:
        scene.__exit__(None, None, None)
    return found
