# SPDX-License-Identifier: GPL-3.0-or-later
"""Clicks with the mouse, for what has no action in AT-SPI: GTK 4's tabs, rows and radio buttons, icons in fields.

GTK 4 gives coordinates within the window and without its shadow, and a popover is an X window of its own, so
the window has to be found that is as large as one of the element's ancestors.
"""

import re
import subprocess
import time
from typing import Any, Callable, Iterator

from gi.repository import Atspi

import tree

SHADOW = 120
scale = 1


def click(node: Any, gtk4: bool) -> None:
    where = _of_gtk4 if gtk4 else _of_screen
    x, y = _at_rest(lambda: where(node))
    _xdotool("mousemove", str(x), str(y), "click", "1")
    _xdotool("mousemove", "0", "0")  # else a tooltip covers something


def _at_rest(where: Callable[[], tuple[int, int]], timeout: float = 5) -> tuple[int, int]:
    """Where it is when it no longer moves: windows are placed, dialogs grow with what they say."""
    deadline, last = time.monotonic() + timeout, None
    while time.monotonic() < deadline:
        try:
            now = where()
        except LookupError:
            now = None  # its window is not there yet
        if now and now == last:
            return now
        last = now
        time.sleep(0.15)
    return where()


def _of_screen(node: Any) -> tuple[int, int]:
    box = node.get_component_iface().get_extents(Atspi.CoordType.SCREEN)
    return scale * (box.x + box.width // 2), scale * (box.y + box.height // 2)


def _of_gtk4(node: Any) -> tuple[int, int]:
    x, y, width, height = tree.extents(node)
    windows = list(_windows(tree.name(node.get_application())))
    ancestor = node
    while ancestor is not None and tree.role(ancestor) != "application":
        left, top, wide, high = tree.extents(ancestor)
        for at_x, at_y, its_width, its_height in windows:
            over = its_width - scale * wide
            # As large as the window, or that and the same shadow on all sides.
            if wide > 0 and over == its_height - scale * high and 0 <= over <= scale * SHADOW and (
                    over == 0 or tree.role(ancestor) in tree.WINDOWS):  # fmt: skip
                return (at_x + over // 2 + scale * (x - left + width // 2), at_y + over // 2 + scale * (y - top + height // 2))
        ancestor = ancestor.get_parent()
    raise LookupError(f"{tree.line(node)} is in none of the windows {windows}")


def _windows(program: str) -> Iterator[tuple[int, int, int, int]]:
    """Where a program's windows are, popovers too: x, y, width, height."""
    for window in _xdotool("search", "--onlyvisible", "--class", program).split():
        text = _xdotool("getwindowgeometry", window)
        if found := re.search(r"Position: (-?\d+),(-?\d+).*Geometry: (\d+)x(\d+)", text, re.S):
            yield tuple(map(int, found.groups()))


def _xdotool(*arguments: str) -> str:
    return subprocess.run(["xdotool", *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
