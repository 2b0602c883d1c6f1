# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person's programs need: an X server, a session bus, a window manager, accessibility, a keyring.

    desktop = Desktop(member.host)
    desktop.start("nm-connection-editor")
    window = desktop.app("nm-connection-editor").get("frame", "Network Connections")
    desktop.shot("list")
"""

import os
import select
import subprocess
from pathlib import Path
from typing import Any, Sequence

from lab.host import Host
from lab.mesh import BUILD
from lab.node import Process, wait_for

from . import translations
from .person import Person
from .reader import Element, Reader

_SETTINGS = """\
[org/gnome/desktop/interface]
color-scheme='{scheme}'
gtk-theme='{theme}'
enable-animations=false
toolkit-accessibility=true
"""


class Desktop(Person):
    """A person who sits in front of a screen.

    `dark`, `scale` (1 or 2) and `language` ("de") are how it looks; `window_manager`=False leaves windows to what is started.
    Pictures go to SCOPE_ARTEFACTS, by default build/desktop.
    """

    def __init__(self, host: Host, name: str = "alice", dark: bool = False, scale: int = 1, language: str = "",
                 window_manager: bool = True) -> None:  # fmt: skip
        super().__init__(host, name)
        self.scale = scale
        self.pictures = Path(os.environ.get("SCOPE_ARTEFACTS") or BUILD.parent / "desktop")
        self.pictures.mkdir(parents=True, exist_ok=True)
        self.env |= {
            "GDK_BACKEND": "x11",
            "GDK_SCALE": str(scale),
            "GSETTINGS_BACKEND": "keyfile",
            "GSK_RENDERER": "cairo",  # the others draw with a software OpenGL, slowly
            "GTK_A11Y": "atspi",
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "XDG_CURRENT_DESKTOP": "GNOME",
            "XDG_SESSION_TYPE": "x11",
        }  # fmt: skip
        if language:
            self.env |= translations.install(host, language)
        self._gtk3_theme = "Adwaita:dark" if dark else "Adwaita"  # libadwaita looks at the settings, later ones at a portal
        if dark:
            self.env["ADW_DEBUG_COLOR_SCHEME"] = "prefer-dark"
        self.file(".config/glib-2.0/settings/keyfile",
                  _SETTINGS.format(scheme="prefer-dark" if dark else "default", theme="Adwaita-dark" if dark else "Adwaita"))  # fmt: skip
        if host.lab.build:
            self.env["SCOPE_SCOPECTL"] = str(host.lab.build / "src/ctl/scopectl")
        self._start_x()
        if window_manager:
            self.popen(["matchbox-window-manager", "-use_titlebar", "yes"])
        self._start_bus()
        self.reader = Reader(self)

    def _start_x(self) -> None:
        size = f"{1280 * self.scale}x{1024 * self.scale}x24"
        # By root: the lock in /tmp, which hosts share, is left out for nobody else. Its socket is this host's own.
        with open(self.host.dir / "Xvfb.log", "ab") as log:
            self._x = self.host.popen(["Xvfb", "-nolock", "-ac", "-displayfd", "1", "-screen", "0", size, "-dpi", str(96 * self.scale),
                                       "-nolisten", "tcp", "-noreset"], stdout=subprocess.PIPE, stderr=log)  # fmt: skip
        self.env["DISPLAY"] = f":{_first_line(self._x, 'Xvfb')}"
        self.run(["xdotool", "mousemove", "0", "0"])  # else there are tooltips in the middle of the screen

    def _start_bus(self) -> None:
        """After X: what the bus starts needs DISPLAY."""
        with open(self.host.dir / "session-bus.log", "ab") as log:
            self._bus = self.popen(["dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address",
                                    f"--address=unix:path={self.runtime}/bus"], stdout=subprocess.PIPE, stderr=log)  # fmt: skip
        self.env["DBUS_SESSION_BUS_ADDRESS"] = _first_line(self._bus, "the session bus")

    def start(self, program: str, *arguments: Any, env: dict[str, str] | None = None) -> Process:
        """Start a program; one process for each thing that a test does with it."""
        more = {"GTK_THEME": self._gtk3_theme} if program in ("nm-connection-editor", "nm-applet") else {}
        return self.popen([program, *arguments], env={**more, **(env or {})})

    def app(self, name: str, timeout: float = 20) -> Element:
        """A program as accessibility has it."""
        return self.reader.app(name, timeout)

    def keyring(self, password: str = "correct horse") -> None:
        """A Secret Service that is unlocked: gnome-keyring."""
        with open(self.host.dir / "keyring.log", "ab") as log:
            daemon = self.popen(["gnome-keyring-daemon", "--foreground", "--components=secrets", "--unlock"],
                                stdin=subprocess.PIPE, stdout=log, stderr=log)  # fmt: skip
        daemon.stdin.write(password.encode())  # all of it is the password, so no newline
        daemon.stdin.close()
        wait_for("a Secret Service", lambda: self.owned("org.freedesktop.secrets"), 15, interval=0.1)

    def owned(self, name: str) -> bool:
        """Whether somebody has a name on the session bus."""
        result = self.run(["gdbus", "call", "--session", "-d", "org.freedesktop.DBus", "-o", "/org/freedesktop/DBus",
                           "-m", "org.freedesktop.DBus.NameHasOwner", name], check=False)  # fmt: skip
        return "true" in result.stdout

    def keys(self, *keys: str) -> None:
        """Press keys, by their names in X."""
        self.run(["xdotool", "key", *keys])

    def type(self, text: str) -> None:
        self.run(["xdotool", "type", "--delay", "15", text])

    def shot(self, name: str) -> Path:
        """A picture of the screen, for people to look at; nothing depends on it."""
        path = self.pictures / f"{name}.png"
        data = self.host.popen(self._become(["import", "-window", "root", "png:-"]), env=self.env,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).communicate(timeout=30)[0]  # fmt: skip
        path.write_bytes(data)
        return path


def _first_line(process: Process, what: str, timeout: float = 20) -> str:
    """What a server says when it is ready."""
    if not select.select([process.stdout], [], [], timeout)[0]:
        raise TimeoutError(f"{what} does not start")
    line = process.stdout.readline().decode().strip()
    if not line:
        raise RuntimeError(f"{what} ended with status {process.wait()}")
    return line
