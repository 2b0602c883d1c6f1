# SPDX-License-Identifier: GPL-3.0-or-later
"""The editor in editor-host (GTK 3 and GTK 4), on a screen of its own; needs no lab and no root.

    with Screen() as screen, EditorHost(screen, 4, BUILD) as host:
        host.open({"registry": "https://r.example", "network": "home"})
        host.put("listen-port", "1234")
        assert host.update() == ""
        assert host.data()["listen-port"] == "1234"
"""

import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Callable

_NAME = """\
[VPN Connection]
name=scope
service=org.freedesktop.NetworkManager.scope
program=/bin/true

[libnm]
plugin={}
"""


class Screen:
    """An X server, and a home that nothing else is in."""

    def __init__(self) -> None:
        self._home = tempfile.TemporaryDirectory(prefix="scope-editor-")
        self.home = Path(self._home.name)
        self._x = subprocess.Popen(["Xvfb", "-displayfd", "1", "-screen", "0", "1280x1024x24", "-nolisten", "tcp", "-noreset"],
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # fmt: skip
        self.pid = self._x.pid
        self.display = f":{self._x.stdout.readline().decode().strip()}"
        assert self.display != ":", "Xvfb does not start"

    def __enter__(self) -> "Screen":
        return self

    def __exit__(self, *_: object) -> None:
        self._x.terminate()
        self._x.wait()
        self._x.stdout.close()
        self._home.cleanup()


class EditorHost:
    """A process of editor-host; its verbs as methods. Ends itself with the first critical message of GLib."""

    def __init__(self, screen: Screen, gtk: int, build: Path, **env: str) -> None:
        plugins = screen.home / f"VPN-{build.name}"
        plugins.mkdir(exist_ok=True)
        (plugins / "nm-scope-service.name").write_text(_NAME.format(build / "properties/.libs/libnm-vpn-plugin-scope.so"))
        self.log = screen.home / f"host{gtk}-{time.monotonic_ns()}.log"
        program = build / f"tests/desktop/editor-host-gtk{gtk}"
        clean = {name: value for name, value in os.environ.items() if name in ("PATH", "TMPDIR") or "SAN_" in name}
        clean |= {
            "DISPLAY": screen.display,
            "GDK_BACKEND": "x11",
            "GSETTINGS_BACKEND": "memory",
            "GSK_RENDERER": "cairo",
            "GTK_A11Y": "test",  # for GTK 4: what it would say, without a bus
            "G_DEBUG": "fatal-criticals",
            "HOME": str(screen.home),
            "XDG_RUNTIME_DIR": str(screen.home),
            "LC_ALL": "C.UTF-8",
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "NM_VPN_PLUGIN_DIR": str(plugins),
            "NO_AT_BRIDGE": "1",
            "SCOPE_X_SERVER": str(screen.pid),
            "SCOPE_SCOPECTL": str(build / "src/ctl/scopectl"),
        }
        with open(self.log, "wb") as log:
            self._process = subprocess.Popen([program], env=clean | env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        self.gtk = gtk

    def __enter__(self) -> "EditorHost":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        status = self.end()
        if kind is None and status != 0:
            raise AssertionError(f"editor-host ended with status {status}:\n{self.log.read_text()}")

    def end(self, timeout: float = 120) -> int:
        """Have it close everything and leave; its exit status."""
        if not self._process.stdin.closed:
            try:
                self._process.stdin.close()
            except BrokenPipeError:
                pass
        status = self._process.wait(timeout)
        self._process.stdout.close()
        return status

    def children(self) -> list[str]:
        """Programs that it has started and that are still there."""
        out = subprocess.run(["ps", "-o", "args=", "--ppid", str(self._process.pid)], capture_output=True, text=True).stdout
        return out.splitlines()

    def do(self, *words: str) -> list[str]:
        """One line to the host; its answer."""
        try:
            self._process.stdin.write(("\t".join(words) + "\n").encode())
            self._process.stdin.flush()
        except BrokenPipeError:
            pass
        lines = []
        while (line := self._process.stdout.readline()) != b".\n":
            if not line:
                raise AssertionError(f"editor-host has ended at {words}:\n{self.log.read_text()}")
            lines.append(line.decode().rstrip("\n"))
        assert lines[:1] not in (["no such verb"], ["no such widget"], ["no such choice"]), (words, lines)
        return lines

    def one(self, *words: str) -> str:
        return (self.do(*words) or [""])[0]

    def open(self, data: dict[str, str] = {}, secrets: dict[str, str] = {}) -> None:
        """The editor of a connection with this in it."""
        self.do("new")
        for key, value in data.items():
            self.do("data", key, value)
        for key, value in secrets.items():
            self.do("secret", key, value)
        assert self.do("open") == [], "the editor does not open"

    def get(self, widget: str) -> str:
        return self.one("get", widget)

    def put(self, widget: str, value: str) -> None:
        assert self.do("set", widget, value) == []

    def look(self, widget: str) -> set[str]:
        return set(self.one("look", widget).split())

    def update(self) -> str:
        """What a host does before it lets a person save: "" or why it may not."""
        return self.one("update")

    def _dump(self, kind: str) -> dict[str, str]:
        words = [line.split("\t") for line in self.do("dump")]
        return {word[1]: word[2] for word in words if word[0] == kind}

    def data(self) -> dict[str, str]:
        return self._dump("data")

    def secrets(self) -> dict[str, str]:
        return self._dump("secret")

    def stall(self) -> float:
        """ms that the main loop was held up at most, since it was asked last."""
        return float(self.one("stall"))

    def until(self, what: str, probe: Callable[[], bool], timeout: float = 30) -> None:
        end = time.monotonic() + timeout
        while not probe():
            if time.monotonic() > end:
                raise AssertionError(f"GTK {self.gtk}: {what}: not within {timeout} s")
            time.sleep(0.05)
