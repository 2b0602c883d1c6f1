# SPDX-License-Identifier: GPL-3.0-or-later
"""GNOME programs on hosts of the lab: see README.md."""

from .desktop import Desktop
from .person import Person
from .reader import Element, Lost

__all__ = ["Desktop", "Element", "Lost", "Person"]
