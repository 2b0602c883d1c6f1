#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proves what each kind of the lab's routers does: mapping and filtering in the sense of RFC 4787."""

import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lab import KINDS, Lab, Node, Router, tap  # noqa: E402
from lab.sites import SITES, Site  # noqa: E402

PORT = 51820
SECOND = 5.0  # for a packet that must come


def receive(sock: socket.socket) -> tuple[bytes, tuple[str, int]]:
    sock.settimeout(SECOND)
    data, sender = sock.recvfrom(100)
    return data, sender[:2]


def nothing_comes(sock: socket.socket, timeout: float = 0.2) -> bool:
    sock.settimeout(timeout)
    try:
        sock.recvfrom(100)
    except TimeoutError:
        return True
    return False


class Probe:
    """A client behind a router and two servers with two ports each."""

    def __init__(self, lab: Lab, kind: str, **options: bool):
        self.router: Router = lab.router("router", kind, **options)
        self.inside: Node = lab.host("inside", nm=False, behind=self.router)
        self.near, self.far = lab.host("near", nm=False), lab.host("far", nm=False)
        for server in (self.near, self.far):  # address requests would mix the order of first packets
            assert server.ping(self.router.address()) is not None
            assert self.inside.ping(server.address()) is not None
        self.client = self.inside.udp(PORT)
        self.near_1, self.near_2, self.far_1 = self.near.udp(1001), self.near.udp(1002), self.far.udp(1001)

    def mapping(self, node: Node, server: socket.socket, client: socket.socket | None = None) -> tuple[str, int]:
        """The external endpoint that a server sees of the client."""
        (client or self.client).sendto(b"hello", (node.address(), server.getsockname()[1]))
        return receive(server)[1]

    def gets_in(self, server: socket.socket, external: tuple[str, int]) -> bool:
        """Whether a packet of server reaches the client; known is a server whose packets do."""
        server.sendto(b"probe", external)
        self.near_1.sendto(b"known", external)
        data = receive(self.client)[0]
        if data == b"probe":
            assert receive(self.client)[0] == b"known"
        return data == b"probe"


def behaviour(kind: str) -> dict[str, bool]:
    with Lab() as lab:
        probe = Probe(lab, kind)
        first = probe.mapping(probe.near, probe.near_1)
        assert first[0] == probe.router.address()
        # filtering, before the client has talked to anyone else
        found = {
            "same address, other port gets in": probe.gets_in(probe.near_2, first),
            "other address gets in": probe.gets_in(probe.far_1, first),
        }
        # ... and what got in can be answered, from the same external endpoint
        if found["other address gets in"]:
            assert probe.mapping(probe.far, probe.far_1) == first
        found |= {
            "port is preserved": first[1] == PORT,
            "same mapping to other port": probe.mapping(probe.near, probe.near_2) == first,
            "same mapping to other address": probe.mapping(probe.far, probe.far_1) == first,
            "same mapping again": probe.mapping(probe.near, probe.near_1) == first,
        }
        if not found["same mapping to other address"]:
            assert probe.mapping(probe.far, probe.far_1) != probe.mapping(probe.near, probe.near_2)
        for key, value in found.items():
            tap.comment(f"{key}: {'yes' if value else 'no'}")
        return found


def expect(kind: str, preserved: bool, endpoint_independent: bool, other_port: bool, other_address: bool) -> None:
    assert behaviour(kind) == {
        "same address, other port gets in": other_port,
        "other address gets in": other_address,
        "port is preserved": preserved,
        "same mapping to other port": endpoint_independent,
        "same mapping to other address": endpoint_independent,
        "same mapping again": True,
    }


@tap.test
def endpoint_independent() -> None:
    expect("endpoint-independent", True, True, other_port=True, other_address=True)


@tap.test
def address_restricted() -> None:
    expect("address-restricted", True, True, other_port=True, other_address=False)


@tap.test
def port_restricted() -> None:
    expect("port-restricted", True, True, other_port=False, other_address=False)


@tap.test
def port_shifting() -> None:
    expect("port-shifting", False, True, other_port=False, other_address=False)


