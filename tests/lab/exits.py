# SPDX-License-Identifier: GPL-3.0-or-later
"""What an exit, or a network that holds peers' addresses, changes on a machine, and where packets come out."""

import socket

STATE = ["sh", "-c", "ip rule; ip -6 rule; ip route; ip -6 route show; ip route show table all | grep -c table; "
         "grep -s '' /proc/sys/net/ipv4/conf/*/rp_filter /proc/sys/net/ipv4/conf/*/forwarding | grep -v /home/; nft list ruleset"]  # fmt: skip


def seen_from(host, web, family: int, link: int = 0) -> str:
    """The source address that a web server on the internet sees of a host; it is asked at its address on that link."""
    kind, address = (socket.AF_INET6 if family == 6 else socket.AF_INET), web.address(family, link)
    with web.network():
        listener = socket.create_server((address, 80), family=kind)
    with host.network():
        client = socket.socket(kind, socket.SOCK_STREAM)
    with listener, client:
        client.settimeout(8)
        client.connect((address, 80))
        accepted, peer = listener.accept()
        accepted.close()
    return peer[0]
