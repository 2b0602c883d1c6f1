# SPDX-License-Identifier: GPL-3.0-or-later
"""Segments (bridges with addresses) and routers with the kinds of NAT (RFC 4787, RFC 3489)."""

from __future__ import annotations

import ipaddress
import re
import socket
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from .node import Link, Node

if TYPE_CHECKING:
    from .lab import Lab

#: kind: full cone, restricted cone, port-restricted cone, the same with another external port, and symmetric
KINDS = ("endpoint-independent", "address-restricted", "port-restricted", "port-shifting", "symmetric")

# Linux itself maps per destination. To map per source, remember the external port of each
# internal endpoint (after source NAT has chosen it, hence the late `learn` chain) and use it
# again for the next destination. `taken` keeps two internal hosts with one source port apart.
# A flow that was let in answers in conntrack's reply direction, hence the second rule there.
_LEARNING = """
table ip nat {{
    map external {{ type ipv4_addr . inet_service : inet_service; flags dynamic,timeout; timeout {memory}s; size 65535; }}
    map internal {{ type inet_service : ipv4_addr . inet_service; flags dynamic,timeout; timeout {memory}s; size 65535; }}
    set taken {{ type inet_service; flags dynamic,timeout; timeout {memory}s; size 65535; }}
    set peers {{ type inet_service . ipv4_addr; flags dynamic,timeout; timeout {memory}s; size 65535; }}
    chain prerouting {{
        type nat hook prerouting priority dstnat
        {unasked}
        {hairpin_in}
    }}
    chain postrouting {{
        type nat hook postrouting priority srcnat
        oifname "wan" meta l4proto udp snat ip to {wan} : ip saddr . udp sport map @external
        {first}
        oifname "wan" masquerade
        {hairpin_out}
    }}
    chain learn {{
        type filter hook postrouting priority srcnat + 10
        oifname "wan" meta l4proto udp update @taken {{ udp sport }} update @peers {{ udp sport . ip daddr }}
        oifname "wan" meta l4proto udp ct direction original \
            update @external {{ ct original ip saddr . ct original proto-src : udp sport }} \
            update @internal {{ udp sport : ct original ip saddr . ct original proto-src }}
        oifname "wan" meta l4proto udp ct direction reply \
            update @external {{ ct reply ip saddr . ct reply proto-src : udp sport }} \
            update @internal {{ udp sport : ct reply ip saddr . ct reply proto-src }}
    }}
}}
"""

# What comes from outside without having been asked for, and is let in.
_UNASKED = {
    "endpoint-independent": 'iifname "wan" meta l4proto udp dnat ip to udp dport map @internal',
    "address-restricted": 'iifname "wan" meta l4proto udp udp dport . ip saddr @peers dnat ip to udp dport map @internal',
}

# From the LAN to the router's own external address and back into the LAN, as if from outside.
_HAIRPIN_IN = 'iifname "lan" ip daddr {wan} meta l4proto udp dnat ip to udp dport map @internal'
_HAIRPIN_OUT = 'oifname "lan" ct original ip daddr {wan} meta l4proto udp snat ip to {wan} : ip saddr . udp sport map @external'

_FIRST = 'oifname "wan" udp sport @taken masquerade to :32768-65535 fully-random'
_FIRST_SHIFTED = 'oifname "wan" meta l4proto udp masquerade to :{low}-{high} fully-random'

_MASQUERADE = """
table ip nat {{
    chain postrouting {{
        type nat hook postrouting priority srcnat
        oifname "wan" masquerade {how}
    }}
}}
"""

_FIREWALL = """
table inet firewall {{
    chain forward {{
        type filter hook forward priority filter; policy drop
        ct state established,related accept
        iifname "lan" accept
        ct status dnat accept
    }}
    chain input {{
        type filter hook input priority filter; policy {policy}
        iifname != "wan" accept
        ct state established,related accept
        meta l4proto {{ icmp, icmpv6 }} accept
    }}
}}
"""

#: Ports of a shifting NAT's first life; each rebind() is followed by another range. WireGuard's 51820 is in none.
_SHIFTED = 20000
_RANGE = 2000
_LIVES = 15