@tap.test
def symmetric() -> None:
    expect("symmetric", False, False, other_port=False, other_address=False)


@tap.test
def a_restricted_router_lets_in_whom_the_client_talked_to() -> None:
    for kind in ("address-restricted", "port-restricted", "port-shifting"):
        with Lab() as lab:
            probe = Probe(lab, kind)
            external = probe.mapping(probe.near, probe.near_1)
            assert not probe.gets_in(probe.far_1, external)
            assert probe.mapping(probe.far, probe.far_1) == external, kind
            assert probe.gets_in(probe.far_1, external), kind


@tap.test
def two_hosts_with_one_source_port_are_kept_apart() -> None:
    for kind in KINDS:
        with Lab() as lab:
            probe = Probe(lab, kind)
            other = lab.host("other", nm=False, behind=probe.router).udp(PORT)
            one = probe.mapping(probe.near, probe.near_1)
            two = probe.mapping(probe.near, probe.near_1, other)
            assert one != two, kind
            if kind in ("endpoint-independent", "port-shifting"):
                assert probe.mapping(probe.far, probe.far_1, other) == two
                assert probe.mapping(probe.far, probe.far_1) == one
            probe.near_1.sendto(b"one", one)
            probe.near_1.sendto(b"two", two)
            assert receive(probe.client)[0] == b"one" and receive(other)[0] == b"two", kind


@tap.test
def a_short_ttl_ends_between_the_routers() -> None:
    """Past one's own router, not to the other one (SCOPE_PUNCH_TTL); the way there has three hops."""
    with Lab() as lab:
        one, other = lab.router("one", "port-restricted"), lab.router("other", "port-restricted", wan_filter=False)
        inside = lab.host("inside", nm=False, behind=one)
        lab.up()
        between = other.links[0].segment.net4[1]
        for ttl, where in ((1, one.lan.net4[1]), (2, between), (3, other.address())):
            out = inside.run(["ping", "-n", "-c", "1", "-W", "5", "-t", str(ttl), other.address()], check=False).stdout
            assert f"rom {where}" in out, out


@tap.test
def an_early_packet_costs_the_mapping_only_without_wan_filter() -> None:
    for wan_filter in (True, False):
        with Lab() as lab:
            probe = Probe(lab, "port-restricted", wan_filter=wan_filter)
            probe.near_1.sendto(b"early", (probe.router.address(), PORT))
            assert nothing_comes(probe.client)
            assert (probe.mapping(probe.near, probe.near_1)[1] == PORT) == wan_filter


@tap.test
def ipv6_is_not_translated_but_filtered() -> None:
    with Lab() as lab:
        router = lab.router("router", "endpoint-independent")
        inside, outside = lab.host("inside", nm=False, behind=router), lab.host("outside", nm=False)
        assert inside.ping(outside.address(6)) is not None
        client, server = inside.udp(PORT, 6), outside.udp(1001, 6)
        server.sendto(b"unasked", (inside.address(6), PORT))
        assert nothing_comes(client)
        client.sendto(b"hello", (outside.address(6), 1001))
        assert receive(server)[1] == (inside.address(6), PORT)
        server.sendto(b"answer", (inside.address(6), PORT))
        assert receive(client)[0] == b"answer"


@tap.test
def udp_can_be_blocked() -> None:
    with Lab() as lab:
        probe = Probe(lab, "endpoint-independent")
        external = probe.mapping(probe.near, probe.near_1)
        probe.router.block_udp()
        probe.client.sendto(b"hello", (probe.near.address(), 1001))
        assert nothing_comes(probe.near_1)
        probe.near_1.sendto(b"hello", external)
        assert nothing_comes(probe.client)
        with probe.near.network():
            listener = socket.create_server(("", 443))
        with probe.inside.network():
            socket.create_connection((probe.near.address(), 443), SECOND).close()
        listener.close()
        probe.router.block_udp(False)
        assert probe.mapping(probe.near, probe.near_1) == external


