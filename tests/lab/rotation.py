# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of new preshared keys share: whether both ends have the same one, and somebody who spoils it."""

import base64
import re
from contextlib import contextmanager
from typing import Iterator

from .mesh import BUILD, EMULATED, scope_lab
from .network import Member, Network
from .node import wait_for

PATIENCE = 60 if EMULATED else 20
BACK = 15  #: seconds until both ends are back on the old key, at most
REVERTED = re.compile(r".*not confirmed \(.*\): back to.*")


def key(member: Member, other: Member) -> str:
    """The preshared key that a host has with another."""
    lines = member.host.run(["wg", "show", "home", "preshared-keys"]).stdout.splitlines()
    return dict(line.split("\t") for line in lines)[other.public]


def confirmed(member: Member, other: Member) -> bool:
    [peer] = [peer for peer in member.status()["peers"] if peer["key"] == other.public]
    return peer["peerKexPQ"] == 3


def agree(one: Member, other: Member, before: str | None = None, timeout: float = PATIENCE) -> str:
    """Wait until both have the same key, not the one from before; returns it."""
    def same() -> str | None:
        mine = key(one, other)
        return mine if mine not in (before, "(none)") and mine == key(other, one) else None

    return wait_for("both ends have the same key" if before is None else "both ends have the same new key", same, timeout)


def settle(one: Member, other: Member, before: str | None = None, timeout: float = PATIENCE) -> str:
    """The same, and both know that it works."""
    found = agree(one, other, before, timeout)
    for a, b in ((one, other), (other, one)):
        wait_for(f"{a.host.name} knows that the key works", lambda: confirmed(a, b), timeout)
    return found


def by_key(one: Member, other: Member) -> tuple[Member, Member]:
    """The one with the lower public key first, as protocol.md has it: it encapsulates, and makes handshakes."""
    first, second = sorted((one, other), key=lambda member: base64.b64decode(member.public))
    return first, second


@contextmanager
def two(delay_ms: float = 0) -> Iterator[tuple[Network, Member, Member]]:
    """A network of two, whose first key is settled: the lower key first."""
    with scope_lab(delay_ms=delay_ms) as lab:
        network = Network(lab)
        members = network.member("a"), network.member("b")
        network.start()
        for member in members:
            network.join(member)
        network.open_pings(*members)
        lower, higher = by_key(*members)
        settle(lower, higher)
        yield network, lower, higher


@contextmanager
def spoiler(victim: Member, other: Member) -> Iterator:
    """Somebody who gives a wrong key to WireGuard as soon as there is a new one."""
    process = victim.host.popen([BUILD / "tests/system/wg-tool", "home", "spoil", other.public], log="spoil.log")
    start = process.log.stat().st_size if process.log.exists() else 0
    text = lambda: process.log.read_text()[start:]  # noqa: E731
    wait_for("the spoiler is ready", lambda: "ready" in text())
    process.words = text
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def reverts(member: Member, start: int = 0) -> list[str]:
    return [line for line in member.log()[start:].splitlines() if REVERTED.match(line)]
