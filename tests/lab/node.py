# SPDX-License-Identifier: GPL-3.0-or-later
"""A node: a machine made of a network, mount, PID and UTS namespace.

The namespaces have no names and no mounts that hold them: they live as long as the node's
first process does, which lives as long as the pipe to the lab's owner. So nothing outlives
the owner, however it ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import re
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Iterator, Sequence, TypeVar

if TYPE_CHECKING:
    from .lab import Lab
    from .nat import Segment

_T = TypeVar("_T")
_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# The first process of a node. It reads its standard input to the end, which comes when the
# owner closes the pipe or dies; with SIGCHLD ignored the kernel reaps orphans for it.
# sysfs shows this network namespace, read-only: otherwise NetworkManager waits for udev.
_INIT = r"""
set -e
name=$1 hosts=$2 root=$3
if [ -n "$root" ]; then
    mount --rbind /dev "$root/dev"
    mount -t proc proc "$root/proc"
    mkdir -p "$root${hosts%/*}"
    mount --bind "${hosts%/*}" "$root${hosts%/*}"
    cd "$root"
    pivot_root . .
    umount -l .
fi
mount -t sysfs -o ro sysfs /sys
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/dbus /run/home /run/lock /run/udev /run/wireguard
mount --bind "$hosts" /etc/hosts
resolv=$(readlink -m /etc/resolv.conf)
mkdir -p "${resolv%/*}"
[ -e "$resolv" ] || : >"$resolv"
: >/run/resolv.conf
mount --bind /run/resolv.conf "$resolv"
echo "$name" >/proc/sys/kernel/hostname
cd /proc/sys/net
for scope in all default; do
    echo 0 >ipv4/conf/$scope/rp_filter
    echo 0 >ipv4/conf/$scope/accept_redirects
    echo 0 >ipv4/conf/$scope/send_redirects
    echo 0 >ipv6/conf/$scope/accept_redirects
    echo 0 >ipv6/conf/$scope/accept_dad
    echo 0 >ipv6/conf/$scope/accept_ra
done
echo 0 2147483647 >ipv4/ping_group_range
ip link set lo up
cd /
echo ready
exec env --ignore-signal=CHLD cat >/dev/null
"""


class CommandFailed(Exception):
    """A command in a node failed or took too long; the text has its output."""

    def __init__(self, node: str, result: subprocess.CompletedProcess[str], why: str):
        self.result = result
        output = "".join(f"\n  {line}" for line in (result.stdout + result.stderr).splitlines())
        super().__init__(f"{node}: {' '.join(result.args)}: {why}{output}")


def wait_for(what: str, probe: Callable[[], _T | None], timeout: float = 15, interval: float = 0.02) -> _T:
    """Call probe until it returns something true, and return that; TimeoutError after timeout seconds."""
    deadline = time.monotonic() + timeout
    while not (value := probe()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout:g} s for {what}")
        time.sleep(interval)
    return value


class Process(subprocess.Popen):
    """A process in a node. Signals go to the process itself, not to the nsenter(1) in front of it."""

    log: Path | None = None  #: where its output goes, when not given by the caller
    url: str = ""  #: base URL, when the process is a registry

    @property
    def inner(self) -> int | None:
        """The process's PID as seen from outside of the node; None when it has ended."""
        while self.poll() is None:
            with contextlib.suppress(OSError, IndexError):
                return int(Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()[0])
            time.sleep(0.001)  # nsenter has not forked yet, or ends
        return None

    def send_signal(self, sig: int) -> None:
        """Send a signal; nothing when the process has ended."""
        if inner := self.inner:
            with contextlib.suppress(ProcessLookupError):
                os.kill(inner, sig)

    def stop(self, timeout: float = 5) -> int:
        """SIGTERM, after timeout seconds SIGKILL; returns the exit status (negative: signal)."""
        self.terminate()
        try:
            return self.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            return self.wait()


