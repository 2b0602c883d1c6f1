# SPDX-License-Identifier: GPL-3.0-or-later
"""What a screen reader sees of a desktop, from outside of the lab: `screen-reader` runs there and does it."""

import json
import select
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from lab.node import wait_for

if TYPE_CHECKING:
    from .desktop import Desktop

_PROGRAM = Path(__file__).with_name("screen-reader")
WAIT = 20
"""Seconds for what a program must show."""


class Lost(AssertionError):
    """Something that should be on the screen is not; the text has what is there."""


class Reader:
    """One screen-reader process, and the answers to what is asked of it."""

    def __init__(self, desktop: "Desktop") -> None:
        self.desktop = desktop
        with open(desktop.host.dir / "screen-reader.log", "ab") as log:
            self._process = desktop.popen(["/usr/bin/python3", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                                          env={"PYTHONDONTWRITEBYTECODE": "1", "SCALE": str(desktop.scale)})  # fmt: skip

    def ask(self, verb: str, timeout: float = 30, **arguments: Any) -> Any:
        self._process.stdin.write(json.dumps({"verb": verb, **arguments}).encode() + b"\n")
        self._process.stdin.flush()
        if not select.select([self._process.stdout], [], [], timeout + 15)[0]:
            raise TimeoutError(f"the screen reader does not answer {verb} {arguments}")
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the screen reader ended; see {self.desktop.host.dir}/screen-reader.log")
        answer = json.loads(line)
        if "lost" in answer:
            picture = self.desktop.shot(f"lost-{time.strftime('%H%M%S')}-{self.desktop.host.name}")
            raise Lost(f"{answer['lost']}\npicture: {picture}")
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["value"]

    def app(self, name: str, timeout: float) -> "Element":
        return Element(self, self.ask("app", timeout, name=name, wait=timeout))


class Element:
    """Something on the screen: a window, a button, a field."""

    def __init__(self, reader: Reader, number: int) -> None:
        self._reader, self._number = reader, number

    def _ask(self, verb: str, **arguments: Any) -> Any:
        return self._reader.ask(verb, element=self._number, **arguments)

    def find(self, role: str | list[str] | None = None, name: str | list[str] | None = None, **more: Any) -> "Element | None":
        """What is below now and matches, or None.

        `name`: its accessible name, or those that it has in several versions; `label`: the text of what labels it; `contains`: the name of something below it;
        `sensitive`, `showing`, `checked`: how it must be, `showing` when nothing is said; `starts`: how its name begins.
        """
        number = self._ask("find", query={"role": role, "name": name, **more})
        return None if number is None else Element(self._reader, number)

    def get(self, role: str | list[str] | None = None, name: str | list[str] | None = None, wait: float = WAIT, **more: Any) -> "Element":
        """As find(), but waits until it is there; Lost when it does not come."""
        query = {"role": role, "name": name, **more}
        return Element(self._reader, self._reader.ask("get", wait, element=self._number, query=query, wait=wait))

    def all(self, role: str | list[str] | None = None, name: str | list[str] | None = None, **more: Any) -> "list[Element]":
        numbers = self._ask("all", query={"role": role, "name": name, **more})
        return [Element(self._reader, number) for number in numbers]

    def field(self, label: str, wait: float = WAIT) -> "Element":
        """What one types into, or chooses from, by its label."""
        return self.get(["text", "entry", "password text", "spin button", "combo box", "check box", "toggle button"], label=label,
                        wait=wait)  # fmt: skip

    @property
    def name(self) -> str:
        return self._ask("name")

    @property
    def role(self) -> str:
        return self._ask("role")

    @property
    def text(self) -> str:
        """What is written in a field; of passwords GTK 3 gives bullets."""
        return self._ask("text")

    def write(self, text: str) -> None:
        """Put text in a field in the place of what is there."""
        self._ask("write", text=text)

    def click(self) -> None:
        """Do what a click does, without a pointer."""
        self._ask("click")

    def point(self) -> None:
        """A click with the mouse, for what has no action of its own."""
        self._ask("point")

    def choose(self, number: int) -> None:
        """Select a child, by number: a tab, an entry of a menu."""
        self._ask("choose", number=number)

    def states(self) -> list[str]:
        return self._ask("states")

    def has(self, state: str) -> bool:
        return state in self.states()

    def gone(self, wait: float = WAIT) -> None:
        """Wait until it is no longer shown."""
        wait_for("it to close", lambda: self._ask("is_gone"), wait, interval=0.1)

    def until(self, what: str, probe: Callable[["Element"], Any], wait: float = WAIT) -> Any:
        return wait_for(what, lambda: probe(self), wait, interval=0.1)

    def tree(self) -> str:
        """All that is below, for people."""
        return self._ask("tree")
