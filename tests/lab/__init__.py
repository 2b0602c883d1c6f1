# SPDX-License-Identifier: GPL-3.0-or-later
"""An internet of network namespaces with real NetworkManager hosts; see README.md."""

from . import tap
from .host import Host
from .lab import Lab
from .nat import KINDS, Router
from .node import CommandFailed, Node, Process, wait_for

__all__ = ["CommandFailed", "Host", "KINDS", "Lab", "Node", "Process", "Router", "tap", "wait_for"]