@dataclass
class Link:
    """A cable from a node to a bridge of the internet or of a router's LAN."""

    name: str  #: interface name in the node
    segment: Segment
    far: str  #: the cable's other end, in the segment's node
    port: str  #: the port on the bridge; is `far` unless a delay helper sits between
    wires: tuple[str, ...]  #: all interfaces of the cable in the segment's node
    ipv4: str | None  #: address without prefix length
    ipv6: str | None
    delayed: bool = False  #: in a lab with a delay, unless it is within a LAN
    helper: Process | None = None  #: what delays and loses its packets where the kernel has no netem
    is_cut: bool = False


class Node:
    """A machine without NetworkManager: own network, mounts, /run and processes.

    Its files are this machine's, or those of another system whose root is mounted at `root`.
    """

    def __init__(self, lab: Lab, name: str, root: Path | None = None):
        self.lab = lab
        self.name = name
        self.links: list[Link] = []
        self.dir = lab.dir / name  #: logs and configuration, outside of the node
        self.dir.mkdir()
        self._sockets: list[socket.socket] = []
        self.env = dict(lab.env)  #: environment of everything that runs in the node
        with open(self.dir / "init.log", "wb") as log:
            self._unshare = subprocess.Popen(
                ["unshare", "--net", "--mount", "--pid", "--uts", "--fork", "--kill-child", "--mount-proc",
                 "sh", "-c", _INIT, "lab-node", name, str(lab.hosts_file), str(root or "")],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=self.env,
                start_new_session=True)  # fmt: skip
        if self._unshare.stdout.readline() != "ready\n":
            raise RuntimeError(f"{name}: cannot make namespaces: {Path(log.name).read_text()}")
        children = Path(f"/proc/{self._unshare.pid}/task/{self._unshare.pid}/children")
        self.pid = int(children.read_text().split()[0])  #: first process, as seen from outside
        self.namespaces = {os.stat(f"/proc/{self.pid}/ns/{kind}").st_ino for kind in ("net", "mnt", "pid_for_children")}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} pid {self.pid}>"

    # --- processes

    def popen(self, argv: Sequence[str | os.PathLike[str]], log: str | None = None, **kwargs: Any) -> Process:
        """Start a program in the node.

        Its output is appended to the file `log` in `self.dir`, by default PROGRAM.log; keyword
        arguments are those of subprocess.Popen and come first. The result is running: stop(),
        kill(), wait(). It ends with the node at the latest.
        """
        argv = [os.fspath(word) for word in argv]
        path = None
        if not {"stdout", "stderr"} & set(kwargs):
            path = self.dir / (log or os.path.basename(argv[0]) + ".log")
            kwargs["stdout"] = kwargs["stderr"] = output = open(path, "ab")
        kwargs.setdefault("stdin", subprocess.DEVNULL)
        kwargs["env"] = {**self.env, **(kwargs.get("env") or {})}
        process = Process(["nsenter", "-t", str(self.pid), "-n", "-m", "-p", "-u", "--", *argv], **kwargs)
        if path:
            output.close()
            process.log = path
        return process

    def _exec(self, argv: Sequence[str], check: bool = True, timeout: float = 30, input: str | None = None,
              env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:  # fmt: skip
        argv = [os.fspath(word) for word in argv]
        process = Node.popen(self, argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env,
                             stdin=subprocess.DEVNULL if input is None else subprocess.PIPE)  # fmt: skip
        why = ""
        try:
            out, err = process.communicate(input, timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            why = f"no end within {timeout:g} s"
        except BaseException:
            process.kill()
            process.wait()
            raise
        result = subprocess.CompletedProcess(argv, process.returncode, out, err)
        if why or (check and result.returncode != 0):
            raise CommandFailed(self.name, result, why or f"exit status {result.returncode}")
        return result

    def run(self, argv: Sequence[str], check: bool = True, timeout: float = 30, input: str | None = None,
            env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:  # fmt: skip
        """Run a program in the node to its end and return it with its output as text.

        CommandFailed when it takes more than timeout seconds, or fails and check is set.
        """
        return self._exec(argv, check, timeout, input, env)

    def shell(self) -> int:
        """An interactive shell in the node, on this terminal; returns its exit status."""
        env = {**self.env, "PS1": f"{self.name}:\\w# ", "TERM": os.environ.get("TERM", "dumb")}
        argv = ["nsenter", "-t", str(self.pid), "-n", "-m", "-p", "-u", "--", "bash", "--norc"]
        return subprocess.call(argv, env=env)

    def file(self, path: str) -> Path:
        """A file of the node (absolute path there), as this process can reach it."""
        return Path(f"/proc/{self.pid}/root") / path.lstrip("/")

    def stop(self) -> None:
        """Switch the node off: its links and every process in it are gone when this returns.

        The far ends of the cables go first: a dead namespace's kernel answers pings for a while.
        """
        for link in self.links:
            link.segment.node.ip(f"link del {link.far}")
        self.links.clear()
        self.halt(wait=True)

    def halt(self, wait: bool = False) -> None:
        """Kill the node's processes; its network goes soon after."""
        for sock in self._sockets:
            sock.close()
        if self._unshare.poll() is None:
            with contextlib.suppress(OSError):
                self._unshare.stdin.close()
                os.kill(self.pid, signal.SIGKILL)
        if wait:
            self._unshare.wait()
            self._unshare.stdout.close()

    @property
    def running(self) -> bool:
        return self._unshare.poll() is None

    # --- network

    @contextlib.contextmanager
    def network(self) -> Iterator[None]:
        """Within the `with` block this thread is in the node's network: sockets opened there stay in it."""
        with open("/proc/thread-self/ns/net") as home, open(f"/proc/{self.pid}/ns/net") as there:
            _setns(there.fileno())
            try:
                yield
            finally:
                _setns(home.fileno())

    def udp(self, port: int = 0, family: int = 4) -> socket.socket:
        """A UDP socket of this process, bound to a port in the node's network; stop() closes it."""
        with self.network():
            sock = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
        self._sockets.append(sock)
        if family == 6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(("" if family == 4 else "::", port))
        return sock

    def address(self, family: int = 4, link: str | int = 0) -> str:
        """The node's IPv4 or IPv6 address on a link, without prefix length."""
        address = self.link(link).ipv4 if family == 4 else self.link(link).ipv6
        if not address:
            raise LookupError(f"{self.name} has no IPv{family} address there")
        return address

    def link(self, name: str | int = 0) -> Link:
        """A base link by interface name or number."""
        if isinstance(name, int):
            return self.links[name]
        for link in self.links:
            if link.name == name:
                return link
        raise LookupError(f"{self.name} has no link {name}")

    def ping(self, destination: str, timeout: float = 5) -> float | None:
        """Ping until the first answer, every 50 ms; its round trip in ms, None after timeout seconds.

        An ICMP error (unreachable) does not end the wait: the ping goes on.
        """
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            argv = ["ping", "-n", "-i", "0.05", "-c", "1", "-w", str(math.ceil(left)), "-W", "1", destination]
            try:
                out = self.run(argv, check=False, timeout=left).stdout
            except CommandFailed:
                return None
            if answer := re.search(r" time=([0-9.]+) ms", out):
                return float(answer[1])
            time.sleep(0.02)
        return None

    def cut(self, link: str | int = 0) -> None:
        """Lose every packet of a link silently; its carrier stays. plug() ends it."""
        cable = self.link(link)
        cable.is_cut = True
        cable.segment.node.tool(["bridge", "link", "set", "dev", cable.port, "state", "0"])

    def unplug(self, link: str | int = 0) -> None:
        """Take a link's carrier away."""
        cable = self.link(link)
        cable.segment.node.tool(["ip", "link", "set", cable.far, "down"])

    def plug(self, link: str | int = 0) -> None:
        """Undo cut() and unplug()."""
        cable = self.link(link)
        cable.segment.node.tool(["ip", "link", "set", cable.far, "up"])
        if cable.is_cut:
            cable.segment.node.tool(["bridge", "link", "set", "dev", cable.port, "state", "3"])
        cable.is_cut = False
        self.carries(cable)

    def slow(self, ms: float, link: str | int = 0, loss: float = 0) -> None:
        """From now on a link's cable makes round trips to hosts with usual cables take `ms`, and loses `loss` percent each way.

        Only in a lab with a delay, and on links to the internet: nothing delays on other cables.
        """
        cable, lab = self.link(link), self.lab
        if not cable.delayed:
            raise LookupError(f"{self.name}: nothing delays {cable.name}: make the lab with delay_ms")
        one_way = max(0, ms - lab.delay_ms / 2) / 2
        if not cable.helper:
            lab.late(cable.segment.node, cable.far, one_way, loss)
            lab.late(self, cable.name, one_way, loss)
            return
        cable.helper.stdin.write(b"%d %f\n" % (round(one_way * 1000), loss))
        cable.helper.stdin.flush()

    def processes(self) -> list[int]:
        """All processes of the node but its first one, by their PIDs outside."""
        own = os.stat(f"/proc/{self.pid}/ns/pid").st_ino
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if os.stat(path / "ns/pid").st_ino == own and int(path.name) != self.pid:
                    found.append(int(path.name))
        return found

    def freeze(self) -> None:
        """Stop every process where it is and lose every packet: all that a machine does while it sleeps.

        Its clocks go on, other than those of a real machine (CLOCK_MONOTONIC stands still there), since a clock of
        one host cannot be set here. For who looks at the wall clock that is the same.
        """
        for link in range(len(self.links)):
            self.cut(link)
        stopped: set[int] = set()
        while new := set(self.processes()) - stopped:
            for pid in new:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)
            stopped |= new

    def thaw(self) -> None:
        """Undo freeze()."""
        for pid in self.processes():
            with contextlib.suppress(OSError):
                # nsenter(1) stops itself when what it has started stops
                [parent] = re.findall(r"^PPid:\t(\d+)$", Path(f"/proc/{pid}/status").read_text(), re.M)
                for each in {pid, int(parent)} - {0, 1, self.pid}:
                    os.kill(each, signal.SIGCONT)
        for cable in self.links:
            cable.is_cut = False
            # A port whose other end was switched off while asleep forwards by itself as soon as that is on again.
            if (self.file("/sys/class/net") / cable.name / "operstate").read_text() == "up\n":
                cable.segment.node.tool(["bridge", "link", "set", "dev", cable.port, "state", "3"])

    def carries(self, cable: Link) -> None:
        """Wait until a link that is up carries packets: the kernel works on a new carrier in the background.

        A packet lost until then would cost a second, the time to repeat an address request.
        """

        def settled() -> bool:
            there = cable.segment.node.file("/sys/class/net")
            up = [self.file("/sys/class/net") / cable.name, *(there / wire for wire in cable.wires)]
            forwarding = there / cable.port / "brport/state"
            return all((path / "operstate").read_text() == "up\n" for path in up) and forwarding.read_text() == "3\n"

        wait_for(f"{self.name}: carrier of {cable.name}", settled, interval=0.001)

    def ip(self, *lines: str) -> None:
        """Run lines of ip(8), such as "link set eth0 up", in one process."""
        self.tool(["ip", "-batch", "-"], "\n".join(lines) + "\n")

    def tool(self, argv: Sequence[str], input: str = "") -> None:
        """Run a program that needs only the node's network: cheaper than run(), and seen by nobody in the node."""
        with self.network():
            result = subprocess.run(argv, input=input, text=True, capture_output=True, env=self.env)
        if result.returncode != 0:
            raise CommandFailed(self.name, result, f"exit status {result.returncode}: {input}")

    def sysctl(self, **values: object) -> None:
        """Set net.* sysctls: `__` stands for the dot, such as ipv4__ip_forward=1."""
        with self.network():
            for key, value in values.items():
                Path("/proc/sys/net", *key.split("__")).write_text(str(value))


def _setns(fd: int) -> None:
    if _libc.setns(fd, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
