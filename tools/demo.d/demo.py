# SPDX-License-Identifier: GPL-3.0-or-later
"""The story that tools/demo tells: a mesh of six hosts, seen from outside.

Run by tools/demo, which builds the programs first.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import select
import shutil
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Callable

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests"))

import wireguard  # noqa: E402
from lab import CommandFailed, Lab, Node, Router, wait_for  # noqa: E402
from lab import network as lab_network  # noqa: E402
from lab.watch import Watch  # noqa: E402
from ping import Pinger  # noqa: E402

NETWORK = "mesh"
PREFIXES = ("10.77.0.0/24", "fd77::/64")
DELAY_MS = 20
IN_VM = os.environ.get("SCOPE_VM") == "1"
RATE = 200
PATIENCE = 60 if IN_VM else 20  #: seconds until a host must have reached all others
ANSWER = 5 if IN_VM else 1  #: seconds to wait for the answer to a ping

HOME, OFFICE = "port-restricted", "endpoint-independent"
RELAY_PORT = 51820

PICTURE = f"""
      mail           root            web
      relay    registry + root key  relay
        |              |              |
   -----+----+---------+---------+----+----+-----   internet, {DELAY_MS} ms round trip
             |                   |         |
           home                office    hotel      NAT routers: home is {HOME},
             |                   |         |           office {OFFICE},
           laptop               desk     guest         hotel lets no UDP pass
