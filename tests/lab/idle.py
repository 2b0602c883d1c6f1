# SPDX-License-Identifier: GPL-3.0-or-later
"""A service with many peers while nothing flows, and what it costs; tests/bench/bench-paths.

Some peers are hosts that answer; the others are real members in one process (tests/bench/members) without WireGuard and without raw
sockets: no link to them ever comes up, so all that is tried in vain is there, too.
"""

import os
import re
import subprocess
import time
from pathlib import Path
from typing import Any

from . import tap
from .lab import Lab
from .members import Members, network
from .node import wait_for

PROGRAMS = ("nm-scope-service", "wireguard-go")


def switches(pid: int) -> int:
    """Wake-ups so far: voluntary context switches of all threads of a process."""
    return sum(int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", (task / "status").read_text(), re.M)[1])
               for task in Path(f"/proc/{pid}/task").iterdir())  # fmt: skip


def cpu(pid: int) -> float:
    """User and system time of a process so far, s; by the scheduler's clock, since ticks of 10 ms are too coarse here."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir()) / 1e9


class Idle:
    """`peers` peers of one host, of which `answering` answer."""

    def __init__(self, lab: Lab, peers: int, answering: int) -> None:
        self.lab, self.peers = lab, peers
        silent = peers - answering
        host = lab.host("members", nm=False)
        made = network(lab, "home", ("token",))
        start = time.monotonic()
        self.members = Members(made, host, "off")
        for number in range(silent):
            self.members.join(number, number)
        answerers = [made.member(f"m{number}") for number in range(answering)]
        self.one = made.member("one")
        for member in (*answerers, self.one):
            made.join(member, pq="off")
        wait_for("all peers", lambda: len(self.one.tunnel("home")) == peers, 60)
        for member in answerers:
            assert self.one.host.ping(member.ip4, 20) is not None, f"{member.host.name} does not answer"
        tap.comment(f"{peers} peers, {answering} of whom answer, are there after {time.monotonic() - start:.0f} s")

    def pids(self) -> dict[str, int]:
        found = {}
        for pid in self.one.host.processes():
            name = os.path.basename(Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")[0])
            if name in PROGRAMS:
                found[name] = pid
        return found

    def measure(self, seconds: float) -> dict[str, Any]:
        """Wake-ups and CPU (s) of each program of PROGRAMS, bytes in the tunnel, and memory of the service (MB)."""
        pids = self.pids()

        def look() -> dict[str, list[float]]:
            found = {name: [switches(pid), cpu(pid)] for name, pid in pids.items()}
            return found | {"bytes": [sum(int(peer["rx"]) + int(peer["tx"]) for peer in self.one.tunnel("home").values())]}

        mark, before = len(self.one.log().splitlines()), look()
        time.sleep(seconds)
        after = look()
        found: dict[str, Any] = {name: [now - then for now, then in zip(after[name], before[name])] for name in before}
        rss = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pids['nm-scope-service']}/status").read_text())[1]
        said: dict[str, int] = {}
        for line in self.one.log().splitlines()[mark:]:
            words = re.sub(r"[A-Za-z0-9+/]{8}\b|\d+", "…", re.sub(r"^.*?> ", "", line))
            said[words] = said.get(words, 0) + 1
        tap.comment(f"what the service said meanwhile: {said}")
        return found | {"rss": int(rss) / 1024}

    def trace(self, seconds: int, file: str) -> None:
        """What wakes the service, into a file (strace)."""
        subprocess.run(["timeout", str(seconds), "strace", "-f", "-tt", "-o", file, "-p", str(self.pids()["nm-scope-service"])],
                       stderr=subprocess.DEVNULL)  # fmt: skip

    def end(self) -> None:
        self.members.end()
