# SPDX-License-Identifier: GPL-3.0-or-later
"""Our editor's page in a program's window, as a person sees it: fields by their labels, in sections."""

from typing import Mapping

from lab.node import wait_for

from .desktop import Desktop
from .reader import Element

SECTIONS = ("Trust", "Addresses and Routes", "Reachability", "Interface")
# What a choice is called, and what it is in vpn.data.
CHOICES = {
    "Post-quantum keys": {"Default": "", "Required": "required", "Where the other end has them": "preferred", "Off": "off"},
    "Port mapping": {"Default": "", "When nothing else helps": "auto", "Always": "always", "Off": "off"},
    "WireGuard over HTTPS": {"Default": "", "Where UDP does not get through": "auto", "Always": "always", "Off": "off"},
    "Tunnel": {"Default": "", "Kernel, else in userspace": "auto", "Kernel": "kernel", "Userspace": "userspace"},
    "Mode": {"Default": "", "A tunnel of its own": "full", "Keys for an existing tunnel": "keys-only"},
}
SWITCHES = ("Masquerade",)
ENTRIES = ["text", "entry", "password text"]


def toggle(widget: Element) -> None:
    """A section or a box. GTK 4.8 has no action for that."""
    try:
        widget.click()
    except RuntimeError:
        widget.point()


class Form:
    """The page, in `window` of a program that is written with GTK 3 or 4."""

    def __init__(self, desktop: Desktop, window: Element, gtk4: bool) -> None:
        self.desktop, self.window, self.gtk4 = desktop, window, gtk4
        self.page = window.get("scroll pane", contains="Registry")

    def rename(self, name: str) -> None:
        """Give the connection a name."""
        self.window.get("text", label="Name" if self.gtk4 else "Connection name").write(name)

    def open(self) -> None:
        """Open all sections, the lowest first: none is scrolled away while the pointer goes there."""
        for section in reversed(SECTIONS):
            toggle(self.page.get(["push button", "toggle button"], contains=section))

    def _get(self, role: str | list[str], label: str) -> Element:
        """Also what is scrolled away."""
        return self.page.get(role, label=label, showing=False)

    def write(self, label: str, value: str) -> None:
        """Put a value where the label says; a choice's or a switch's value is that in vpn.data."""
        if label in CHOICES:
            self._choose(label, value)
        elif label in SWITCHES:
            switch = self._switch(label)
            if switch.has("checked") != (value == "yes"):
                switch.click()
        else:
            self._get(ENTRIES, label).write(value)

    def read(self, label: str) -> str:
        if label in CHOICES:
            box = self._get("combo box", label)
            # GTK 4: what it is set to stands in its button, the first of its labels but for “(None)”, which nobody sees
            texts = [each.name for each in box.all("label", showing=False)] if self.gtk4 else [box.name]
            return next((CHOICES[label][text] for text in texts if text in CHOICES[label]), "?")
        if label in SWITCHES:
            return "yes" if self._switch(label).has("checked") else ""
        return self._get(ENTRIES, label).text

    def fill(self, values: Mapping[str, str]) -> None:
        for label, value in values.items():
            self.write(label, value)

    def shows(self, values: Mapping[str, str]) -> None:
        """Every field has its value."""
        shown = {label: self.read(label) for label in values}
        wrong = {label: (value, shown[label]) for label, value in values.items() if shown[label] != value}
        assert not wrong, f"(wanted, shown): {wrong}"

    @property
    def automatically(self) -> Element | None:
        """The box for connection.autoconnect, which nm-connection-editor has on another page."""
        return self.page.find("check box", name="Connect automatically", showing=not self.gtk4)

    def _switch(self, label: str) -> Element:
        return self._get(["toggle button", "check box"], label)

    def _choose(self, label: str, value: str) -> None:
        box, wanted = self._get("combo box", label), list(CHOICES[label].values()).index(value)
        if self.gtk4:  # by the keyboard: the list may reach beyond the screen
            box.get(["push button", "toggle button"], showing=False).click()
            box.get("list item", showing=False, focused=True)
            self.desktop.keys("Home", *["Down"] * wanted)  # GTK 4.8 does not always tell where the focus is at first
            box.get("list item", contains=list(CHOICES[label])[wanted], showing=False, focused=True)
            self.desktop.keys("Return")
        else:
            box.choose(wanted)
        wait_for(f"{label} to be {value}", lambda: self.read(label) == value, 5, interval=0.1)
