# SPDX-License-Identifier: GPL-3.0-or-later
"""A network of version 1 in the lab: a root key, a registry that may let people in, members by invite.

    with scope_lab() as lab:
        network = Network(lab)
        a, b = network.member("a"), network.member("b", behind=home)
        network.start()
        network.join(a)
        network.join(b)
        network.open_pings(a, b)

A relay (or master) is made by the root: network.relay(network.member("r")) in the place of join().
"""

import json
import re
import subprocess
import time
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

from . import tap
from .forge import payload
from .lab import Lab
from .mesh import BUILD, Edge
from .node import CommandFailed

PREFIXES = ("10.77.0.0/24", "fd77::/64")
_WEEK = 7 * 86400  #: an epoch lasts at most so long


def long_epoch() -> int:
    """The length in seconds of epochs of which none begins in the next days: a key of the one before counts no more."""
    now = int(time.time())
    return now // (now // _WEEK + 1)


class Member(Edge):
    """A host that joins by invite: its keys and addresses are made on the way."""

    def __init__(self, host, number: int) -> None:
        super().__init__(host, number, ("", ""))
        self.ip4 = self.ip6 = ""
        self.profile = None
        self.bus_name: str | None = None

    def read_addresses(self, ifname: str) -> None:
        for line in self.host.run(["ip", "-o", "addr", "show", "dev", ifname, "scope", "global"]).stdout.splitlines():
            family, address = line.split()[2:4]
            setattr(self, "ip4" if family == "inet" else "ip6", address.split("/")[0])
        self.public = self.host.run(["wg", "show", ifname, "public-key"]).stdout.strip()

    def call(self, method: str, *arguments: str) -> str:
        """Call the service over D-Bus; its name is another one after each activation."""
        target = ["/org/freedesktop/NetworkManager/scope/Control", "org.freedesktop.NetworkManager.scope.Control", method]
        if self.bus_name:
            result = self.host.run(["busctl", "-j", "call", self.bus_name, *target, *arguments], check=False)
            if result.returncode == 0:
                return result.stdout
        names = self.host.run(["busctl", "--no-pager", "--list", "--no-legend", "list"], check=False).stdout
        self.bus_name = re.search(r"org\.freedesktop\.NetworkManager\.scope\S*", names)[0]
        return self.host.run(["busctl", "-j", "call", self.bus_name, *target, *arguments]).stdout

    def status(self) -> dict[str, Any]:
        """What the service says of itself over D-Bus."""
        return json.loads(json.loads(self.call("GetStatus"))["data"][0])

    def rotate(self, hurry: bool = True) -> None:
        """Ask the service for new keys, as `scopectl rotate` does."""
        self.call("Rotate", "b", str(hurry).lower())


