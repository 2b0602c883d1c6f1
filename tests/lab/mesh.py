# SPDX-License-Identifier: GPL-3.0-or-later
"""A network as 0.0.x has it, in the lab: a root that runs WireGuard and the registry, and edges.

    with Lab(...) as lab:
        mesh = Mesh(lab)
        a, b = mesh.edge("a"), mesh.edge("b", behind=home)
        mesh.start()
        mesh.add(a)
        mesh.up(a)
"""

import json
import os
import re
import subprocess
import time
from pathlib import Path
from typing import Any

from .lab import Lab

SOURCE = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SCOPE_BUILD_DIR") or SOURCE / "build/release")

EMULATED = "SCOPE_VM" in os.environ
"""In tests/kernel/vm: right, but several times slower than a machine."""


def scope_lab(**arguments: Any) -> Lab:
    """A lab whose hosts have the plugin of our build tree."""
    return Lab(build=str(BUILD), source=str(SOURCE), **arguments)


class Edge:
    """A host with its keys and its addresses in the network."""

    def __init__(self, host, number: int, keys: tuple[str, str]) -> None:
        self.host, self.number = host, number
        self.private, self.public = keys
        self.ip4, self.ip6 = f"10.86.0.{number}", f"fd86::{number:x}"
        self.ranges = f"{self.ip4}/32,{self.ip6}/128"
        self.profile: str | None = None

    def log(self) -> str:
        """What the service has said so far."""
        return "\n".join(line for line in self.host.log.read_text().splitlines() if "nm-scope[" in line)

    def tunnel(self, network: str = "interface-1") -> dict[str, dict[str, Any]]:
        """The peers in the interface by public key, as `wg show NETWORK dump` has them."""
        out = self.host.run(["wg", "show", network, "dump"]).stdout
        names = ("preshared", "endpoint", "allowed", "handshake", "rx", "tx", "keepalive")
        return {line.split("\t")[0]: dict(zip(names, line.split("\t")[1:])) for line in out.splitlines()[1:]}

    def service_pids(self) -> list[int]:
        """PIDs of the service on this host, as seen on this host."""
        out = self.host.run(["pgrep", "-f", "nm-scope-service --bus-name"], check=False).stdout
        return [int(pid) for pid in out.split()]

    def leftovers(self) -> list[str]:
        """What a connection that is down must not leave: interfaces, profiles, processes, sockets."""
        links = [line.split(": ")[1].split("@")[0] for line in self.host.run(["ip", "-o", "link"]).stdout.splitlines()]
        found = [f"interface {name}" for name in links if name != "lo" and not name.startswith("eth")]
        profiles = self.host.nmcli("-t", "-f", "TYPE,NAME", "connection").stdout.splitlines()
        found += [f"profile {line}" for line in profiles if line.split(":")[0] in ("wireguard", "tun")]
        found += [f"process {pid}" for pid in self.service_pids()]
        found += self.host.run(["pgrep", "-a", "wireguard-go"], check=False).stdout.splitlines()
        sockets = self.host.file("/run/wireguard")
        found += [f"socket {path.name}" for path in sockets.iterdir()] if sockets.exists() else []
        return found

    def gone(self, timeout: float = 5) -> float:
        """Wait until nothing is left and return how many seconds that took; fail with what is."""
        start = time.monotonic()
        while True:
            asked = time.monotonic() - start
            found = self.leftovers()
            if not found:
                return asked
            assert asked < timeout, f"{self.host.name}: left behind: {found}"
            time.sleep(0.1)