@tap.test
def rebind_gives_other_ports() -> None:
    for kind in KINDS:
        with Lab() as lab:
            probe = Probe(lab, kind)
            seen = [probe.mapping(probe.near, probe.near_1)]
            for _ in range(2):
                probe.router.rebind()
                probe.near_1.sendto(b"late", seen[-1])
                assert nothing_comes(probe.client), kind
                assert probe.router.address() == seen[0][0]
                seen.append(probe.mapping(probe.near, probe.near_1))
                # What the kind promises holds for the new mapping, too.
                assert (probe.mapping(probe.far, probe.far_1) == seen[-1]) == (kind != "symmetric"), kind
                assert probe.gets_in(probe.near_2, seen[-1]) == (kind in ("endpoint-independent", "address-restricted")), kind
            assert len(set(seen)) == 3, f"{kind}: {seen}"
            tap.comment(f"{kind}: ports {[port for _, port in seen]}")


@tap.test
def a_hairpin_is_there_only_when_asked_for() -> None:
    for kind, hairpin in (("endpoint-independent", False), ("endpoint-independent", True), ("port-shifting", True)):
        with Lab() as lab:
            probe = Probe(lab, kind, hairpin=hairpin)
            other = lab.host("other", nm=False, behind=probe.router).udp(PORT)
            one, two = probe.mapping(probe.near, probe.near_1), probe.mapping(probe.near, probe.near_1, other)
            probe.client.sendto(b"round", two)
            if not hairpin:
                assert nothing_comes(other), kind
                continue
            assert receive(other) == (b"round", one), kind  # by the external addresses, both ways
            other.sendto(b"back", one)
            assert receive(probe.client) == (b"back", two), kind


@tap.test
def every_site_is_what_it_says() -> None:
    """Two hosts of each, at the same place: which UDP gets through to whom, from outside and between them."""
    with Lab() as lab:
        server = lab.host("server", nm=False)
        ports = {4: (server.udp(1001), server.udp(1002)), 6: (server.udp(1001, 6), server.udp(1002, 6))}
        for kind in SITES:
            site = Site(lab, kind)
            hosts = [lab.host(f"{kind}-{n}", nm=False, **site.place(n)) for n in range(2)]
            families = {family for family in (4, 6) if hosts[0].links[0].ipv4 and family == 4 or hosts[0].links[0].ipv6 and family == 6}
            assert families == ({6} if kind == "public-v6" else {4}), f"{kind}: {families}"
            [family] = families
            client = hosts[0].udp(PORT, family)
            asked, other = ports[family]
            client.sendto(b"hello", (server.address(family), 1001))
            if kind == "udp-blocked":
                assert nothing_comes(asked)
                continue
            seen = receive(asked)[1]
            own = (hosts[0].address(family), PORT)
            assert (seen == own) == kind.startswith("public"), f"{kind}: {seen}"
            other.sendto(b"unasked", seen)
            expected = kind.startswith("public") or SITES[kind].kind in ("endpoint-independent", "address-restricted")
            expected &= kind != "double"
            assert nothing_comes(client) != expected, kind
            client.sendto(b"hello", (server.address(family), 1002))
            # Without a WAN filter the unasked packet has taken the port: an early packet costs the mapping.
            assert (receive(other)[1] == seen) == (SITES[kind].kind != "symmetric" and SITES[kind].wan_filter), kind
            # Behind one router, LAN to LAN; all others have a router each.
            one_lan = hosts[0].links[0].segment is hosts[1].links[0].segment and not kind.startswith("public")
            assert one_lan == SITES[kind].one_lan, kind
            tap.comment(f"{kind}: seen as {seen[0]}:{seen[1]}")


@tap.test
def a_router_behind_a_router() -> None:
    with Lab() as lab:
        carrier = lab.router("carrier", "endpoint-independent")
        home = lab.router("home", "symmetric", behind=carrier)
        inside, server = lab.host("inside", nm=False, behind=home), lab.host("server", nm=False)
        client, port = inside.udp(PORT), server.udp(1001)
        client.sendto(b"hello", (server.address(), 1001))
        assert receive(port)[1][0] == carrier.address()
        assert inside.ping(server.address())
        assert inside.links[0].ipv6 is None


if __name__ == "__main__":
    tap.main()
