# SPDX-License-Identifier: GPL-3.0-or-later
"""The two programs that edit connections, and what a person does with them. Each call starts the program anew."""

import contextlib
from typing import Iterator

from lab.node import Process, wait_for

from .desktop import Desktop
from .form import Form
from .reader import Element


class _Program:
    """A program that ends when it is started again: windows close before what they say has reached NetworkManager."""

    name: str

    def __init__(self, desktop: Desktop) -> None:
        self.desktop = desktop
        self._process: Process | None = None

    def _start(self, *arguments: str) -> Element:
        if self._process:
            self._process.stop()
        self._process = self.desktop.start(self.name, *arguments)
        return self.desktop.app(self.name)


class ConnectionEditor(_Program):
    """nm-connection-editor: GTK 3."""

    name = "nm-connection-editor"

    @contextlib.contextmanager
    def _window(self, *arguments: str) -> Iterator[Form]:
        """A window that is saved at the end of the block."""
        window = self._start(*arguments).get("frame", starts="Editing ")
        yield Form(self.desktop, window, gtk4=False)
        window.get("push button", "Save", sensitive=True).click()
        window.gone()

    @contextlib.contextmanager
    def create(self, name: str) -> Iterator[Form]:
        with self._window("--create", "--type=scope") as form:
            form.rename(name)
            yield form

    @contextlib.contextmanager
    def edit(self, name: str) -> Iterator[Form]:
        uuid = self.desktop.nmcli("-g", "connection.uuid", "connection", "show", name).strip()
        with self._window("--edit", uuid) as form:
            yield form

    def bring_in(self, file: str, name: str) -> None:
        """Import a file, and save what that makes."""
        app = self._start("--create", "--type=vpn")
        chooser = app.get("dialog", contains="Choose a VPN Connection Type")
        box = chooser.get("combo box")
        box.get("menu item", starts="Import a saved VPN", showing=False).click()
        wait_for("the choice", lambda: box.name.startswith("Import"), 5, interval=0.1)
        chooser.get("push button", "Create…", sensitive=True).point()
        app.get("file chooser")
        self.desktop.type(file)
        self.desktop.keys("Return")
        window = app.get("frame", starts="Editing ")
        assert window.get("text", label="Connection name").text == name
        window.get("push button", "Save", sensitive=True).click()
        window.gone()


class Settings(_Program):
    """gnome-control-center: GTK 4. In the process that changes its list, AT-SPI does not always find the new row: look in the next."""

    name = "gnome-control-center"

    # As 43 and as 48 have them.
    ADD, OPTIONS, DIALOG = ["Add connection", "Add VPN"], ["Options…", "VPN Options"], ["dialog", "frame"]

    @contextlib.contextmanager
    def create(self, name: str) -> Iterator[Form]:
        app = self._start("network")
        app.get("push button", self.ADD).click()
        dialog = app.get(self.DIALOG, "Add VPN")
        dialog.get("list item", contains="Scope").point()
        self._turn_to_page(dialog)
        form = Form(self.desktop, dialog, gtk4=True)
        form.rename(name)
        yield form
        dialog.get("push button", "Add", sensitive=True).click()
        dialog.gone()

    @contextlib.contextmanager
    def edit(self, name: str) -> Iterator[Form]:
        app = self._start("network")
        app.get("list item", contains=name).get("push button", self.OPTIONS).click()
        dialog = app.get(self.DIALOG, name)
        self._turn_to_page(dialog)
        yield Form(self.desktop, dialog, gtk4=True)
        dialog.get("push button", "Apply", sensitive=True).click()
        dialog.gone()

    def _turn_to_page(self, dialog: Element) -> None:
        """Ours is not the first."""
        dialog.get("page tab", contains="Identity").point()

    def switch(self, name: str) -> None:
        """Switch a connection on."""
        app = self._start("network")
        button = app.get("list item", contains=name).get("check box")
        button.click()
        wait_for(f"{name} to be on", lambda: button.has("checked"), 30, interval=0.2)
        wait_for(f"{name} to be up", lambda: name in self.desktop.host.active(), 30, interval=0.2)

    def rows(self, name: str) -> int:
        """How often a connection is in the list."""
        app = self._start("network")
        app.get("list item", contains=name)
        self.desktop.shot("gnome-control-center-on")
        return len(app.all("list item", contains=name))

    def bring_in(self, file: str, name: str) -> None:
        """Import a file, and add what that makes."""
        app = self._start("network")
        app.get("push button", self.ADD).click()
        dialog = app.get(self.DIALOG, "Add VPN")
        dialog.get("list item", contains="Import from file…").point()
        chooser = app.get(None, "Select file to import")
        self.desktop.type("/")
        chooser.get("text", focused=True).write(file)  # what it completes while one types stays behind in GTK 4.18
        self.desktop.keys("Return")
        add = dialog.get("push button", "Add", sensitive=True)
        self._turn_to_page(dialog)
        assert dialog.get("text", label="Name").text == name
        add.click()
        dialog.gone()
