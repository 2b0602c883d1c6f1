# SPDX-License-Identifier: GPL-3.0-or-later
"""The network that the desktop tests join: a registry, a member that is up, and a host with a person in front of it."""

import contextlib
from typing import Any, Iterator

from lab.lab import Lab
from lab.mesh import scope_lab
from lab.network import Member, Network
from lab.node import wait_for

from .desktop import Desktop


class Home:
    """`network` (called home), `other` who is up, `member` whose person has `desktop`."""

    def __init__(self, lab: Lab, **look: Any) -> None:
        self.lab = lab
        self.network = Network(lab)
        self.member, self.other = self.network.member("a"), self.network.member("b")
        self.network.start()
        self.network.join(self.other)
        self.desktop = Desktop(self.member.host, **look)

    def agent_owned(self) -> str:
        """Let the member have a profile whose private key is the agent's, and return that key: nobody has it but the caller."""
        network, host = self.network, self.member.host
        network.enroll(self.member, "edge")
        private = host.nmcli("-s", "-g", "vpn.secrets", "connection", "show", network.name).stdout
        secrets = dict(word.strip().split(" = ", 1) for word in private.replace("\\", "").strip().split(","))
        host.nmcli("connection", "modify", network.name, "vpn.secrets", f"identity = {secrets['identity']}",
                   "+vpn.data", "private-key-flags = 1")  # fmt: skip
        assert secrets["private-key"] not in host.nmcli("-s", "connection", "show", network.name).stdout
        return secrets["private-key"]

    def uuid(self) -> str:
        """Of its profile, before it is up: then wireguard-go's TUN device has its name, too."""
        return self.desktop.nmcli("-g", "connection.uuid", "connection", "show", self.network.name).strip()

    def until_up(self, timeout: float = 30) -> None:
        """Wait until the network is up, and its other member answers."""
        wait_for(f"{self.network.name} to be up", lambda: self.network.name in self.member.host.active(), timeout, interval=0.2)
        assert self.member.host.ping(self.other.ip4, 12) is not None, "no answer from the other member"

    def log_has(self, text: str, timeout: float = 30) -> None:
        """Wait until NetworkManager or the service have said something."""
        wait_for(f"“{text}” in {self.member.host.log}", lambda: text in self.member.host.log.read_text(), timeout, interval=0.2)


@contextlib.contextmanager
def home(**look: Any) -> Iterator[Home]:
    with scope_lab() as lab:
        yield Home(lab, **look)
    assert not lab.leftovers(), lab.leftovers()
