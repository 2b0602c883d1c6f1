# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody who is not root, on a host of the lab."""

import subprocess
from typing import Any, Sequence

from lab.host import Host
from lab.node import Process

UID = 60200

# The machine's users and this one; a home and a runtime directory; sockets of X that are no other machine's; a session, as
# logind tells of it: connections may be one person's, as those that GNOME Settings adds, and then only who is there has them.
_MOVE_IN = r"""
set -e
name=$1 uid=$2 home=$3 runtime=$4
mkdir -p /run/lab /tmp/.X11-unix /tmp/.ICE-unix
for file in passwd group; do cp /etc/$file /run/lab/$file; done
echo "$name:x:$uid:$uid:$name:$home:/bin/sh" >>/run/lab/passwd
echo "$name:x:$uid:" >>/run/lab/group
for file in passwd group; do mount --bind /run/lab/$file /etc/$file; done
for dir in /tmp/.X11-unix /tmp/.ICE-unix; do mount -t tmpfs -o mode=1777 tmpfs $dir; done
mkdir -p /run/user
install -d -m 700 -o "$uid" -g "$uid" "$home" "$runtime"
cd /run/systemd
printf 'UID=%s\nUSER=%s\nACTIVE=1\nSTATE=active\nREMOTE=0\nTYPE=x11\nCLASS=user\n' "$uid" "$name" >session
printf 'NAME=%s\nSTATE=active\nSESSIONS=1\nACTIVE_SESSIONS=1\nONLINE_SESSIONS=1\n' "$name" >user
mv session sessions/1
mv user users/"$uid"
"""


class Person:
    """A normal user with an empty home; one for each host."""

    def __init__(self, host: Host, name: str = "alice") -> None:
        self.host, self.name, self.uid = host, name, UID
        self.home, self.runtime = f"/run/{name}", f"/run/user/{UID}"
        host.run(["sh", "-c", _MOVE_IN, "move-in", name, str(UID), self.home, self.runtime])
        self.env = {"HOME": self.home, "USER": name, "LOGNAME": name, "XDG_RUNTIME_DIR": self.runtime,
                    "LC_ALL": "C.UTF-8"}  # fmt: skip
        build = host.lab.build
        if build and self.run(["test", "-x", str(build / "properties")], check=False).returncode != 0:
            raise RuntimeError(f"{name}, who is not root, cannot look into {build}: build elsewhere")

    def _become(self, argv: Sequence[Any]) -> list[Any]:
        return ["setpriv", "--reuid", str(self.uid), "--regid", str(self.uid), "--clear-groups", "--",
                "env", "-C", self.home, *argv]  # fmt: skip

    def run(self, argv: Sequence[Any], check: bool = True, timeout: float = 30, input: str | None = None,
            env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:  # fmt: skip
        """Node.run() as this user."""
        return self.host.run(self._become(argv), check, timeout, input, {**self.env, **(env or {})})

    def popen(self, argv: Sequence[Any], log: str | None = None, env: dict[str, str] | None = None, **kwargs: Any) -> Process:
        """Node.popen() as this user."""
        if not {"stdout", "stderr"} & set(kwargs):
            log = log or f"{argv[0].rsplit('/', 1)[-1]}.log"
        return self.host.popen(self._become(argv), log, env={**self.env, **(env or {})}, **kwargs)

    def nmcli(self, *arguments: str, check: bool = True, timeout: float = 60) -> str:
        """What nmcli prints for this user."""
        return self.run(["nmcli", *arguments], check, timeout).stdout

    def file(self, path: str, text: str) -> str:
        """Write a file in the home directory; returns its path on the host."""
        self.run(["sh", "-c", 'mkdir -p "$(dirname "$1")" && cat >"$1"', "write", path], input=text)
        return f"{self.home}/{path}"
