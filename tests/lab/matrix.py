# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts at every kind of place, two of each, one relay; tests/system/test-nat and bench-paths.

They come up one after the other, and each newcomer pings all who are there. Direct or not is seen by the TTL of answers,
which each relay lowers.
"""

import re
import time
from itertools import combinations_with_replacement
from typing import Iterable

from . import tap
from .mesh import EMULATED, scope_lab
from .network import Network
from .sites import SITES, Site
from .watch import Watch

ROUND_TRIP_MS = 40
PATIENCE = 30 if EMULATED else 8  #: s until a pair is what it can be; later is never


def expected(one: str, other: str, same_site: bool = False) -> tuple[bool, str]:
    """Whether two hosts at places of these kinds can talk directly, and why."""
    kinds = [SITES[one], SITES[other]]
    nats = [kind.kind for kind in kinds]
    if same_site and kinds[0].one_lan:
        return True, "one LAN"
    if (one == "public-v6") != (other == "public-v6"):
        return False, "no address family in common"
    if "udp-blocked" in (one, other):
        return False, "UDP is blocked: over a WebSocket to the relay"
    if None in nats:
        return True, "one has no NAT, and the other may begin"
    # Two NATs: each end must send first to what the other's NAT shows outside. What a symmetric one shows to a
    # new peer nobody knows before; so the other end must be one that lets in any port of a known address.
    # `double` counts as the stricter of its two, the home router.
    symmetric = nats.count("symmetric")
    if symmetric == 2:
        return False, "nobody's port is known"
    if symmetric == 1 and nats[nats.index("symmetric") - 1] in ("port-restricted", "port-shifting"):
        return False, "the port behind the symmetric NAT is not known, and no other one gets in"
    return True, "both mappings are known, or one does not need the port"


class Place:
    def __init__(self, kind: str, number: int, member) -> None:
        self.kind, self.number, self.member, self.name = kind, number, member, member.host.name


class Pair:
    """What was seen of two hosts; times in s, None: never."""

    def __init__(self, newcomer: Place, other: Place) -> None:
        self.places = (newcomer, other)
        self.name = f"{newcomer.name} × {other.name}"
        self.direct, self.why = expected(newcomer.kind, other.kind, newcomer.kind == other.kind)
        self.first: float | None = None  #: from both are up
        self.to_direct: float | None = None  #: from both know of each other
        self.relays: int | None = None

    @property
    def seen(self) -> str:
        return {None: "nothing", 0: "direct", 1: "relayed"}.get(self.relays, f"{self.relays} relays")


class Matrix:
    """All hosts, up; what happened while they came is in `pairs`."""

    def __init__(self, kinds: Iterable[str] = SITES) -> None:
        self.kinds = list(kinds)
        self.lab = scope_lab(delay_ms=ROUND_TRIP_MS)
        tap.on_failure.remove(self.lab.report)  # of two dozen hosts: nobody reads that
        self.network = Network(self.lab)
        self.relay = self.network.member("relay")
        self.places: list[Place] = []
        sites = {kind: Site(self.lab, kind) for kind in self.kinds}
        for number in range(2):  # so that kinds meet in both orders
            for kind in self.kinds if number == 0 else self.kinds[::-1]:
                member = self.network.member(f"{kind}-{number}", **sites[kind].place(number))
                self.places.append(Place(kind, number, member))
        start = time.monotonic()
        self.network.start()
        self.network.relay(self.relay)
        for number, place in enumerate(self.places, 1):
            self.network.accept(place.member, self.network.invite(place.member))
            place.member.ip4 = f"10.77.0.{number}"  # the registry gives addresses away in the order of invites used
        tap.comment(f"{len(self.places)} hosts are ready after {time.monotonic() - start:.0f} s")
        self.pairs: dict[tuple[str, str], Pair] = {}
        self.to_relay: list[float | None] = []
        for number, place in enumerate(self.places):
            self.come(place, self.places[:number])

    def come(self, newcomer: Place, others: list[Place]) -> None:
        """Bring one up, while it pings all who are there."""
        member = newcomer.member
        pairs = {other.name: Pair(newcomer, other) for other in others}
        addresses = {other.name: other.member.ip4 for other in others} | {"relay": self.relay.ip4}
        with Watch(member.host, addresses) as watch:
            start, address = time.time(), member.ip4
            self.network.up(member)
            active = time.time()
            assert member.ip4 == address, f"{newcomer.name} has {member.ip4}"
            watch.until(lambda stream: stream.direct if stream.name in pairs and pairs[stream.name].direct else stream.first,
                        PATIENCE)  # fmt: skip
        # The roster is there before the interface is, and others hear of us before we have the roster.
        made = [float(at) for at in re.findall(r"\[([0-9.]+)\] manager: \(home\): new", member.host.log.read_text())]
        known = min([at for at in made if at >= start], default=active)
        for name, pair in pairs.items():
            stream = watch[name]
            pair.relays = stream.relays
            pair.first = None if stream.first is None else max(0.0, stream.first - active)
            pair.to_direct = None if stream.direct is None else stream.direct - known
            self.pairs[newcomer.name, name] = pair
        first = watch["relay"].first
        self.to_relay.append(None if first is None else max(0.0, first - active))
        tap.comment(f"{newcomer.name}: activated in {active - start:.2f} s, interface after {known - start:.2f} s, "
                    f"{sum(pair.first is not None for pair in pairs.values())} of {len(pairs)} answer, "
                    f"{sum(pair.relays == 0 for pair in pairs.values())} directly "
                    f"(of {sum(pair.direct for pair in pairs.values())} that can), "
                    f"the relay after {ms(self.to_relay[-1])} ms")  # fmt: skip

    def of(self, one: str, other: str) -> list[Pair]:
        return [pair for pair in self.pairs.values() if {one, other} == {place.kind for place in pair.places}]

    def table(self) -> None:
        """One line for each pair of kinds, with its worst hosts' times."""
        tap.comment("")
        tap.comment("| place | place | expected | seen | first ping, ms | direct, ms |")
        tap.comment("| --- | --- | --- | --- | --- | --- |")
        for one, other in combinations_with_replacement(self.kinds, 2):
            pairs = self.of(one, other)
            if not pairs:
                continue
            seen = {pair.seen for pair in pairs}
            tap.comment(f"| {one} | {other} | {'direct' if pairs[0].direct else 'relayed'} | {', '.join(sorted(seen))} | "
                        f"{ms(worst(pair.first for pair in pairs))} | "
                        f"{ms(worst(pair.to_direct for pair in pairs)) if pairs[0].direct else ''} |")  # fmt: skip
        tap.comment("")


def worst(times) -> float | None:
    times = list(times)
    return None if None in times else max(times)


def ms(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds * 1000:.0f}"
