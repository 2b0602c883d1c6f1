# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab: an internet in a network namespace, with hosts and routers on it."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Iterable, Iterator, Mapping, Sequence

from . import tap
from .host import Host
from .nat import Router, Segment
from .node import PATH, Node, Process, wait_for

_HERE = Path(__file__).resolve().parent
_TAG = "SCOPE_LAB"
_PREFIX = "scope-lab."
_PASSED_ON = re.compile(r"(ASAN|LSAN|TSAN|UBSAN|G|GIO|LAB|NM|SCOPE|WG|LOG)_\w+|LANG|LC_\w+|LD_LIBRARY_PATH|TERM|TZ|VALGRIND_OPTS")
_PROGRAMS = ("unshare", "nsenter", "ip", "bridge", "nft", "ping", "wg", "dbus-daemon", "NetworkManager",
             "nmcli", "nm-online")  # fmt: skip


class Lab:
    """An internet: 203.0.113.0/24 and 2001:db8:1::/64, and for second links 198.51.100.0/24 and 2001:db8:2::/64.

    Each cable to it delays by a quarter of `delay_ms` each way, so that the round trip
    between two hosts takes `delay_ms`; of 100 packets from one host to another `loss` are lost.
    `build` is a build tree of the project, `source` its source tree; with LAB_INSTALLED=1 in
    the environment the installed files are used instead. `nm_log` is NetworkManager's log
    level and domains. `env` is added to the environment of everything in the lab.

    Needs root. Everything ends with close(), with the `with` block, or with this process.
    """

    def __init__(self, delay_ms: float = 0, loss: float = 0, build: str | Path | None = None,
                 source: str | Path | None = None, nm_log: tuple[str, str] = ("INFO", "ALL,VPN_PLUGIN:TRACE"),
                 env: Mapping[str, str] | None = None):  # fmt: skip
        if why := self.missing():
            tap.skip(why)
        self.delay_ms = delay_ms
        self.loss = loss
        self.installed = os.environ.get("LAB_INSTALLED") == "1"
        self.build = Path(build).resolve() if build else None
        self.source = Path(source).resolve() if source else None
        self.nm_log = nm_log
        self.nodes: dict[str, Node] = {}
        self.keep_logs = os.environ.get("LAB_KEEP") == "1"
        self._owner = _identity(os.getpid())
        self._closed = 0.0  # seconds since boot
        self._kernel_wireguard: bool | None = None
        self._netem: bool | None = None
        self._helpers: dict[str, Path] = {}
        self._delays = 0
        sweep()
        self.env = {key: value for key, value in os.environ.items() if _PASSED_ON.fullmatch(key)}
        self.env |= {"PATH": PATH, "HOME": "/run/home", _TAG: self._owner, **(env or {})}
        self._interfaces = _interfaces()
        self.dir = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{self._owner}."))  #: logs, one folder per node
        self.dir.chmod(0o755)
        self.hosts_file = self.dir / "hosts"  # /etc/hosts of all nodes
        self.hosts_file.write_text("127.0.0.1 localhost\n::1 localhost\n")
        atexit.register(self.close)
        try:
            self.internet = self._add(Node(self, "internet"))  #: the core: bridges, gateway of all public hosts
            self.internet.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)
            self._public = [
                Segment(self.internet, "net1", "203.0.113.0/24", "2001:db8:1::/64", delayed=True),
                Segment(self.internet, "net2", "198.51.100.0/24", "2001:db8:2::/64", delayed=True),
            ]
        except BaseException:
            self.close()
            raise
        tap.on_failure.append(self.report)

    @staticmethod
    def missing() -> str | None:
        """Why a lab cannot be made here; None when it can."""
        if os.geteuid() != 0:
            return "the lab needs root"
        programs = [name for name in _PROGRAMS if not shutil.which(name, path=PATH)]
        return f"the lab needs {', '.join(programs)}" if programs else None

    def __enter__(self) -> Lab:
        # SIGTERM ends the `with` block as ^C does
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
            signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, Exception) and not isinstance(error, tap.Skip):
            error.add_note("\n".join(self.report()))
        self.close()

    # --- machines

    def host(self, name: str, nm: bool = True, behind: Router | None | Sequence[Router | None] = None,
             ipv6: bool = True, links: int = 1, dns: str = "none", ipv4: bool = True,
             root: Path | None = None) -> Host:  # fmt: skip
        """Add a host, on the internet or in the LAN of the router `behind`.

        Its links are eth0, eth1, ...: `links` of them, or one for each item of `behind`. With
        nm=False it is a light host, configured with ip(8). `dns` is NetworkManager's dns= mode.
        `root`: another system's root, a mount point; that system's programs run, and its Scope if it has one.
        """
        where = list(behind) if isinstance(behind, (list, tuple)) else [behind] * links
        segments = [self.segment(router, number) for number, router in enumerate(where)]
        if nm:
            host = Host(self, name, segments, ipv6, dns, ipv4, root)
        else:
            host = Node(self, name, root)
            for segment in segments:
                self._configure(host, segment, ipv6, ipv4)
        return self._add(host)

    def router(self, name: str, kind: str, behind: Router | None = None, lan: int | None = None,
               wan_filter: bool = True, hairpin: bool = False) -> Router:  # fmt: skip
        """Add a NAT router of one of nat.KINDS, on the internet or (carrier-grade NAT) in another's LAN.

        Its LAN is 192.168.`lan`.0/24, by default the next free number, and 2001:db8:100+N::/64
        (not behind another router). wan_filter=False: the router itself answers unexpected packets.
        hairpin=True: its LAN reaches itself by the external address.
        """
        number = 1 + sum(isinstance(node, Router) for node in self.nodes.values())
        lan6 = None if behind else f"2001:db8:{0x100 + number:x}::/64"
        lan4 = f"192.168.{lan or number}.0/24"
        return self._add(Router(self, name, kind, self.segment(behind), lan4, lan6, wan_filter, hairpin))

    def segment(self, router: Router | None, number: int = 0) -> Segment:
        """The LAN of a router, or for None the internet's net for the link of that number."""
        return router.lan if router else self._public[number % len(self._public)]

    def up(self, timeout: float = 60) -> None:
        """Wait until NetworkManager is ready on all hosts."""
        for node in self.nodes.values():
            if isinstance(node, Host):
                node.up(timeout)

    def _add(self, node: Any) -> Any:
        self.nodes[node.name] = node
        with open(self.hosts_file, "a") as hosts:
            for link in node.links[:1]:
                if link.ipv4:
                    print(link.ipv4, node.name, file=hosts)
                if link.ipv6:
                    print(link.ipv6, node.name, file=hosts)
        return node

    @staticmethod
    def _configure(host: Node, segment: Segment, ipv6: bool, ipv4: bool) -> None:
        number = len(host.links)
        link = segment.attach(host, f"eth{number}")
        link.ipv4 = link.ipv4 if ipv4 else None
        link.ipv6 = link.ipv6 if ipv6 else None
        lines = [f"link set {link.name} up"]
        if link.ipv4:
            lines += [f"addr add {link.ipv4}/{segment.net4.prefixlen} dev {link.name}",
                      f"route add default via {segment.net4[1]} metric {100 + number}"]  # fmt: skip
        if link.ipv6:
            lines += [f"addr add {link.ipv6}/{segment.net6.prefixlen} dev {link.name} nodad",
                      f"route add ::/0 via {segment.net6[1]} metric {100 + number}"]  # fmt: skip
        host.ip(*lines)
        host.carries(link)

    # --- what runs on them

    def genkey(self) -> tuple[str, str]:
        """A new WireGuard key pair: private, public (base64)."""
        private = subprocess.check_output(["wg", "genkey"], text=True, env=self.env).strip()
        return private, subprocess.check_output(["wg", "pubkey"], input=private, text=True, env=self.env).strip()

    @property
    def kernel_wireguard(self) -> bool:
        """Whether the kernel has WireGuard; otherwise the lab runs wireguard-go."""
        if self._kernel_wireguard is None:
            node = self.internet
            self._kernel_wireguard = node.run("ip link add probe type wireguard".split(), check=False).returncode == 0
            if self._kernel_wireguard:
                node.run("ip link del probe".split())
        return self._kernel_wireguard

    def wireguard(self, host: Node, ifname: str, private_key: str, port: int, addresses: Iterable[str],
                  peers: Iterable[Sequence[str]] = (), keepalive: int = 0) -> None:  # fmt: skip
        """Set up a WireGuard interface by hand, as an admin would.

        `addresses` have prefix lengths; each peer is (public key, allowed IPs[, endpoint]) and
        its allowed IPs are routed into the interface. `keepalive` in seconds for all peers.
        """
        if self.kernel_wireguard:
            host.ip(f"link add {ifname} type wireguard")
        else:
            host.popen(["wireguard-go", "-f", ifname], log=f"{ifname}.log", env={"LOG_LEVEL": "error"})
            socket = host.file(f"/run/wireguard/{ifname}.sock")
            wait_for(f"{host.name}: wireguard-go {ifname}", socket.exists)
        config = [f"[Interface]\nPrivateKey = {private_key}\nListenPort = {port}"]
        lines = [f"addr add {address} dev {ifname}" for address in addresses] + [f"link set {ifname} up"]
        for public_key, allowed_ips, *endpoint in peers:
            config.append(f"[Peer]\nPublicKey = {public_key}\nAllowedIPs = {allowed_ips}")
            config += [f"Endpoint = {endpoint[0]}"] if endpoint and endpoint[0] else []
            config += [f"PersistentKeepalive = {keepalive}"] if keepalive else []
            lines += [f"route replace {prefix.strip()} dev {ifname}" for prefix in allowed_ips.split(",") if prefix.strip()]
        host.run(["wg", "setconf", ifname, "/dev/stdin"], input="\n".join(config) + "\n")
        host.ip(*lines)

    def registry(self, host: Node, config: dict[str, Any], args: Sequence[str] = (), url: str | None = None) -> Process:
        """Run scope-registry on a host and wait until it listens: its .url, .log and .stop() are of use.

        `listen` and `listenPort` default to all addresses and 8080; `url` when it is not
        http://HOST:PORT.
        """
        program = Path("/usr/bin/scope-registry") if self.installed else self.build / "src/registry/scope-registry"
        config = {"listen": "0.0.0.0", "listenPort": 8080, **config}
        file = host.dir / f"registry-{config['listenPort']}.json"
        file.write_text(json.dumps(config, indent=2))
        process = host.popen([program, *args, file], log=f"registry-{config['listenPort']}.log")
        process.url = url or f"http://{host.address(4)}:{config['listenPort']}"

        def listens() -> bool:
            if process.poll() is not None:
                raise RuntimeError(f"{host.name}: scope-registry ended: {process.log.read_text()}")
            return any(_listens(host.pid, table, config["listenPort"]) for table in ("tcp", "tcp6"))

        wait_for(f"{host.name}: scope-registry listens, see {process.log}", listens)
        return process

    def scope_add(self, host: Host, name: str, data: Mapping[str, Any], secrets: Mapping[str, str] | None = None,
                  **nm_settings: str) -> str:  # fmt: skip
        """Add a Scope connection with nmcli and return its UUID.

        `data` is vpn.data; a secret is stored in the profile unless data says otherwise
        (KEY-flags). More settings by their names: **{"vpn.persistent": "yes"}.
        """
        data = {**{f"{key}-flags": 0 for key in secrets or ()}, **data}
        argv = ["connection", "add", "type", "vpn", "con-name", name, "ifname", "*", "vpn-type", "scope",
                "connection.autoconnect", "no", "vpn.data", _option_list(data)]  # fmt: skip
        if secrets:
            argv += ["vpn.secrets", _option_list(secrets)]
        for key, value in nm_settings.items():
            argv += [key, value]
        return re.search(r"\(([0-9a-f-]{36})\)", host.nmcli(*argv).stdout)[1]

    def helper(self, name: str, *packages: str) -> Path:
        """A program of tests/lab: of the build tree, or made here and now with what pkg-config knows of `packages`."""
        if name not in self._helpers:
            built = self.build and self.build / "tests/lab" / name
            self._helpers[name] = built if built and built.exists() else self.dir / name
            if not self._helpers[name].exists():
                flags = subprocess.check_output(["pkg-config", "--cflags", "--libs", *packages], text=True) if packages else ""
                subprocess.check_call(["cc", "-O2", "-o", self.dir / name, _HERE / f"{name}.c", *flags.split()], env=self.env)
        return self._helpers[name]

    @property
    def share(self) -> float:
        """How many of 100 packets get lost on one of the two cables between two hosts."""
        return 100 * (1 - (1 - self.loss / 100) ** 0.5)

    @property
    def netem(self) -> bool:
        """Whether the kernel itself can make a cable long; otherwise a helper carries its frames, which costs more."""
        if self._netem is None:
            made = self.internet.run("tc qdisc add dev lo root netem delay 1ms".split(), check=False).returncode == 0
            if made:
                self.internet.run("tc qdisc del dev lo root".split())
            self._netem = made
        return self._netem

    def late(self, node: Node, name: str, ms: float, loss: float) -> None:
        """From now on what leaves a node through this interface is `ms` late, and `loss` percent of it get lost."""
        node.tool(["tc", "qdisc", "replace", "dev", name, "root", "netem", "delay", f"{round(ms * 1000)}us",
                   "loss", f"{loss:.6f}%", "limit", "16384"])  # fmt: skip

    def delay(self, node: Node, one: str, other: str) -> Process:
        """Run the delay helper between two interfaces of a node; what is written to it changes it, see delay.c."""
        delay_us = round(self.delay_ms * 1000 / 4)
        self._delays += 1
        argv = [self.helper("delay"), one, other, str(delay_us), f"{self.share:.6f}", str(self._delays)]
        with open(node.dir / "delay.log", "ab") as log:
            process = node.popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        if not process.stdout.readline():  # a line comes when it forwards
            raise RuntimeError(f"no delay between {one} and {other}, see {log.name}")
        process.stdout.close()
        return process

    # --- the end

    def report(self, lines: int = 40) -> Iterator[str]:
        """The last lines of each log, for a failed test; from then on close() keeps the logs."""
        self.keep_logs = True
        for log in sorted(self.dir.glob("*/*.log")):
            text = log.read_text(errors="replace").splitlines()
            if text:
                yield f"--- {log}"
                yield from text[-lines:]

    def close(self) -> None:
        """End every process of the lab and remove its files; again: nothing."""
        if self._closed or os.getpid() != int(self._owner.split(".")[0]):
            return
        self._closed = time.clock_gettime(time.CLOCK_BOOTTIME)
        atexit.unregister(self.close)
        if self.report in tap.on_failure:
            tap.on_failure.remove(self.report)
        for node in self.nodes.values():  # all first, then wait
            node.halt()
        for node in self.nodes.values():
            node.halt(wait=True)
        if self.keep_logs:
            (self.dir / "kept").touch()
            for program in self._helpers.values():
                if program.parent == self.dir:
                    program.unlink(missing_ok=True)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)

    def leftovers(self, within: float = 10) -> list[str]:
        """What is left of this lab: processes, namespaces, mounts, interfaces, files. Empty after close().

        What goes within so many seconds does not count: programs that end slowly, and labs beside us that begin.
        """
        deadline = time.monotonic() + within
        while (found := self._left()) and time.monotonic() < deadline:
            time.sleep(0.2)
        return found

    def _left(self) -> list[str]:
        owners = dict(_tagged())
        found = [f"process {pid} {_command(pid)}" for pid, owner in owners.items() if owner == self._owner]
        inodes = {inode for node in self.nodes.values() for inode in node.namespaces}
        for entry in Path("/proc").glob("[0-9]*/ns/*"):
            pid = int(entry.parts[2])
            if owners.get(pid, self._owner) != self._owner:
                continue  # another lab beside us: the kernel gives numbers of namespaces that are gone to new ones
            with contextlib.suppress(OSError):
                if entry.name in ("net", "mnt", "pid") and entry.stat().st_ino in inodes and not self._later(pid):
                    found.append(f"{entry.name} namespace of process {pid}")
        found += [f"mount {line}" for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(self.dir) in line]
        found += [f"interface {name}" for name in sorted(_interfaces() - self._interfaces)]
        if self.dir.exists() and not self.keep_logs:
            found.append(f"directory {self.dir}")
        return found

    def _later(self, pid: int) -> bool:
        """Whether the process began after the lab was closed: then its namespaces are others, with numbers that were ours."""
        started = int(_identity(pid).split(".")[1]) / os.sysconf("SC_CLK_TCK")
        return bool(self._closed) and started > self._closed


