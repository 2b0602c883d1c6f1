# SPDX-License-Identifier: GPL-3.0-or-later
"""AT-SPI's tree of what is on the screen: walking and matching."""

import re
from typing import Any, Iterator

from gi.repository import Atspi, GLib

WINDOWS = ("frame", "dialog", "window", "file chooser", "alert")
STATES = {"sensitive": Atspi.StateType.SENSITIVE, "checked": Atspi.StateType.CHECKED, "showing": Atspi.StateType.SHOWING,
          "visible": Atspi.StateType.VISIBLE, "focused": Atspi.StateType.FOCUSED, "selected": Atspi.StateType.SELECTED,
          "editable": Atspi.StateType.EDITABLE, "invalid": Atspi.StateType.INVALID_ENTRY,
          "expanded": Atspi.StateType.EXPANDED, "active": Atspi.StateType.ACTIVE}  # fmt: skip


def children(node: Any) -> list[Any]:
    found = []
    try:
        for number in range(node.get_child_count()):
            child = node.get_child_at_index(number)
            if child is not None:
                found.append(child)
    except GLib.Error:
        pass  # it went away meanwhile
    return found


def walk(node: Any) -> Iterator[Any]:
    yield node
    for child in children(node):
        yield from walk(child)


def name(node: Any) -> str:
    try:
        return node.get_name() or ""
    except GLib.Error:
        return ""


def role(node: Any) -> str:
    """By the names that AT-SPI has in Debian 12: later ones call a push button a button."""
    try:
        said = node.get_role_name()
        return "push button" if said == "button" else said
    except GLib.Error:
        return "?"


def states(node: Any) -> list[str]:
    try:
        held = node.get_state_set()
        return [word for word, state in STATES.items() if held.contains(state)]
    except GLib.Error:
        return []


def extents(node: Any) -> tuple[int, int, int, int]:
    """Within the window: x, y, width, height."""
    try:
        box = node.get_component_iface().get_extents(Atspi.CoordType.WINDOW)
        return box.x, box.y, box.width, box.height
    except (GLib.Error, AttributeError):
        return 0, 0, 0, 0


def shown(node: Any, gtk4: bool) -> bool:
    """GTK 4.8 says SHOWING of windows only; what it does not show has no size."""
    held = states(node)
    if "showing" in held:
        return True
    return gtk4 and "visible" in held and (role(node) in WINDOWS or extents(node)[2] > 0)


def labels(node: Any) -> list[str]:
    found = []
    try:
        for relation in node.get_relation_set():
            if relation.get_relation_type() == Atspi.RelationType.LABELLED_BY:
                found += [name(relation.get_target(number)) for number in range(relation.get_n_targets())]
    except GLib.Error:
        pass
    return found


def same(said: str, wanted: str) -> bool:
    """A button of GTK 4.8 is called “_Apply Apply”, a check box “_Apply”; where letters are not Latin, mnemonics stand behind: “应用(A)”."""
    return plain(said) == wanted or said.replace("_", "") in (wanted, f"{wanted} {wanted}")


def plain(text: str) -> str:
    return re.sub(r" ?\([A-Z]\)$", "", text)


def words(given: str | list[str] | None) -> list[str]:
    """One word, or those that mean the same in other versions of a program."""
    return given if isinstance(given, list) else [given or ""]


def fits(node: Any, query: dict[str, Any], gtk4: bool) -> bool:
    if query.get("role") and role(node) not in words(query["role"]):
        return False
    if query.get("name") is not None and not any(same(name(node), wanted) for wanted in words(query["name"])):
        return False
    if query.get("starts") is not None and not name(node).startswith(query["starts"]):
        return False
    if query.get("label") is not None and query["label"] not in map(plain, labels(node) + [name(node)]):
        return False
    if query.get("showing", True) and not shown(node, gtk4):
        return False
    for state in ("sensitive", "checked", "focused", "selected"):
        if query.get(state) is not None and (state in states(node)) != query[state]:
            return False
    inner = query.get("contains")
    return inner is None or any(same(name(below), inner) for below in walk(node))


def matches(root: Any, query: dict[str, Any], gtk4: bool) -> Iterator[Any]:
    """Windows are children of programs: whole trees need not be walked for them."""
    only_windows = set(words(query.get("role"))) <= set(WINDOWS) and role(root) == "application"
    for node in children(root) if only_windows else walk(root):
        if node is not root and fits(node, query, gtk4):
            yield node


def find(root: Any, query: dict[str, Any], gtk4: bool) -> Any:
    return next(matches(root, query, gtk4), None)


def line(node: Any) -> str:
    more = [f"by {labels(node)}"] if labels(node) else []
    return " ".join([role(node), repr(name(node)), ",".join(states(node)), *more])


def dump(node: Any, gtk4: bool, depth: int = 0) -> str:
    if depth and not shown(node, gtk4) and (not gtk4 or role(node) != "panel"):
        return ""  # in GTK 4 a page of a stack has no size, but its children have
    lines = ["  " * depth + line(node)]
    lines += [text for child in children(node) if (text := dump(child, gtk4, depth + 1))]
    return "\n".join(lines)
