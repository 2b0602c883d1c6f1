# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a laptop may be: on the internet, behind one of the kinds of NAT, where UDP does not pass, behind two NATs.

    site = Site(lab, "symmetric")
    one, other = (lab.host(name, **site.place(n)) for n, name in enumerate("ab"))

What they have by way of addresses is what the matrix of pairs is about: IPv6 only at `public-v6`, and there no IPv4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .nat import Router

if TYPE_CHECKING:
    from .lab import Lab


@dataclass(frozen=True)
class Kind:
    kind: str | None  #: of the router that decides, one of nat.KINDS; None: no NAT
    one_lan: bool = False  #: both hosts of the site are behind one router, otherwise each has its own
    wan_filter: bool = True
    hairpin: bool = False
    carrier: str | None = None  #: kind of a second router between the first one and the internet


SITES = {
    "public-v4": Kind(None),
    "public-v6": Kind(None),
    "endpoint-independent": Kind("endpoint-independent"),
    "address-restricted": Kind("address-restricted"),
    "port-restricted": Kind("port-restricted"),
    "port-shifting": Kind("port-shifting"),
    "no-wan-filter": Kind("port-restricted", wan_filter=False),
    "symmetric": Kind("symmetric"),
    "udp-blocked": Kind("port-restricted"),
    "double": Kind("port-restricted", carrier="endpoint-independent"),
    "hairpin": Kind("endpoint-independent", one_lan=True, hairpin=True),
    "no-hairpin": Kind("port-restricted", one_lan=True),
}
"""`double` is a home router behind a carrier's, each customer with an address of the carrier's own; its worse layer counts."""


class Site:
    """A kind's routers, made when somebody is put there."""

    def __init__(self, lab: Lab, kind: str) -> None:
        self.lab, self.name, self.kind = lab, kind, SITES[kind]
        self.routers: dict[int, Router] = {}

    def router(self, number: int) -> Router | None:
        """The router of the site's host of that number."""
        if not self.kind.kind:
            return None
        number = 0 if self.kind.one_lan else number
        if number not in self.routers:
            name = f"{self.name}-r{number}"
            carrier = self.lab.router(f"{name}-carrier", self.kind.carrier) if self.kind.carrier else None
            router = self.lab.router(name, self.kind.kind, behind=carrier, wan_filter=self.kind.wan_filter, hairpin=self.kind.hairpin)
            if self.name == "udp-blocked":
                router.block_udp()
            self.routers[number] = router
        return self.routers[number]

    def place(self, number: int) -> dict[str, Any]:
        """Arguments for Lab.host()."""
        v6 = self.name == "public-v6"
        return {"behind": self.router(number), "ipv6": v6, "ipv4": not v6}