def ruleset(kind: str, wan: str, wan_filter: bool = True, hairpin: bool = False, life: int = 0, memory: int = 180) -> str:
    """The nft ruleset of a router of a kind with the external address `wan`, after `life` rebinds; see Router.memory()."""
    if kind not in KINDS:
        raise ValueError(f"NAT kind {kind!r} is none of {', '.join(KINDS)}")
    firewall = _FIREWALL.format(policy="drop" if wan_filter else "accept")
    shifted = kind == "port-shifting" or life > 0
    if kind == "symmetric" or (kind == "port-restricted" and not shifted and not hairpin):
        if hairpin:
            raise ValueError(f"NAT kind {kind!r}: no hairpin, it has no mapping that others could use")
        return _MASQUERADE.format(how="fully-random" if kind == "symmetric" else "") + firewall
    low = _SHIFTED + life % _LIVES * _RANGE
    nat = _LEARNING.format(
        wan=wan, memory=memory, unasked=_UNASKED.get(kind, ""),
        first=_FIRST_SHIFTED.format(low=low, high=low + _RANGE - 1) if shifted else _FIRST,
        hairpin_in=_HAIRPIN_IN.format(wan=wan) if hairpin else "",
        hairpin_out=_HAIRPIN_OUT.format(wan=wan) if hairpin else "")  # fmt: skip
    return nat + firewall


def forget_connections() -> None:
    """Flush the connection tracking table of this thread's network (conntrack -F, which Debian has in another package)."""
    request = struct.pack("=IHHII", 20, 1 << 8 | 2, 0x5, 1, 0)  # NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE; ACK
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as sock:  # NETLINK_NETFILTER
        sock.send(request + struct.pack("!BBH", 0, 0, 0))
        error = struct.unpack_from("=i", sock.recv(4096), 16)[0]
    if error:
        raise OSError(-error, "flush of the connection tracking table")


class Segment:
    """A bridge in a node, with an IPv4 and an IPv6 net; the node is the gateway (.1 and ::1)."""

    def __init__(self, node: Node, bridge: str, ipv4: str, ipv6: str | None, delayed: bool = False):
        self.node = node
        self.bridge = bridge
        self.net4 = ipaddress.IPv4Network(ipv4)
        self.net6 = ipaddress.IPv6Network(ipv6) if ipv6 else None
        self.delayed = delayed  # cables to it have the lab's delay and loss
        self._hosts = 9  # addresses count from .10 and ::10
        self._ports = 0
        # arp_ignore: a port without address must not answer for the bridge; send_redirects: for Router's one hop
        node.sysctl(ipv4__conf__all__arp_ignore=1, ipv4__conf__all__send_redirects=0, ipv6__conf__default__disable_ipv6=1)
        node.ip(f"link add {bridge} type bridge mcast_snooping 0 forward_delay 0")
        node.sysctl(**{f"ipv6__conf__{bridge}__disable_ipv6": 0, f"ipv4__conf__{bridge}__send_redirects": 0})
        lines = [f"addr add {self.net4[1]}/{self.net4.prefixlen} dev {bridge}"]
        if self.net6:
            lines.append(f"addr add {self.net6[1]}/{self.net6.prefixlen} dev {bridge} nodad")
        node.ip(*lines, f"link set {bridge} up")

    def attach(self, node: Node, ifname: str) -> Link:
        """Run a cable from the bridge to a new interface of node; the interface is left unconfigured."""
        lab, here = self.node.lab, self.node
        self._hosts += 1
        self._ports += 1
        far = f"{node.name}-{ifname}"
        if len(far) > 15:
            far = f"{self.bridge}-{self._ports}"
        port, wires = far, (far,)
        # Linux 6.1 wants the name to be free where ip(8) runs, too: in the core it always is
        lab.internet.ip(f"link add {ifname} netns {node.pid} type veth peer name {far} netns {here.pid}")
        lines = [f"link set {far} up"]
        delayed = self.delayed and bool(lab.delay_ms or lab.loss)
        if delayed and not lab.netem:
            inner, port = f"d{self._ports}{self.bridge}", f"p{self._ports}{self.bridge}"
            wires = (far, inner, port)
            lines += [f"link add {inner} type veth peer name {port}", f"link set {inner} up", f"link set {port} up"]
        here.ip(*lines, f"link set {port} master {self.bridge}")
        helper = lab.delay(here, far, inner) if port != far else None
        if delayed and lab.netem:
            lab.late(here, far, lab.delay_ms / 4, lab.share)
            lab.late(node, ifname, lab.delay_ms / 4, lab.share)
        number = 0x10 + self._hosts - 10
        ipv6 = str(self.net6[number]) if self.net6 else None
        link = Link(ifname, self, far, port, wires, str(self.net4[self._hosts]), ipv6, delayed, helper)
        node.links.append(link)
        return link