def sweep() -> list[str]:
    """Kill the processes and remove the files of labs whose owner is dead; returns what was found.

    Logs that were kept on purpose go after a day.
    """
    found = []
    for pid, owner in _tagged():
        if _dead(owner):
            found.append(f"process {pid} {_command(pid)}")
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    for directory in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*.*.*.*"):
        kept = (directory / "kept").exists() and time.time() - directory.stat().st_mtime < 86400
        if _dead(".".join(directory.name.removeprefix(_PREFIX).split(".")[:3])) and not kept:
            found.append(f"directory {directory}")
            shutil.rmtree(directory, ignore_errors=True)
    return found


def _identity(pid: int) -> str:
    """What tells a process from a later one with its PID: PID, start time, PID namespace."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return f"{pid}.{fields[19]}.{os.stat('/proc/self/ns/pid').st_ino}"


def _dead(owner: str) -> bool:
    pid, _, namespace = owner.split(".")
    if int(namespace) != os.stat("/proc/self/ns/pid").st_ino:
        return False  # not ours to judge
    try:
        return _identity(int(pid)) != owner
    except OSError:
        return True


def _tagged() -> Iterator[tuple[int, str]]:
    """All processes of labs with their owners."""
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if match := re.search(rf"(?:^|\0){_TAG}=(\d+\.\d+\.\d+)(?:\0|$)", path.read_text(errors="replace")):
                yield int(path.parts[2]), match[1]


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")[:80].strip()
    return "(gone)"


def _interfaces() -> set[str]:
    return {line.split(":")[0].strip() for line in Path("/proc/net/dev").read_text().splitlines()[2:]}


def _listens(pid: int, table: str, port: int) -> bool:
    """Whether a TCP socket listens (state 0A) on the port in the network of process pid."""
    for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
            return True
    return False


def _option_list(options: Mapping[str, Any]) -> str:
    """nmcli's notation of key-value lists, where a backslash keeps a comma."""
    values = {key: str(value).replace("\\", "\\\\").replace(",", "\\,") for key, value in options.items()}
    return ", ".join(f"{key} = {value}" for key, value in values.items())
