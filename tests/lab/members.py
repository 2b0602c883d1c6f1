# SPDX-License-Identifier: GPL-3.0-or-later
"""Many members of a network in one process (tests/bench/members), WireGuard being a double, and a network that has them."""

import json
import subprocess

from .mesh import BUILD
from .network import Network

MEMBERS = BUILD / "tests/bench/members"


def listed() -> list[list[str]]:
    """Key and fingerprint of each member that there may be."""
    return [line.split() for line in subprocess.check_output([MEMBERS, "--list", "400"], text=True).splitlines()]


class Members:
    """A process with members, on a light host of the lab."""

    def __init__(self, network: Network, host, pq: str = "required") -> None:
        self.directory = host.dir / "state"  # on a disk: keys are written to one
        self.directory.mkdir(exist_ok=True)
        self.process = host.popen([MEMBERS, self.directory, network.url, network.name, network.fingerprint, pq],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=open(host.dir / "members.log", "a"),
                                  text=True)  # fmt: skip

    def say(self, command: str) -> None:
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def hear(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("members ended")
        return json.loads(line)

    def join(self, number: int, expected: int) -> dict:
        self.say(f"start {number} {expected}")
        return self.hear()

    def usage(self) -> dict:
        self.say("usage")
        return self.hear()

    def end(self) -> None:
        self.process.stdin.close()
        self.process.wait(20)


def network(lab, name: str, admission: tuple[str, ...] = (), **entry) -> Network:
    """One that all of these members may join, and who `admission` lets in besides."""
    made = Network(lab, name, ("10.77.0.0/16", "fd77::/64"), host=lab.host(f"registry-{name}", nm=False))
    members = {"admission": ["listed", *admission], "listed": {key: {} for key, _ in listed()}, **entry}
    limits = {"connectionsPerAddress": 0, "requestsPerMinute": 0}  # all come from one address
    made.start({"limits": limits}, members)
    return made