"""

COLOURS = {"bold": "1", "dim": "2", "green": "32", "red": "31", "yellow": "33"}
_colour = os.environ.get("SCOPE_DEMO_COLOUR") == "1" and not os.environ.get("NO_COLOR")


def paint(style: str, text: str) -> str:
    return f"\033[{COLOURS[style]}m{text}\033[0m" if _colour else text


def say(text: str = "") -> None:
    print(text, flush=True)


def chapter(text: str) -> None:
    say("\n" + paint("bold", text))


class Trouble(Exception):
    """What the audience is told when the demo cannot go on."""


@dataclass
class Member:
    """One of the six, with its place in the mesh, which it gets when it joins."""

    joined: lab_network.Member
    pinger: Pinger
    relay: bool = False
    blocked: bool = False  #: UDP does not get out

    @property
    def node(self) -> Node:
        return self.joined.host

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def public(self) -> str:
        return self.joined.public

    @property
    def addresses(self) -> tuple[str, str]:
        return self.joined.ip4, self.joined.ip6


@dataclass
class Tally:
    """What the summary and the exit status are made of."""

    joins: list[float] = field(default_factory=list)  #: ms from nmcli's start to "activated"
    first_pings: list[float] = field(default_factory=list)  #: ms from nmcli's start to the root's answer
    expected: int = 0
    answered: int = 0
    absent: int = 0  #: pings to or from hosts that are away
    ghosts: int = 0  #: of those, answered
    rotation_sent: int = 0
    rotation_lost: int = 0
    failover: float | None = None  #: s without an answer when a relay was switched off
    faults: list[str] = field(default_factory=list)


class Demo:
    def __init__(self, lab: Lab):
        self.lab = lab
        self.tally = Tally()
        self.online: list[Member] = []
        self.registry: Any = None

    # --- the set

    def build(self) -> None:
        lab = self.lab
        root = lab.host("root")
        home, office, hotel = lab.router("home", HOME), lab.router("office", OFFICE), lab.router("hotel", HOME)
        hotel.block_udp()
        nodes = [lab.host("mail"), lab.host("web"), lab.host("laptop", behind=home), lab.host("desk", behind=office),
                 lab.host("guest", behind=hotel)]  # fmt: skip
        lab.up(120 if IN_VM else 30)
        self.network = lab_network.Network(lab, NETWORK, PREFIXES, host=root)
        self.members = [Member(self.network.adopt(node), Pinger(node)) for node in (root, *nodes)]
        self.root, *self.hosts = self.members
        for relay in self.hosts[:2]:
            relay.relay = True
        self.hosts[-1].blocked = True
        self.behind = {node.name: router for router, node in ((home, nodes[2]), (office, nodes[3]), (hotel, nodes[4]))}

    def start_registry(self) -> None:
        """As the network's owner does: a root key, and a registry that may let invited ones in."""
        say(f"  root     scopectl network create {NETWORK} --registry {self.network.url}")
        say(f"             {' '.join(f'--prefix {prefix}' for prefix in PREFIXES)}")
        self.network.start()
        self.registry = self.network.registry
        say(f"           root key {self.network.fingerprint}")
        say(f"           registry on {self.registry.url}")

    def invite(self, host: Member) -> None:
        """One file is all that a new member needs; who is to be a relay says where it is, too."""
        file = self.network.invite(host.joined)
        where = f"{host.node.address(4)}:{RELAY_PORT} [{host.node.address(6)}]:{RELAY_PORT}"
        self.network.accept(host.joined, file, **({"endpoint": where, "listen_port": RELAY_PORT} if host.relay else {}))
        host.node.nmcli("connection", "modify", NETWORK, "vpn.persistent", "yes")

    def promote(self, host: Member) -> None:
        """What only the root key can: make a member a relay."""
        say(f"  root     scopectl grant {NETWORK} --peer {host.name} --role relay")
        self.network.grant(host.joined, "relay")
        wait_for(f"{host.name} to be a relay", lambda: host.joined.status().get("role") == "relay", PATIENCE)

    # --- what happens

    def check_registry(self) -> None:
        if self.registry.poll() is not None:
            words = last_lines(self.registry.log, 3)
            raise Trouble(f"root: the registry ended with status {self.registry.returncode}: {words}")

    def join(self, host: Member) -> None:
        """nmcli connection up, and what follows until everybody who is there has answered this host."""
        started, began = time.time(), time.perf_counter()
        nmcli = host.node.popen(["nmcli", "connection", "up", NETWORK], log="nmcli.log")
        activated = False
        names = {peer.addresses[0]: peer for peer in self.online}
        pings: dict[str, float] = {}
        handshakes: dict[str, tuple[float, str]] = {}
        hops: dict[str, str] = {}  # whose packets go to which WireGuard peer
        missing = set(names)
        next_ping = next_look = 0.0
        while missing or not activated:
            now = time.perf_counter()
            if not activated and nmcli.poll() is not None:
                if nmcli.returncode != 0:
                    words = last_lines(nmcli.log, 2) + service_log(host.node)
                    raise Trouble(f"{host.name}: nmcli connection up: {words}")
                activated = True
                host.joined.read_addresses(NETWORK)
                self.tally.joins.append(1000 * (now - began))
                self.line(host, f"connection up {NETWORK}", f"activated after {1000 * (now - began):.0f} ms")
            self.check_registry()
            if now - began > PATIENCE:
                for address in sorted(missing):
                    say(f"           {names[address].name:8} {paint('red', f'no answer within {PATIENCE} s')}"
                        f"{describe(handshakes.get(address))}")  # fmt: skip
                    self.tally.faults.append(f"{host.name} did not reach {names[address].name}")
                break
            if now >= next_ping:
                for address in names.keys() - pings.keys():
                    host.pinger.send(address)
                next_ping = time.perf_counter() + (0.1 if IN_VM else 0.02)
            for address, _ in host.pinger.answers(since=began):
                pings.setdefault(address, 1000 * (time.perf_counter() - began))
            if now >= next_look:
                table = wireguard.peers(host.node, NETWORK)
                for address in missing:
                    peer = table.get(names[address].public)
                    if peer and peer.handshake >= started:
                        handshakes.setdefault(address, (1000 * (peer.handshake - started), peer.endpoint))
                    if next_hop := next((key for key, peer in table.items() if f"{address}/32" in peer.allowed), None):
                        hops[address] = next_hop
                next_look = time.perf_counter() + (0.2 if IN_VM else 0.03)
            complete = [address for address in missing & pings.keys() & hops.keys()
                        if self.is_final(host, names[address], hops[address], address in handshakes)]  # fmt: skip
            for address in sorted(complete if activated else [], key=lambda address: pings[address]):
                missing.remove(address)
                self.met(host, names[address], pings[address], hops[address], handshakes.get(address))
            select.select(host.pinger.sockets, [], [], 0.005)
        self.online.append(host)

    @staticmethod
    def is_final(host: Member, peer: Member, hop: str, handshake: bool) -> bool:
        """Whether packets go the way that they are to take in the end.

        To a relay that is: itself, when it is the one that a host has chosen, else over that one.
        """
        relay, blocked = host.relay or peer.relay, host.blocked or peer.blocked
        return handshake and (relay or not blocked) if hop == peer.public else relay or blocked

    def met(self, host: Member, peer: Member, ping: float, hop: str, handshake: tuple[float, str] | None) -> None:
        if peer is self.root:
            self.tally.first_pings.append(ping)
        over = next((member.name for member in self.members if member.public == hop), "somebody")
        path = self.path(peer, handshake[1]) if handshake and hop == peer.public else paint("green", f"over {over}")
        say(f"           {peer.name:8} {ms(handshake[0]) if handshake else '        '}   {ms(ping)}   {path}")

    def line(self, host: Member, command: str, result: str) -> None:
        say(f"  {paint('bold', f'{host.name:8}')} nmcli {command:30} {paint('green', result)}")

    def path(self, peer: Member, endpoint: str) -> str:
        """How a host reaches a peer, by the endpoint that its WireGuard sends to."""
        router = self.behind.get(peer.name)
        address = endpoint.rpartition(":")[0].strip("[]")
        if address == "127.0.0.1":
            return paint("green", "in a WebSocket to the registry, which hands it on")
        if address == peer.node.address(4):
            how = "direct"
        elif address == peer.node.address(6):
            how = "direct, IPv6"
        elif router and address == router.address(4):
            how = f"direct, {router.name}'s NAT"
        else:
            return paint("yellow", f"not direct, by {endpoint}")
        return f"{paint('green', how)} {endpoint}"

    def leave(self, host: Member) -> None:
        began = time.perf_counter()
        host.node.nmcli("connection", "down", NETWORK)
        self.online.remove(host)
        wait_for(f"{host.name}: interface {NETWORK} to go", lambda: not has_interface(host.node), 10)
        took = 1000 * (time.perf_counter() - began)
        self.line(host, f"connection down {NETWORK}", f"interface gone after {took:.0f} ms")

    def matrix(self) -> None:
        """Everybody pings everybody once over IPv4 and once over IPv6."""
        started = time.perf_counter()
        trips: dict[tuple[str, str], float] = {}  # (from, address): ms
        pairs = [(a, b) for a in self.members for b in self.members if a is not b and a.joined.ip4 and b.joined.ip4]
        for version in (0, 1):
            for a, b in pairs:
                a.pinger.send(b.addresses[version])
                self.collect(trips, started, 0.01 if IN_VM else 0.002)
        there = [(a, b) for a, b in pairs if a in self.online and b in self.online]
        expected = {(a.name, address) for a, b in there for address in b.addresses}
        enough = time.perf_counter() + ANSWER
        while time.perf_counter() < enough and not (expected <= trips.keys() and len(self.online) == len(self.members)):
            self.collect(trips, started, 0.05)

        say(paint("dim", "  from \\ to" + "".join(f"{b.name:>10}" for b in self.members) + "   ms"))
        for a in self.members:
            say(f"  {a.name:9}" + "".join(self.cell(a, b, trips) for b in self.members))
        self.count(expected, trips)

    def count(self, expected: set[tuple[str, str]], trips: dict[tuple[str, str], float]) -> None:
        names = {address: b.name for b in self.members for address in b.addresses}
        lost, ghosts = expected - trips.keys(), trips.keys() - expected
        over6 = [trips[key] for key in expected if ":" in key[1] and key in trips]
        say(f"  over IPv6 {len(over6)} of {len(expected) // 2} answered"
            + (f", {min(over6):.1f} to {max(over6):.1f} ms" if over6 else ""))  # fmt: skip
        if lost6 := sorted(f"{a} -> {names[to]}" for a, to in lost if ":" in to):
            say(paint("red", f"  lost over IPv6: {', '.join(lost6)}"))
        tally = self.tally
        tally.expected += len(expected)
        tally.answered += len(expected) - len(lost)
        tally.absent += 2 * len(self.members) * (len(self.members) - 1) - len(expected)
        tally.ghosts += len(ghosts)
        for member in self.online:
            if not has_interface(member.node):
                tally.faults.append(f"{member.name}: interface {NETWORK} is gone")
        for a, to in sorted(ghosts):
            tally.faults.append(f"an answer from someone who is away: {a} -> {names[to]} {to}")
        if lost:
            raise Trouble(f"{len(lost)} pings were not answered")

    def collect(self, trips: dict[tuple[str, str], float], since: float, seconds: float) -> None:
        """Take the answers that come within some seconds."""
        waiting = {sock: member for member in self.members for sock in member.pinger.sockets}
        until = time.perf_counter() + seconds
        while (left := until - time.perf_counter()) > 0:
            ready = select.select(waiting, [], [], left)[0]
            for member in {waiting[sock].name: waiting[sock] for sock in ready}.values():
                for address, trip in member.pinger.answers(since):
                    trips.setdefault((member.name, address), trip)

    def cell(self, a: Member, b: Member, trips: dict[tuple[str, str], float]) -> str:
        trip = trips.get((a.name, b.addresses[0]))
        there = a in self.online and b in self.online
        if a is b:
            return paint("dim", f"{'.':>10}")
        if trip is None:
            return paint("red", f"{'LOST':>10}") if there else paint("dim", f"{'away':>10}")
        return paint("green" if there else "red", f"{trip:10.1f}")

    # --- the plot

    def tell(self, shell: str | None, keep: bool) -> None:
        say(PICTURE)
        say("  Each machine is a network namespace of this one, with a NetworkManager of its own.")
        chapter("Setting up")
        self.build()
        say("  all      base networks are up")
        self.start_registry()
        say(f"  root     scopectl invite {NETWORK} --name mail --output mail.scope, and so on")
        say("  mail     nmcli connection import type scope file mail.scope, and so on")
        for host in self.members:
            self.invite(host)

        chapter("Six hosts join")
        say(paint("dim", "           to      handshake  first ping   counted from the start of nmcli"))
        for host in self.members:
            self.join(host)
            if self.tally.faults:
                break
            if host.relay:
                self.promote(host)
        chapter("Everybody pings everybody")
        self.matrix()
        chapter("Every pair has a key that survives a quantum computer")
        self.show_keys()
        chapter("What the laptop says of it")
        laptop, guest = self.hosts[2], self.hosts[4]
        self.show(laptop, "local")
        self.show(laptop, "ping", "desk", "--count=2")
        self.show(laptop, "ping", "guest", "--count=2")
        if shell:
            self.shell(self.lab.nodes[shell])
        else:
            chapter("The laptop leaves")
            self.leave(laptop)
            self.matrix()
            chapter("The laptop comes back")
            self.join(laptop)
            self.matrix()
            chapter("New keys while traffic flows")
            self.rotate()
            chapter("A relay dies while packets go over it")
            self.fail_over(guest, laptop)
        if keep:
            self.keep()
            return  # with Ctrl-C the hosts' programs end, too
        chapter("Two leave, and the root key ends it for the rest")
        for host in self.hosts[2:4]:
            self.leave(host)
            self.check_clean(host.node)
        self.kill()

    def show(self, host: Member, verb: str, *arguments: str) -> None:
        """What a verb of scopectl says on a host."""
        say(f"  {paint('bold', f'{host.name:8}')} scopectl {' '.join([verb, *arguments])}")
        for line in host.node.run([self.lab.build / "src/ctl/scopectl", verb, *arguments]).stdout.splitlines():
            say(f"    {line}")

    def fail_over(self, source: Member, to: Member) -> None:
        """Switch off the relay that two talk over, and see how long nothing comes back."""
        hop = next(key for key, peer in wireguard.peers(source.node, NETWORK).items() if f"{to.addresses[0]}/32" in peer.allowed)
        relay = next(member for member in self.online if member.public == hop)
        with Watch(source.node, {to.name: to.addresses[0]}, 0.02) as watch:
            time.sleep(2)
            say(f"  {source.name:8} -> {to.name:8} 50 pings a second, over {relay.name}, which is switched off now")
            at = time.time()
            relay.node.stop()
            self.online.remove(relay)
            time.sleep(20 if IN_VM else 5)
        stream = watch[to.name]
        self.tally.failover = gap = stream.gap(at - 1, time.time() - 1)
        back = bool(stream.answers) and time.time() - stream.answers[-1][0] < 2
        say(f"  {source.name:8} -> {to.name:8} " + paint("green" if back else "red", f"{gap:.2f} s without an answer"))
        if not back:
            self.tally.faults.append(f"{source.name} does not reach {to.name} any more")
        self.show(source, "local")

    # --- keys

    def preshared(self, host: Member) -> dict[str, str]:
        """Preshared keys by the peer's public key, as `wg show` has them."""
        lines = host.node.run(["wg", "show", NETWORK, "preshared-keys"]).stdout.splitlines()
        return dict(line.split("\t") for line in lines)

    def show_keys(self) -> None:
        """What `wg show` says on each host; the keys themselves are nobody's business: their hashes."""
        names = {member.public: member.name for member in self.online}
        for host in self.online:
            keys = self.preshared(host)
            print_of = {names[peer]: fingerprint(key) for peer, key in keys.items() if key != "(none)"}
            say(f"  {host.name:8} " + "  ".join(f"{name} {print_of.get(name, paint('red', 'no key'))}"
                                              for name in names.values() if name != host.name))  # fmt: skip
            if missing := [name for peer, name in names.items() if peer != host.public and name not in print_of]:
                self.tally.faults.append(f"{host.name}: no preshared key with {', '.join(missing)}")

    def rotate(self) -> None:
        """Each host asks for new keys; they are in use from the next handshake on, which WireGuard makes by itself."""
        mail, web, laptop, desk, _ = self.hosts
        pairs = [(mail, web), (laptop, desk), (desk, self.root)]
        before = {host.name: self.preshared(host) for host in self.online}
        say(f"  all      scopectl rotate {NETWORK}; meanwhile {RATE} pings a second each:")
        for host in self.online:
            host.node.run([self.lab.build / "src/ctl/scopectl", "rotate", NETWORK])
        began = time.monotonic()
        with ThreadPoolExecutor() as pool:
            done = pool.submit(wait_until, lambda: self.rotated(pairs, before), 400 if IN_VM else 200, 1)
            sent, answered = flood(pairs, done.done)
        if not done.result():
            self.tally.faults.append("not every key was new, and confirmed by a handshake, in time")
        for a, b in pairs:
            lost = sent[a.name] - answered[a.name]
            self.tally.rotation_sent += sent[a.name]
            self.tally.rotation_lost += lost
            result = f"{sent[a.name]} pings, {lost} lost"
            say(f"  {a.name:8} -> {b.name:8} {paint('red' if lost else 'green', result)}")
        say(f"  all      their keys are others, and a handshake has shown that they work, after {time.monotonic() - began:.0f} s:")
        self.show_keys()

    def rotated(self, pairs: list[tuple[Member, Member]], before: dict[str, dict[str, str]]) -> bool:
        """Whether no key of these pairs is as it was, and each is confirmed.

        Tunnels that no packets take are in no hurry: their keys wait for the next handshake.
        """
        for host, peer in (*pairs, *(pair[::-1] for pair in pairs)):
            if self.preshared(host).get(peer.public) == before[host.name].get(peer.public):
                return False
            status = next(entry for entry in host.joined.status()["peers"] if entry["key"] == peer.public)
            if status["peerKexPQ"] < 3:
                return False
        return True

    def kill(self) -> None:
        began = time.perf_counter()
        left = list(self.online)
        say(f"  root     scopectl kill {NETWORK}")
        self.network.root_ctl("kill", "--registry", self.network.url, "--reason", "the demo ends", "--yes")
        for host in left:
            wait_for(f"{host.name}: interface {NETWORK} to go", lambda: not has_interface(host.node), PATIENCE)
            say(f"  {host.name:8} {paint('green', f'down after {1000 * (time.perf_counter() - began):.0f} ms')}")
            self.online.remove(host)
        for host in left:
            self.check_clean(host.node)

    def check_clean(self, host: Any) -> None:
        """The host itself must be as before: no program of ours, no connection but its own."""

        def left() -> list[str]:
            programs = host.run(["pgrep", "-a", "nm-scope|wireguard-go"], check=False).stdout.splitlines()
            return programs + sorted(host.active() - {"eth0", "lo"})

        if not wait_until(lambda: not left(), PATIENCE / 4):
            self.tally.faults += [f"{host.name}: left after nmcli connection down: {item}" for item in left()]

    def shell(self, node: Node) -> None:
        chapter(f"A shell on {node.name}")
        say(f"  {NETWORK}: " + ", ".join(f"{member.name} {member.addresses[0]}" for member in self.members))
        say(f"  try: nmcli device; wg; {self.lab.build}/src/ctl/scopectl status; ping 10.77.0.1.   exit ends the demo.\n")
        interrupt = signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C is the shell's now
        node.shell()
        signal.signal(signal.SIGINT, interrupt)

    def keep(self) -> None:
        chapter("Running until Ctrl-C")
        say("  To look around, from another terminal:")
        for name in [*(member.name for member in self.members), *(router.name for router in self.behind.values())]:
            say(f"    sudo nsenter -t {self.lab.nodes[name].pid:<7} -n -m -p -u -- bash    # {name}")
        say("  nmcli, wg, ip, ping are at home there. In the mesh:")
        for member in self.members:
            say("    {:8} {:12} {}".format(member.name, *member.addresses))
        say(f"  Logs: {self.lab.dir}")
        try:
            while True:
                signal.pause()
        except KeyboardInterrupt:
            say()

    def close(self) -> None:
        for member in getattr(self, "members", ()):
            member.pinger.close()