class Network:
    """One network: registry on a light host, root key beside it, members anywhere."""

    def __init__(self, lab: Lab, name: str = "home", prefixes: tuple[str, ...] = PREFIXES, host=None) -> None:
        self.lab, self.name, self.prefixes = lab, name, prefixes
        self.host = host or lab.host("registry", nm=False)
        self.members: list[Member] = []
        self.registry = None
        self.dir = lab.dir / f"root-{name}"
        self.dir.mkdir()
        self.passphrase = self.dir / "passphrase"
        self.passphrase.write_text("correct horse battery staple\n")
        self.build = lab.build or BUILD

    @property
    def url(self) -> str:
        return f"http://{self.host.address(4)}:8080"

    def url_for(self, host) -> str:
        """The registry's URL in an address family that the host has outside."""
        return self.url if host.links[0].ipv4 else f"http://[{self.host.address(6)}]:8080"

    def member(self, name: str, **host: Any) -> Member:
        return self.adopt(self.lab.host(name, **host))

    def adopt(self, host) -> Member:
        """A host of the lab as a member to be."""
        member = Member(host, len(self.members) + 1)
        self.members.append(member)
        return member

    def ctl(self, *arguments: Any, check: bool = True, **kwargs: Any) -> subprocess.CompletedProcess[str]:
        """Run scopectl where the root key is: on the registry's host, which can reach the registry."""
        return self.host.run([self.build / "src/ctl/scopectl", *arguments], check=check, **kwargs)

    def root_ctl(self, verb: str, *arguments: Any, **kwargs: Any) -> subprocess.CompletedProcess[str]:
        """A verb that needs the root key."""
        return self.ctl(verb, self.name, "--root", self.dir / f"{self.name}.root", "--passphrase-file", self.passphrase,
                        *arguments, **kwargs)  # fmt: skip

    def create(self) -> None:
        prefixes = [word for prefix in self.prefixes for word in ("--prefix", prefix)]
        result = self.ctl("network", "create", self.name, "--registry", self.url, *prefixes, "--output", self.dir,
                          "--passphrase-file", self.passphrase, "--json")  # fmt: skip
        self.fingerprint = json.loads(result.stdout)["fingerprint"]

    def start(self, config: dict[str, Any] | None = None, network: dict[str, Any] | None = None) -> None:
        """Make the network's keys and bring up the registry; `network` is merged into its entry."""
        self.lab.up()
        self.create()
        entry = {"name": self.name, "file": str(self.dir / f"{self.name}.network"), "admission": ["token", "granted"],
                 "heartbeat": 20, "epochSeconds": long_epoch(), **(network or {})}  # fmt: skip
        self.config = {"listen": "::", "networks": [entry], "stateDirectory": str(self.dir), **(config or {})}
        self.registry = self.lab.registry(self.host, self.config)

    def invite(self, member: Member, *options: Any) -> Path:
        """An invite for a member: the .scope file that it imports."""
        file = self.dir / f"{member.host.name}.scope"
        self.root_ctl("invite", "--registry", self.url, "--name", member.host.name, "--output", file, *options)
        file.write_text(file.read_text().replace(self.url, self.url_for(member.host)))
        return file

    def enroll(self, member: Member, role: str, *options: Any, **data: Any) -> None:
        """Make a member what an invite does not: relay or master, with keys of ours and a grant by the root itself.

        Its address counts from the end of the prefixes, which the registry gives away from the beginning.
        """
        number = 255 - member.number
        addresses = {4: str(IPv4Network(self.prefixes[0])[number]), 6: str(IPv6Network(self.prefixes[1])[number])}
        private, member.public = self.lab.genkey()
        secret = self.dir / f"{member.host.name}.identity"
        public = json.loads(self.ctl("keygen", "--identity", "--json", "--output", secret).stdout)["public"]
        file = self.dir / f"{member.host.name}.public"  # too long for a command line
        file.write_text(public)
        self.root_ctl("grant", "--registry", self.url, "--identity", f"@{file}", "--key", member.public, "--role", role,
                      "--name", member.host.name, "--range", f"{addresses[4]}/32", "--range", f"{addresses[6]}/128",
                      *options)  # fmt: skip
        data = {"registry": self.url_for(member.host), "network": self.name, "root": self.fingerprint,
                **{key.replace("_", "-"): value for key, value in data.items()}}  # fmt: skip
        self.lab.scope_add(member.host, self.name, data, {"private-key": private, "identity": secret.read_text().strip()},
                           **{"vpn.persistent": "yes"})  # fmt: skip
        member.profile = self.name

    def relay(self, member: Member, role: str = "relay", port: int = 51820, **data: Any) -> float:
        """Let a host with public addresses join as a relay or master that says where it is."""
        link = member.host.links[0]
        endpoints = [f"{link.ipv4}:{port}" if link.ipv4 else "", f"[{link.ipv6}]:{port}" if link.ipv6 else ""]
        self.enroll(member, role, listen_port=port, endpoint=" ".join(filter(None, endpoints)), **data)
        return self.up(member)

    def accept(self, member: Member, file: Path, **data: Any) -> None:
        """nmcli connection import, as a new member does; `data` are changes to vpn.data."""
        member.host.nmcli("connection", "import", "type", "scope", "file", str(file))
        member.profile = self.name
        changes = [word for key, value in data.items() for word in ("+vpn.data", f"{key.replace('_', '-')}={value}")]
        member.host.nmcli("connection", "modify", self.name, "connection.autoconnect", "no", *changes)

    def up(self, member: Member, ifname: str | None = None) -> float:
        """Activate; returns seconds. What the log said last is in the test's output when that fails."""
        start = time.monotonic()
        try:
            member.host.nmcli("connection", "up", self.name)
        except CommandFailed:
            for line in member.log().splitlines()[-25:]:
                tap.comment(line)
            raise
        took = time.monotonic() - start
        member.read_addresses(ifname or self.name)
        return took

    def down(self, member: Member) -> None:
        member.host.nmcli("connection", "down", self.name)

    def own_grant(self, member: Member) -> dict[str, Any]:
        """What the grant says that a member has."""
        for file in member.host.file("/var/lib/nm-scope").iterdir():
            for line in file.read_text(errors="replace").splitlines():
                if line.startswith('{"own":'):
                    return payload(json.loads(line)["own"])
        raise LookupError(f"{member.host.name} has no grant")

    def grant(self, member: Member, role: str = "edge", *behind: str) -> None:
        """Give a member that is up another role, and networks behind it."""
        own = self.own_grant(member)
        ranges = [f"--range={prefix}" for prefix in (f"{member.ip4}/32", f"{member.ip6}/128", *behind)]
        self.root_ctl("grant", "--registry", self.url, "--identity", own["identity"], "--key", own["key"], "--role", role,
                      "--name", member.host.name, *ranges)  # fmt: skip

    def join(self, member: Member, **data: Any) -> float:
        self.accept(member, self.invite(member), **data)
        return self.up(member)

    def open_pings(self, source: Member, destination: Member, timeout: float = 12) -> None:
        """Both address families get through from one member to another."""
        for address in (destination.ip4, destination.ip6):
            assert source.host.ping(address, timeout) is not None, f"{source.host.name} → {address}: no answer"