class Mesh:
    """One network: root and registry on one host, edges listed at the root."""

    def __init__(self, lab: Lab, network: str = "interface-1", heartbeat: int = 20, port: int = 51820) -> None:
        self.lab, self.network, self.heartbeat, self.port = lab, network, heartbeat, port
        self.root = Edge(lab.host("root", nm=False), 254, lab.genkey())
        self.edges: list[Edge] = []
        self.registry = None

    @property
    def url(self) -> str:
        return self.registry.url

    def edge(self, name: str, listed: bool = True, **host: Any) -> Edge:
        """A host whose key the root lists (now or when it starts)."""
        edge = Edge(self.lab.host(name, **host), len(self.edges) + 1, self.lab.genkey())
        self.edges.append(edge)
        if listed and self.registry:
            self.list(edge.public, edge.ranges)
        edge.listed = listed
        return edge

    def start(self, config: dict[str, Any] | None = None, registry: bool = True, endpoint: str | None = None) -> None:
        """Bring up the root's WireGuard and the registry; `config` is merged into registry.json."""
        self.lab.up()
        listed = [(edge.public, edge.ranges) for edge in self.edges if edge.listed]
        self.lab.wireguard(self.root.host, self.network, self.root.private, self.port,
                           [f"{self.root.ip4}/24", f"{self.root.ip6}/64"], listed)  # fmt: skip
        own = {
            "heartbeat": self.heartbeat,
            "end": endpoint or f"{self.root.host.address(4)}:{self.port}",
            "range": self.root.ranges,
        }
        self.config = {"networks": [self.network], "self": {self.network: own}, **(config or {})}
        if registry:
            self.registry = self.lab.registry(self.root.host, self.config)

    def list(self, public: str, ranges: str) -> None:
        """Add a peer at the root, as an admin would."""
        self.root.host.run(["wg", "set", self.network, "peer", public, "allowed-ips", ranges])

    def add(self, edge: Edge, name: str = "net", secrets: dict[str, str] | None = None, settings=None, **data: Any) -> str:
        """Add the edge's connection: registry, network and private key unless given otherwise."""
        data = {"registry": self.url if self.registry else "http://192.0.2.1:1", "network": self.network,
                **{key.replace("_", "-"): value for key, value in data.items() if value is not None}}  # fmt: skip
        secrets = {"private-key": edge.private} if secrets is None else secrets
        edge.profile = name
        edge.uuid = self.lab.scope_add(edge.host, name, data, secrets, **(settings or {}))
        return edge.uuid

    def up(self, edge: Edge, name: str = "net") -> float:
        """Activate; returns seconds."""
        start = time.monotonic()
        edge.host.nmcli("connection", "up", name)
        return time.monotonic() - start

    def down(self, edge: Edge, name: str = "net") -> None:
        edge.host.nmcli("connection", "down", name)

    def refused(self, edge: Edge, name: str = "net") -> str:
        """Activate what must not come up; returns what nmcli says."""
        result = edge.host.nmcli("connection", "up", name, check=False, timeout=90)
        assert result.returncode != 0, f"came up: {result.stdout}"
        return result.stderr

    def open_pings(self, source: Edge, destination: Edge, timeout: float = 12) -> None:
        """Both address families get through from one edge to another."""
        for address in (destination.ip4, destination.ip6):
            assert source.host.ping(address, timeout) is not None, f"{source.host.name} → {address}: no answer"


def ping_gaps(host, destination: str, seconds: float, action, interval: float = 0.05) -> float:
    """Ping while `action()` runs; returns the longest time without an answer, in seconds."""
    assert host.ping(destination) is not None, f"{destination}: no answer"
    ping = host.popen(["timeout", "-s", "INT", str(seconds), "ping", "-n", "-D", "-i", str(interval), destination], log="ping-gaps.log")
    start = time.time()
    time.sleep(0.5)
    action()
    ping.wait()
    text = ping.log.read_text()
    times = [float(t) for t in re.findall(r"^\[([0-9.]+)\].*time=", text, re.M)]
    assert len(times) > 2, f"no answers:\n{text}"
    return max(after - before for before, after in zip(times, [*times[1:], start + seconds]))


def self_signed(directory: Path, name: str, address: str) -> tuple[Path, Path]:
    """A certificate and key for an address, made now."""
    cert, key = directory / f"{name}.pem", directory / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", f"/CN={name}", "-addext", f"subjectAltName=IP:{address}", "-keyout", key, "-out", cert],
        check=True, capture_output=True)  # fmt: skip
    return cert, key


def json_file(directory: Path, name: str, value: Any) -> Path:
    file = directory / name
    file.write_text(json.dumps(value, indent=2))
    return file