class Router(Node):
    """A home router: `wan` on the internet (or in another router's LAN), `lan` is a bridge.

    IPv4 by NAT of the given kind, IPv6 by a stateful firewall that lets nothing in. LAN hosts
    reach each other by the external address only with `hairpin`.
    """

    def __init__(self, lab: Lab, name: str, kind: str, outside: Segment, lan4: str, lan6: str | None,
                 wan_filter: bool = True, hairpin: bool = False):  # fmt: skip
        super().__init__(lab, name)
        self.kind = kind
        self.lan = Segment(self, "lan", lan4, lan6)
        wan = outside.attach(self, "wan")
        self.sysctl(ipv6__conf__wan__disable_ipv6=0, ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)
        # Routers of different homes are no neighbours: what goes from one to another takes a hop between them.
        lines = [
            f"addr add {wan.ipv4}/32 dev wan",
            "link set wan up",
            f"route add {outside.net4[1]} dev wan scope link",
            f"route add default via {outside.net4[1]}",
        ]
        if outside.net6 and lan6:
            lines += [f"addr add {wan.ipv6}/{outside.net6.prefixlen} dev wan nodad",
                      f"route add ::/0 via {outside.net6[1]}"]  # fmt: skip
            outside.node.ip(f"route add {lan6} via {wan.ipv6}")
        self.ip(*lines)
        self.carries(wan)
        self._life = 0
        self._options = {"wan": wan.ipv4, "wan_filter": wan_filter, "hairpin": hairpin}
        self.tool(["nft", "-f", "-"], ruleset(kind, **self._options))

    def rebind(self) -> None:
        """Forget all connections and give other external ports from now on, as a router does that was restarted."""
        self._life += 1
        renew = "".join(f"table {table}\ndelete table {table}\n" for table in ("ip nat", "inet firewall"))
        # Nothing passes meanwhile: a packet between new rules and empty table would bring an old port back.
        closed = "table inet rebinding { chain forward { type filter hook forward priority raw; drop; }; }\n"
        self.tool(["nft", "-f", "-"], closed + renew + ruleset(self.kind, **self._options, life=self._life))
        with self.network():
            forget_connections()
        self.tool(["nft", "delete", "table", "inet", "rebinding"])

    def memory(self, seconds: int) -> None:
        """From now on forget a UDP mapping that nothing has used for so long. As nft counts: routers that map per source."""
        self._options["memory"] = seconds
        with self.network():
            for name in ("udp_timeout", "udp_timeout_stream"):
                Path(f"/proc/sys/net/netfilter/nf_conntrack_{name}").write_text(str(seconds))
        self.rebind()

    def mapping(self, host, port: int) -> int | None:
        """The external port that a UDP port of a host behind it has; None: none (any more)."""
        elements = self.run(["nft", "list", "map", "ip", "nat", "external"]).stdout
        found = re.search(rf"{re.escape(host.address(4))} \. {port} (?:timeout \S+ )?(?:expires \S+ )?: (\d+)", elements)
        return int(found[1]) if found else None

    def block_udp(self, blocked: bool = True) -> None:
        """Silently drop all UDP that would pass the router, as some hotel networks do; or no longer."""
        rules = "table inet block_udp\ndelete table inet block_udp\n"
        if blocked:
            chain = "type filter hook forward priority filter - 1; meta l4proto udp drop;"
            rules += f"table inet block_udp {{ chain forward {{ {chain} }}; }}\n"
        self.tool(["nft", "-f", "-"], rules)