def flood(pairs: list[tuple[Member, Member]], enough: Callable[[], bool]) -> tuple[dict[str, int], dict[str, int]]:
    """Ping over each pair RATE times a second until it is enough; what was sent and what came back, by source."""
    sent = {a.name: 0 for a, _ in pairs}
    answered = dict(sent)
    began = due = time.perf_counter()

    def collect() -> None:
        for a, b in pairs:
            answered[a.name] += sum(address == b.addresses[0] for address, _ in a.pinger.answers(since=began))

    while not enough():
        for a, b in pairs:
            a.pinger.send(b.addresses[0])
            sent[a.name] += 1
        collect()
        due += 1 / RATE
        time.sleep(max(0, due - time.perf_counter()))
    time.sleep(ANSWER)
    collect()
    return sent, answered


def fingerprint(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:6]


def ms(value: float) -> str:
    return f"{value:5.0f} ms"


def describe(handshake: tuple[float, str] | None) -> str:
    return f" (handshake {ms(handshake[0])}, {handshake[1]})" if handshake else " (no handshake)"


def has_interface(node: Node) -> bool:
    lines = Path(f"/proc/{node.pid}/net/dev").read_text().splitlines()
    return any(line.strip().startswith(f"{NETWORK}:") for line in lines)


def last_lines(path: Path, count: int) -> str:
    return " ".join(path.read_text(errors="replace").strip().splitlines()[-count:])


