# SPDX-License-Identifier: GPL-3.0-or-later
"""A node with NetworkManager, its own system bus and base connections; Scope is installed in it."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Sequence

from .nat import Segment
from .node import CommandFailed, Link, Node, Process, wait_for

if TYPE_CHECKING:
    from .lab import Lab

_STATE = "/var/lib/nm-scope"

# A system of its own has these, and they are its own already.
_OWN_ROOT = r"""
set -e
mkdir -p /etc/NetworkManager/conf.d /etc/NetworkManager/system-connections
mkdir -p /run/dbus/services /run/dbus/policies /run/lab
mkdir -p /run/systemd/seats /run/systemd/sessions /run/systemd/users
"""

# NetworkManager looks for people's sessions where logind writes them, if that is there when it starts.
# A fresh tmpfs on each directory. A missing one cannot be made in the machine's own file
# system (which may be read-only, and is not ours): an overlay on its parent takes it.
_DIRECTORIES = r"""
set -e
for dir; do
    if [ ! -d "$dir" ]; then
        parent=${dir%/*} layer=/run/lab${dir%/*}
        mkdir -p "$layer/upper" "$layer/work"
        mount -t overlay -o "lowerdir=$parent,upperdir=$layer/upper,workdir=$layer/work" overlay "$parent"
        mkdir "$dir"
    fi
    mount -t tmpfs -o mode=755 tmpfs "$dir"
done
cd /etc/NetworkManager
mkdir conf.d VPN dispatcher.d dispatcher.d/no-wait.d dispatcher.d/pre-up.d dispatcher.d/pre-down.d
mkdir -m 700 system-connections
mkdir -p /run/dbus/services /run/dbus/policies /run/lab
mkdir -p /run/systemd/seats /run/systemd/sessions /run/systemd/users
"""

# NetworkManager replaces /etc/resolv.conf by renaming, which a bind mount does not allow.
_OWN_RESOLV_CONF = r"""
set -e
mkdir -p /run/lab/etc/upper /run/lab/etc/work
mount -t overlay -o lowerdir=/etc,upperdir=/run/lab/etc/upper,workdir=/run/lab/etc/work overlay /etc
mount --bind "$1" /etc/hosts
rm -f /etc/resolv.conf
: >/etc/resolv.conf
"""

_NETWORK_MANAGER = """\
[main]
plugins=keyfile
dhcp=internal
dns={dns}
rc-manager={rc_manager}
hostname-mode=none
no-auto-default=*
auth-polkit=false
[connectivity]
enabled=false
[logging]
level={level}
domains={domains}
"""

# The defaults of a system bus without its <type>: then no setuid helper and no systemd
# start activated services, the bus does.
_BUS = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <auth>EXTERNAL</auth>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <servicedir>/run/dbus/services</servicedir>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
  </policy>
  <policy user="root">
    <allow own="org.freedesktop.login1"/>
    <allow send_destination="org.freedesktop.login1"/>
  </policy>
  <includedir>/usr/share/dbus-1/system.d</includedir>
  <includedir>/etc/dbus-1/system.d</includedir>
  <includedir>/run/dbus/policies</includedir>
</busconfig>
"""

_SCOPE_POLICY = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <policy user="root">
    <allow own_prefix="org.freedesktop.NetworkManager.scope"/>
    <allow send_destination_prefix="org.freedesktop.NetworkManager.scope"/>
  </policy>
  <policy context="default">
    <deny own_prefix="org.freedesktop.NetworkManager.scope"/>
    <deny send_destination_prefix="org.freedesktop.NetworkManager.scope"/>
  </policy>
</busconfig>
"""

_SCOPE_NAME = """\
[VPN Connection]
name=scope
service=org.freedesktop.NetworkManager.scope
program=/run/lab/nm-scope-service
supports-multiple-connections=true

[libnm]
plugin={build}/properties/.libs/libnm-vpn-plugin-scope.so

[GNOME]
auth-dialog={build}/auth-dialog/nm-scope-auth-dialog
supports-external-ui-mode=true
supports-hints=true
"""

# NetworkManager 1.42 tells services to log to syslog even when it logs to stderr itself.
_SCOPE_SERVICE = """\
#!/bin/sh
export NM_VPN_LOG_SYSLOG=0
exec "{build}/src/service/nm-scope-service" "$@"
"""

_BASE_CONNECTION = """\
[connection]
id={link.name}
type=ethernet
interface-name={link.name}

"""

_BASE_IPV4 = """\
[ipv4]
method=manual
address1={link.ipv4}/{net4.prefixlen},{net4[1]}
route-metric={metric}
dad-timeout=0

"""

_BASE_IPV6 = """\
[ipv6]
method=manual
address1={link.ipv6}/{net6.prefixlen},{net6[1]}
route-metric={metric}
ip6-privacy=0
"""


class Host(Node):
    """A machine with NetworkManager.

    NetworkManager starts in the background; the first run(), popen(), nmcli() or ping() waits
    until the base connections are activated, and so does Lab.up() for all hosts at once.
    """

    def __init__(self, lab: Lab, name: str, segments: Sequence[Segment], ipv6: bool, dns: str,
                 ipv4: bool = True, root: Path | None = None):  # fmt: skip
        super().__init__(lab, name, root)
        self.log = self.dir / "NetworkManager.log"  #: of NetworkManager and the VPN services it starts
        self.log.touch()
        self._ipv6, self._ipv4 = ipv6, ipv4
        self._ready = False
        self._is_on = True
        self._nm: Process | None = None
        self._logind: Process | None = None
        if dns != "none":
            self._exec(["sh", "-c", _OWN_RESOLV_CONF, "lab", str(lab.hosts_file)])
        if root:
            self._exec(["sh", "-c", _OWN_ROOT])
        else:
            self._exec(["sh", "-c", _DIRECTORIES, "lab", "/etc/NetworkManager", "/var/lib/NetworkManager", _STATE])
        self._write(
            "/etc/NetworkManager/conf.d/90-lab.conf" if root else "/etc/NetworkManager/NetworkManager.conf",
            _NETWORK_MANAGER.format(dns=dns, rc_manager="unmanaged" if dns == "none" else "file",
                                    level=lab.nm_log[0], domains=lab.nm_log[1]))  # fmt: skip
        if not (lab.installed or root):
            self._install_scope()
        self._start_bus()
        for segment in segments:
            self._write_base(segment.attach(self, f"eth{len(self.links)}"))
        self.start_nm()

    # --- NetworkManager

    def start_nm(self) -> None:
        """Start NetworkManager; it becomes ready in the background, see up()."""
        self._ready = False
        self._nm = Node.popen(self, ["setpriv", f"--bounding-set={self._capabilities()}", "NetworkManager", "--debug"],
                              log=self.log.name)  # fmt: skip

    def _capabilities(self) -> str:
        """What systemd leaves to NetworkManager and to the services that it starts, as setpriv(1) wants it."""
        unit = self.file("/usr/lib/systemd/system/NetworkManager.service").read_text()
        names = re.search(r"^CapabilityBoundingSet=(.*)", unit, re.M)[1].split()
        return ",".join(["-all", *(f"+{name.removeprefix('CAP_').lower()}" for name in names)])

    def stop_nm(self) -> None:
        """End NetworkManager in order (SIGTERM); links and addresses stay, VPN connections go."""
        self._nm.stop(timeout=15)

    def kill_nm(self) -> None:
        """SIGKILL NetworkManager."""
        self._nm.kill()
        self._nm.wait()

    def up(self, timeout: float = 60) -> None:
        """Wait until NetworkManager has activated the base connections of all links."""
        if self._ready:
            return
        if not self._nm or self._nm.poll() is not None:
            raise RuntimeError(f"{self.name}: NetworkManager does not run, see {self.log}")
        self._exec(["nm-online", "-s", "-q", "-t", str(int(timeout))], timeout=timeout + 5)
        wanted = {link.name for link in self.links}
        wait_for(f"{self.name}: base connections activated, see {self.log}",
                 lambda: wanted <= self.active(), timeout, interval=0.1)  # fmt: skip
        for link in self.links:
            self.carries(link)
        self._ready = True

    def active(self) -> set[str]:
        """Names of the connections that are activated."""
        out = self._exec(["nmcli", "-t", "-f", "STATE,NAME", "connection", "show", "--active"]).stdout
        return {line.split(":", 1)[1] for line in out.splitlines() if line.startswith("activated:")}

    def nmcli(self, *args: str, check: bool = True, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run nmcli(1)."""
        return self.run(["nmcli", *args], check, timeout)

    def run(self, *args: Any, **kwargs: Any) -> subprocess.CompletedProcess[str]:
        self._up_if_running()
        return super().run(*args, **kwargs)

    def popen(self, *args: Any, **kwargs: Any) -> Process:
        self._up_if_running()
        return super().popen(*args, **kwargs)

    def _up_if_running(self) -> None:
        if not self._ready and self._nm and self._nm.poll() is None:
            self.up()

    # --- power

    @property
    def is_on(self) -> bool:
        return self._is_on

    def switch_off(self) -> None:
        """Switch the machine off in mid-sentence: no carrier, every process killed, tunnels gone. switch_on() ends it.

        What stop() does is the same to others, but for good.
        """
        for link in self.links:
            self.unplug(link.name)
        self._is_on = self._ready = False
        bus = self._bus.inner  # it is ours; nobody is left on it
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                if pid != bus:
                    os.kill(pid, signal.SIGKILL)
        self._nm.wait()
        for path in self.file("/sys/class/net").iterdir():
            if path.name != "lo" and path.name not in {link.name for link in self.links}:
                with contextlib.suppress(CommandFailed):
                    self.ip(f"link del {path.name}")

    def switch_on(self) -> None:
        """Boot: NetworkManager starts, and activates the base connections."""
        for link in self.links:
            self.ip(f"addr flush dev {link.name}", f"link set {link.name} up")
            self.plug(link.name)
        self._is_on = True
        self.start_nm()
        self.up()

    # --- base links

    def add_link(self, segment: Segment, timeout: float = 15) -> Link:
        """Add the next link (eth1, ...) to a segment, activate it and return it; its metric is higher."""
        self.up()
        link = segment.attach(self, f"eth{len(self.links)}")
        path = self._write_base(link)
        self.nmcli("connection", "load", path)
        wait_for(f"{self.name}: {link.name} activated", lambda: link.name in self.active(), timeout, interval=0.1)
        self.carries(link)
        return link

    def switch_link(self, to: str, gap: bool = False) -> None:
        """Make `to` the only active base connection: up first, then the others down (gap: the reverse)."""
        others = [link.name for link in self.links if link.name != to]
        steps = [["up", to], ["down", *others]]
        for verb, *names in reversed(steps) if gap else steps:
            self.nmcli("-w", "10", "connection", verb, *names, check=verb == "up")

    # --- sleep

    def logind(self) -> None:
        """Put a logind on the bus that can announce sleep (tests/lab/login1.c); NetworkManager and the service listen."""
        if not self._logind:
            program = self.lab.helper("login1", "gio-unix-2.0")
            with open(self.dir / "login1.log", "ab") as log:
                self._logind = self.popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
            self._hears("ready", 10)

    def sleep(self) -> float:
        """Go to sleep as a laptop does: announced, then frozen. Returns how many seconds others held it up."""
        self.logind()
        start = time.monotonic()
        self._logind.stdin.write(b"sleep\n")
        self._logind.stdin.flush()
        self._hears("released", 5)  # logind's InhibitDelayMaxSec: then it sleeps all the same
        took = time.monotonic() - start
        self.freeze()
        return took

    def wake(self) -> None:
        """Awake again: processes go on, the cable is there, logind says so. NetworkManager then brings the links up."""
        self.thaw()
        self._logind.stdin.write(b"wake\n")
        self._logind.stdin.flush()

    def _hears(self, word: str, timeout: float) -> bool:
        if not select.select([self._logind.stdout], [], [], timeout)[0]:
            return False
        line = os.read(self._logind.stdout.fileno(), 100).decode()
        if line != f"{word}\n":
            raise RuntimeError(f"{self.name}: login1 said {line!r} for {word!r}, see {self.dir / 'login1.log'}")
        return True

    # --- firewall

    def firewalld(self, timeout: float = 60) -> Process:
        """Run firewalld, as it is when it has just been installed; NetworkManager tells it the zones of its connections."""
        self._exec(["mkdir", "-p", "/run/lab/firewalld"])
        program = self.popen(["firewalld", "--nofork", "--nopid", "--log-target", "console", "--system-config", "/run/lab/firewalld"])
        wait_for(f"{self.name}: firewalld, see {program.log}", lambda: self.firewall_cmd("--state", check=False).returncode == 0,
                 timeout, interval=0.2)  # fmt: skip
        return program

    def firewall_cmd(self, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run firewall-cmd(1)."""
        return self.run(["firewall-cmd", *args], check)

    # --- files

    def _write(self, path: str, text: str, mode: int = 0o644) -> None:
        file = self.file(path)
        file.touch(mode)
        file.chmod(mode)
        file.write_text(text)

    def _write_base(self, link: Link) -> str:
        segment = link.segment
        if not self._ipv6:
            link.ipv6 = None
        if not self._ipv4:
            link.ipv4 = None
        text = _BASE_CONNECTION
        text += _BASE_IPV4 if link.ipv4 else "[ipv4]\nmethod=disabled\n\n"
        text += _BASE_IPV6 if link.ipv6 else "[ipv6]\nmethod=disabled\n"
        path = f"/etc/NetworkManager/system-connections/{link.name}.nmconnection"
        metric = 100 + int(link.name.removeprefix("eth"))
        self._write(path, text.format(link=link, net4=segment.net4, net6=segment.net6, metric=metric), 0o600)
        return path

    def _install_scope(self) -> None:
        build, source = self.lab.build, self.lab.source
        self._write("/etc/NetworkManager/VPN/nm-scope-service.name", _SCOPE_NAME.format(build=build))
        self._write("/run/lab/nm-scope-service", _SCOPE_SERVICE.format(build=build), 0o755)
        policy = source and source / "data/nm-scope-service.conf"
        text = policy.read_text() if policy and policy.exists() else _SCOPE_POLICY
        self._write("/run/dbus/policies/nm-scope-service.conf", text)
        dispatcher = source and source / "data/90-nm-scope.in"
        if dispatcher and dispatcher.exists():
            text = dispatcher.read_text().replace("@libexecdir@", f"{build}/src/service").replace("@localstatedir@", "/var")
            self._write("/etc/NetworkManager/dispatcher.d/90-nm-scope", text, 0o755)

    def _start_bus(self) -> None:
        for program in ("nm-dispatcher", "nm-priv-helper"):
            path = next((p for d in ("/usr/libexec", "/usr/lib/NetworkManager") if (p := Path(d, program)).exists()), None)
            if path:
                name = "org.freedesktop." + program.replace("-", "_")
                options = " --debug" if program == "nm-dispatcher" else ""  # log to stderr, hence to dbus.log
                self._write(f"/run/dbus/services/{name}.service",
                            f"[D-BUS Service]\nName={name}\nExec={path}{options}\nUser=root\n")  # fmt: skip
        self._write("/run/dbus/lab.conf", _BUS)
        with open(self.dir / "dbus.log", "ab") as log:
            bus = Node.popen(self, ["dbus-daemon", "--config-file=/run/dbus/lab.conf", "--nofork", "--nopidfile",
                                    "--print-address"], stdout=subprocess.PIPE, stderr=log)  # fmt: skip
        if not bus.stdout.readline():  # the address comes when the socket listens
            raise RuntimeError(f"{self.name}: no system bus, see {log.name}")
        bus.stdout.close()
        self._bus = bus
