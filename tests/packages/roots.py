# SPDX-License-Identifier: GPL-3.0-or-later
"""Roots of Debian releases: a bare one as debootstrap makes it, and layers of more packages on top of it.

Bare roots and layers are kept in ${SCOPE_CACHE:-/var/cache/scope}/debian, where nothing changes once it is complete; a
Root is an overlay over them that does, and is forgotten. Its mounts are in a namespace of this process alone, see
own_mounts(): however that ends, they are gone.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Callable, Iterator, Sequence

CACHE = Path(os.environ.get("SCOPE_CACHE") or "/var/cache/scope") / "debian"
_CLONE_NEWNS = 0x20000
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# Where the root's programs run: own processes, which end with the first one. Nothing of it starts services.
_ENTER = r"""
set -e
root=$1
shift
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
exec chroot "$root" "$@"
"""


class Failed(Exception):
    """A command failed; the text has its output's end."""


def own_mounts() -> None:
    """From now on, mounts of this process and its children are seen by nobody else, and end with them."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


def quietly(argv: Sequence[str | os.PathLike[str]], **kwargs) -> str:
    """Run to the end; its output, or Failed with it."""
    result = subprocess.run([os.fspath(word) for word in argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, errors="replace", **kwargs)  # fmt: skip
    if result.returncode != 0:
        tail = "\n".join(result.stdout.splitlines()[-40:])
        raise Failed(f"{' '.join(os.fspath(word) for word in argv)[:300]}: exit status {result.returncode}\n{tail}")
    return result.stdout


class Root:
    """A root to work in: `path` is an overlay over `layers` (the uppermost first), what is written is in `upper`."""

    def __init__(self, layers: Sequence[Path], directory: Path) -> None:
        self.layers, self.directory = list(layers), directory
        self.path, self.upper = directory / "root", directory / "upper"
        for each in (self.path, self.upper, directory / "work"):
            each.mkdir(parents=True)
        lower = ":".join(map(str, layers))
        quietly(["mount", "-t", "overlay", "-o", f"lowerdir={lower},upperdir={self.upper},workdir={directory / 'work'}",
                 "overlay", self.path])  # fmt: skip
        policy = self.path / "usr/sbin/policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
        for name in ("resolv.conf", "hosts"):
            shutil.copyfile(f"/etc/{name}", self.path / "etc" / name)

    def bind(self, source: Path, target: str) -> None:
        """What is at `source` in this machine is at `target` in the root, too."""
        where = self.path / target.lstrip("/")
        where.mkdir(parents=True, exist_ok=True)
        quietly(["mount", "--bind", source, where])

    def run(self, *argv: str | os.PathLike[str], network: bool = False, cwd: str = "/", **env: str) -> str:
        """Run a program in the root to its end, without a network unless asked for one; its output."""
        names = ["unshare", "--mount", "--pid", "--fork", "--kill-child"] + ([] if network else ["--net"])
        values = {"PATH": _PATH, "HOME": "/root", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", **env}
        return quietly([*names, "sh", "-c", _ENTER, "sh", self.path, "env", "-i", "-C", cwd,
                        *(f"{key}={value}" for key, value in values.items()), *argv])  # fmt: skip

    def apt(self, *arguments: str, network: bool = False) -> str:
        """apt-get; what it downloads is cached beside the bare root."""
        return self.run("apt-get", "-q", "-y", "--no-install-recommends", "-o", "Dpkg::Options::=--force-unsafe-io", *arguments,
                        network=network)  # fmt: skip

    def fetch(self, *arguments: str) -> None:
        """Download what apt-get needs for this; the archives of earlier runs are used."""
        self.apt("--download-only", *arguments, network=True)

    def close(self) -> None:
        subprocess.run(["umount", "-l", self.path], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.directory, ignore_errors=True)


@contextlib.contextmanager
def root(layers: Sequence[Path], release: str) -> Iterator[Root]:
    """A Root over these layers that is gone after the `with` block."""
    CACHE.mkdir(parents=True, exist_ok=True)
    _sweep()
    made = Root(layers, Path(tempfile.mkdtemp(prefix=f"work.{os.getpid()}.", dir=CACHE)) / release)
    try:
        archives = CACHE / f"archives-{release}"
        archives.mkdir(exist_ok=True)
        made.bind(archives, "/var/cache/apt/archives")
        yield made
    finally:
        made.close()
        with contextlib.suppress(OSError):
            made.directory.parent.rmdir()


def bare(release: str) -> Path:
    """The root that debootstrap makes of a release: what every system has, and apt."""
    path = CACHE / release
    with _alone(release):
        if not path.exists():
            new = CACHE / f"{release}.new"
            shutil.rmtree(new, ignore_errors=True)
            archives = CACHE / f"archives-{release}"
            archives.mkdir(exist_ok=True)
            quietly(["debootstrap", "--variant=minbase", f"--cache-dir={archives}", release, new, mirror()])
            new.rename(path)
    return path


def layer(release: str, kind: str, key: str, below: Sequence[Path], make: Callable[[Root], None]) -> Path:
    """What `make` changes in a root over `below`, as a layer for other roots; made anew when `key` is another one."""
    name = f"{release}-{kind}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
    path = CACHE / name
    with _alone(f"{release}-{kind}"):
        if not path.exists():
            with root(below, release) as made:
                make(made)
                subprocess.run(["umount", made.path / "var/cache/apt/archives"], check=True)
                subprocess.run(["umount", made.path], check=True)
                made.upper.rename(path)
        os.utime(path)
        for old in CACHE.glob(f"{release}-{kind}-*"):
            if time.time() - old.stat().st_mtime > 7 * 86400:
                shutil.rmtree(old, ignore_errors=True)
    return path


def mirror() -> str:
    """Where this machine has Debian from, or where everybody has."""
    out = quietly(["apt-get", "indextargets", "--format", "$(ORIGIN) $(COMPONENT) $(REPO_URI)", "Created-By: Packages"])
    found = re.search(r"^Debian main (http\S+?)/?$", out, re.M)
    return found[1] if found else "http://deb.debian.org/debian"


@contextlib.contextmanager
def _alone(name: str) -> Iterator[None]:
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _sweep() -> None:
    """Remove what processes that were killed have left; their mounts went with them."""
    for directory in CACHE.glob("work.*"):
        if not Path("/proc", directory.name.split(".")[1]).exists():
            shutil.rmtree(directory, ignore_errors=True)