def service_log(node: Any) -> str:
    """The last words of the VPN service on a host."""
    lines = node.log.read_text(errors="replace").splitlines()
    lines = [line for line in lines if line.startswith("nm-scope") and "<debug>" not in line]
    return "".join(f"\n    {line}" for line in lines[-4:])


def wait_until(probe: Callable[[], bool], seconds: float, interval: float = 0.05) -> bool:
    deadline = time.monotonic() + seconds
    while not probe():
        if time.monotonic() > deadline:
            return False
        time.sleep(interval)
    return True


def numbers(values: list[float]) -> str:
    return ", ".join(f"{value:.0f}" for value in values)


def summary(tally: Tally, left: list[str], seconds: float) -> None:
    chapter("Summary")
    if tally.joins:
        say(f"  joins        {len(tally.joins)}, activated after {numbers(tally.joins)} ms")
    if tally.first_pings:
        say(f"  first ping   from the root host after {numbers(tally.first_pings)} ms (median {median(tally.first_pings):.0f})")
    say(f"  pings        {tally.answered} of {tally.expected} answered"
        + (f"; to or from the one who was away {tally.ghosts} of {tally.absent}" if tally.absent else ""))  # fmt: skip
    if tally.failover is not None:
        say(f"  relay dead   {tally.failover:.2f} s without an answer")
    if tally.rotation_sent:
        say(f"  new keys     {tally.rotation_lost} of {tally.rotation_sent} pings lost")
    say(f"  left behind  {'nothing' if not left else ''}")
    for item in left:
        say(f"    {paint('red', item)}")
    for fault in tally.faults:
        say(f"  {paint('red', 'failed')}       {fault}")
    say(f"  time         {seconds:.1f} s")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--logs", help="where to put the logs after a failure, instead of keeping them in place")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--shell")
    arguments = parser.parse_args()
    if why := Lab.missing():
        print(f"tools/demo: {why}", file=sys.stderr)
        return 1
    signal.signal(signal.SIGHUP, lambda number, frame: sys.exit(128 + number))

    began = time.monotonic()
    status, demo = 1, None
    where = f"Linux {os.uname().release}" + (", in a virtual machine" if IN_VM else "")
    say(paint("bold", "Scope: a WireGuard mesh from NetworkManager") + f"   ({where})")
    with Lab(delay_ms=DELAY_MS, build=arguments.build, source=SOURCE) as lab:
        try:
            demo = Demo(lab)
            demo.tell(arguments.shell, arguments.keep)
            status = 0
        except KeyboardInterrupt:
            say("\n  Ctrl-C: cleaning up")
            status = 130
        except (Trouble, CommandFailed, TimeoutError, RuntimeError, OSError) as trouble:
            demo.tally.faults.append(str(trouble))
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # let it finish
        demo.close()
        if demo.tally.faults and arguments.logs:
            shutil.copytree(lab.dir, arguments.logs, dirs_exist_ok=True)
        elif demo.tally.faults:
            lab.keep_logs = True
    wait_until(lambda: not lab.leftovers(), PATIENCE / 4)
    left = lab.leftovers()
    summary(demo.tally, left, time.monotonic() - began)
    tally = demo.tally
    if status == 0 and (left or tally.faults or tally.answered < tally.expected or not tally.expected or tally.rotation_lost):
        status = 1
    if tally.faults:
        say(f"  logs         {arguments.logs or lab.dir}")
    if status == 0:
        say(paint("green", "  All well."))
    return status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
