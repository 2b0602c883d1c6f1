# SPDX-License-Identifier: GPL-3.0-or-later
"""What a WireGuard interface in a node knows of its peers, with the handshake's time to the nanosecond.

wg(8) prints whole seconds only. Both ways are those of wg(8): the UAPI socket of
wireguard-go, generic netlink for the kernel (linux/wireguard.h).
"""

from __future__ import annotations

import base64
import socket
import struct
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Iterator

_NETLINK_GENERIC = 16
_NLM_F_REQUEST, _NLM_F_DUMP = 0x1, 0x300
_NLMSG_ERROR, _NLMSG_DONE, _GENL_ID_CTRL = 2, 3, 16
_CTRL_CMD_GETFAMILY, _CTRL_ATTR_FAMILY_ID, _CTRL_ATTR_FAMILY_NAME = 3, 1, 2
_WG_CMD_GET_DEVICE, _WGDEVICE_A_IFNAME, _WGDEVICE_A_PEERS = 0, 2, 8
_WGPEER_A_PUBLIC_KEY, _WGPEER_A_ENDPOINT, _WGPEER_A_LAST_HANDSHAKE_TIME, _WGPEER_A_ALLOWEDIPS = 1, 4, 6, 9
_WGALLOWEDIP_A_IPADDR, _WGALLOWEDIP_A_CIDR_MASK = 2, 3


@dataclass
class Peer:
    endpoint: str = ""  #: ADDRESS:PORT; empty: none known
    handshake: float = 0  #: Unix time; 0: none yet
    allowed: list[str] = field(default_factory=list)  #: prefixes: what is sent to it


def peers(node, ifname: str) -> dict[str, Peer]:
    """The peers by public key (base64); none when there is no such interface."""
    try:
        if node.file(f"/run/wireguard/{ifname}.sock").exists():
            return _by_uapi(str(node.file(f"/run/wireguard/{ifname}.sock")))
        with node.network():
            return _by_netlink(ifname)
    except OSError:
        return {}


def _by_uapi(path: str) -> dict[str, Peer]:
    with socket.socket(socket.AF_UNIX) as uapi:
        uapi.settimeout(2)
        uapi.connect(path)
        uapi.sendall(b"get=1\n\n")
        answer = b""
        while not answer.endswith(b"\n\n") and (data := uapi.recv(65536)):
            answer += data
    found: dict[str, Peer] = {}
    peer = Peer()
    for key, _, value in (line.partition("=") for line in answer.decode().splitlines()):
        if key == "public_key":
            peer = found[base64.b64encode(bytes.fromhex(value)).decode()] = Peer()
        elif key == "endpoint":
            peer.endpoint = value
        elif key == "last_handshake_time_sec":
            peer.handshake += int(value)
        elif key == "last_handshake_time_nsec":
            peer.handshake += int(value) / 1e9
        elif key == "allowed_ip":
            peer.allowed.append(value)
    return found


def _by_netlink(ifname: str) -> dict[str, Peer]:
    found: dict[str, Peer] = {}
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_GENERIC) as netlink:
        netlink.settimeout(2)
        family = dict(next(_ask(netlink, _GENL_ID_CTRL, _CTRL_CMD_GETFAMILY, _CTRL_ATTR_FAMILY_NAME, "wireguard", 0)))
        number = struct.unpack("=H", family[_CTRL_ATTR_FAMILY_ID])[0]
        for message in _ask(netlink, number, _WG_CMD_GET_DEVICE, _WGDEVICE_A_IFNAME, ifname, _NLM_F_DUMP):
            for _, entry in _attributes(dict(message).get(_WGDEVICE_A_PEERS, b"")):
                peer = dict(_attributes(entry))
                seconds, nanoseconds = struct.unpack("=qq", peer.get(_WGPEER_A_LAST_HANDSHAKE_TIME, bytes(16)))
                key = base64.b64encode(peer[_WGPEER_A_PUBLIC_KEY]).decode()
                prefixes = [dict(_attributes(entry)) for _, entry in _attributes(peer.get(_WGPEER_A_ALLOWEDIPS, b""))]
                allowed = [f"{ip_address(prefix[_WGALLOWEDIP_A_IPADDR])}/{prefix[_WGALLOWEDIP_A_CIDR_MASK][0]}" for prefix in prefixes]
                # a table that does not fit into one message goes on with the same peer in the next
                known = found.setdefault(key, Peer(_endpoint(peer.get(_WGPEER_A_ENDPOINT, b"")), seconds + nanoseconds / 1e9))
                known.allowed += allowed
    return found


def _ask(netlink: socket.socket, kind: int, command: int, attribute: int, name: str,
         flags: int) -> Iterator[list[tuple[int, bytes]]]:  # fmt: skip
    """Send a request with one attribute, a name; the attributes of each answer."""
    value = name.encode() + b"\0"
    body = struct.pack("=BBHHH", command, 1, 0, 4 + len(value), attribute) + value + bytes(-len(value) % 4)
    netlink.send(struct.pack("=IHHII", 16 + len(body), kind, _NLM_F_REQUEST | flags, 1, 0) + body)
    while True:
        data = netlink.recv(65536)
        while len(data) >= 16:
            length, kind, _, _, _ = struct.unpack_from("=IHHII", data)
            if kind == _NLMSG_DONE:
                return
            if kind == _NLMSG_ERROR:
                raise OSError(-struct.unpack_from("=i", data, 16)[0], f"netlink: {name}")
            yield list(_attributes(data[20:length]))
            data = data[length + -length % 4 :]
        if not flags & _NLM_F_DUMP:
            return


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        yield kind & 0x3FFF, data[4:length]
        data = data[length + -length % 4 :]


def _endpoint(address: bytes) -> str:
    """Text of a struct sockaddr_in or sockaddr_in6."""
    if len(address) < 16:
        return ""
    port = struct.unpack_from("!H", address, 2)[0]
    if struct.unpack_from("=H", address)[0] == socket.AF_INET:
        return f"{socket.inet_ntop(socket.AF_INET, address[4:8])}:{port}"
    return f"[{socket.inet_ntop(socket.AF_INET6, address[8:24])}]:{port}"
