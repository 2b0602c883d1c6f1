# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the packages from what `make dist` makes, for the release that this machine has or for another one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from roots import CACHE, Failed, bare, layer, quietly, root

NAMES = ("network-manager-scope", "network-manager-scope-gnome", "scope-registry")

# Compilers' caches know a file by its path: both releases are built at the same one, whatever the test's directory is.
_AT = Path("/mnt")


def version(source: Path) -> str:
    """The version of the packages, as debian/changelog has it: upstream's, and Debian's after it."""
    return re.search(r"\(([^)]+)\)", (source / "debian/changelog").read_text())[1]


def tarball(build: Path) -> Path:
    """A release's tarball, made by the build tree."""
    for old in build.glob("networkmanager-scope-*.tar.xz"):
        old.unlink()
    quietly(["make", "-C", build, "dist"])
    [made] = build.glob("networkmanager-scope-*.tar.xz")
    return made


class Source:
    """A directory for the source package, and what is built of it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.built = bool(list(directory.glob("*.changes")))

    def unpack(self, tar: Path) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        quietly(["tar", "-x", "-f", tar, "-C", self.directory])
        subprocess.run(["chmod", "-R", "u+w", self.tree], check=True)
        upstream = version(self.tree).rsplit("-", 1)[0]
        shutil.copyfile(tar, self.directory / f"network-manager-scope_{upstream}.orig.tar.xz")

    @property
    def tree(self) -> Path:
        [tree] = [path for path in self.directory.iterdir() if path.is_dir()]
        return tree

    def debs(self) -> list[Path]:
        """The packages for users, without those for debuggers."""
        return [self._only(f"{name}_*.deb") for name in NAMES]

    def changes(self) -> Path:
        return self._only("*.changes")

    def _only(self, pattern: str) -> Path:
        [found] = self.directory.glob(pattern)
        return found


def _variables(ccache: str) -> dict[str, str]:
    return {"DEB_BUILD_OPTIONS": f"nocheck parallel={os.cpu_count()}", "CCACHE_DIR": ccache, "CCACHE_NOHASHDIR": "1",
            "PATH": f"/usr/lib/ccache:{os.environ['PATH']}"}  # fmt: skip


def compiler_cache() -> Path:
    path = Path(os.environ.get("CCACHE_DIR") or CACHE.parent / "ccache")
    path.mkdir(parents=True, exist_ok=True)
    return path


def build_here(source: Source) -> None:
    """Source and binary packages, for this machine's release."""
    quietly(["mount", "--bind", source.directory, _AT])
    try:
        quietly(["dpkg-buildpackage", "-us", "-uc"], cwd=_AT / source.tree.name,
                env={**os.environ, **_variables(str(compiler_cache()))})  # fmt: skip
    finally:
        quietly(["umount", "-l", _AT])


def build_dependencies(release: str, source: Source) -> Path:
    """A layer with all that debian/control wants for building, and nothing else but a compiler cache."""

    def make(made) -> None:
        made.bind(source.directory, str(_AT))
        made.apt("update", network=True)
        for arguments in (("install", "build-essential", "ccache"), ("build-dep", str(_AT / source.tree.name))):
            made.fetch(*arguments)
            made.apt(*arguments)
        quietly(["umount", made.path / str(_AT).lstrip("/")])

    control = (source.tree / "debian/control").read_text()
    wanted = control.split("Build-Depends:")[1].split("Standards-Version")[0]
    return layer(release, "build", wanted, [bare(release)], make)


def build_in(release: str, source: Source) -> None:
    """Source and binary packages, in a root of that release."""
    above = build_dependencies(release, source)
    with root([above, bare(release)], release) as made:
        made.bind(source.directory, str(_AT))
        made.bind(compiler_cache(), "/ccache")
        variables = _variables("/ccache")
        made.run("dpkg-buildpackage", "-us", "-uc", cwd=str(_AT / source.tree.name), **variables)


def lintian(source: Source) -> tuple[list[str], list[str]]:
    """What lintian says of source and packages: errors and warnings, and what is less."""
    out = subprocess.run(["lintian", "--allow-root", "--tag-display-limit", "0", "--pedantic", "--fail-on", "none", source.changes()],
                         text=True, capture_output=True)  # fmt: skip
    if out.returncode != 0:
        raise Failed(f"lintian: exit status {out.returncode}\n{out.stdout}{out.stderr}")
    said = [line for line in out.stdout.splitlines() if re.match(r"[A-Z]: ", line)]
    return [line for line in said if line[0] in "EW"], [line for line in said if line[0] not in "EW"]
