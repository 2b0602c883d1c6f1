# SPDX-License-Identifier: GPL-3.0-or-later
"""From `nmcli connection up` to the first answered ping; bench-up and bench-paths.

    scene = First(lab)
    scene.cold()["ping"], scene.cached()["ping"]
"""

import itertools
import re
import time

from .lab import Lab
from .network import Member, Network
from .node import wait_for

_turns = itertools.count()


def first_answers(edge, destinations: dict[str, str], profile: str) -> dict[str, float]:
    """Activate while a ping every 10 ms runs to each destination; seconds until nmcli returns and until the first answers."""
    turn = next(_turns)
    pings = {name: edge.host.popen(["ping", "-n", "-D", "-i", "0.01", address], log=f"ping-{name}-{turn}.log")
             for name, address in destinations.items()}  # fmt: skip
    time.sleep(0.3)
    start = time.time()
    edge.host.nmcli("connection", "up", profile)
    active = time.time() - start

    def first(name: str) -> float | None:
        found = re.search(r"^\[([0-9.]+)\].*time=", pings[name].log.read_text(), re.M)
        return float(found[1]) - start if found else None

    result = {"active": active}
    for name in pings:
        result[name] = wait_for(f"an answer of {name}", lambda: first(name), 20)
        pings[name].kill()
    return result


class First:
    """A newcomer who comes up again and again, and one that is there, for each policy of `pq`."""

    def __init__(self, lab: Lab, policies: tuple[str, ...] = ("required",)) -> None:
        self.network = Network(lab)
        self.newcomer = self.network.member("newcomer")
        self.there = {pq: self.network.member(f"there-{pq}") for pq in policies}
        self.network.start()
        for pq, member in self.there.items():
            self.network.join(member, pq=pq)

    def cold(self, pq: str = "required") -> dict[str, float]:
        """A first join, with a new profile: NetworkManager makes it a new member, with keys that nobody has seen."""
        newcomer, network = self.newcomer, self.network
        if newcomer.profile:
            newcomer.host.nmcli("connection", "delete", network.name)
            (network.dir / f"{newcomer.host.name}.scope").unlink()
        network.accept(newcomer, network.invite(newcomer), pq=pq)
        return self._come(self.there[pq])

    def cached(self, pq: str = "required") -> dict[str, float]:
        """Again after cold(), with the roster that it has kept."""
        return self._come(self.there[pq])

    def _come(self, other: Member) -> dict[str, float]:
        found = first_answers(self.newcomer, {"ping": other.ip4}, self.network.name)
        time.sleep(1)  # in use, as a key that is saved is
        self.network.down(self.newcomer)
        self.newcomer.gone()
        return found
