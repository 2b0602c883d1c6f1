# SPDX-License-Identifier: GPL-3.0-or-later
"""Another language on one host of the lab: a locale, and our messages where the installed ones would be."""

import subprocess

from lab.host import Host

_LOCALES = {"de": "de_DE", "fr": "fr_FR", "es": "es_ES", "zh_CN": "zh_CN"}

_MOUNT = r"""
set -e
dir=/usr/share/locale/$1/LC_MESSAGES layer=/run/lab/locale-$1
[ -d "$dir" ]
mkdir -p "$layer/upper" "$layer/work"
cp "$2" "$layer/upper/NetworkManager-scope.mo"
chmod -R a+rX "$layer"
mount -t overlay -o "lowerdir=$dir,upperdir=$layer/upper,workdir=$layer/work" overlay "$dir"
"""


def install(host: Host, language: str) -> dict[str, str]:
    """The environment for programs that speak `language`; "" is no language."""
    lab = host.lab
    locale = f"{_LOCALES[language]}.UTF-8"
    locales = lab.dir / "locales"
    if not (locales / locale).exists():
        locales.mkdir(exist_ok=True)
        subprocess.run(["localedef", "-i", _LOCALES[language], "-f", "UTF-8", str(locales / locale)], check=True)
    messages = lab.dir / f"{language}.mo"
    if not messages.exists():
        subprocess.run(["msgfmt", "-o", str(messages), str(lab.source / "po" / f"{language}.po")], check=True)
    host.run(["sh", "-c", _MOUNT, "translate", language, str(messages)])
    return {"LOCPATH": str(locales), "LC_ALL": locale, "LANG": locale, "LANGUAGE": language}
