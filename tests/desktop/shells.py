# SPDX-License-Identifier: GPL-3.0-or-later
"""What bash, zsh and fish offer at the end of a command line, asked of the shells themselves.

Each class is a shell with our completions and a home of its own; `offers(line)` is the set of words that it
would complete to.
"""

import os
import pty
import select
import shlex
import subprocess
import time
from pathlib import Path

PATIENCE = 20  # s


class Bash:
    def __init__(self, completions: Path, home: Path, env: dict[str, str]) -> None:
        self.completions, self.home, self.env = completions, home, env

    def offers(self, line: str) -> set[str]:
        words = line.split(" ")
        script = f"""
            source {shlex.quote(str(self.completions / words[0]))}
            COMP_WORDS=({" ".join(shlex.quote(w) for w in words)})
            COMP_CWORD={len(words) - 1}
            spec=($(complete -p {words[0]}))
            "${{spec[-2]}}"
            (( ${{#COMPREPLY[@]}} == 0 )) || printf '%s\\n' "${{COMPREPLY[@]}}"
        """
        ran = subprocess.run(["bash", "--norc", "-c", script], cwd=self.home, env=self.env, text=True,
                             capture_output=True, timeout=PATIENCE, check=True)
        assert not ran.stderr, ran.stderr
        return set(ran.stdout.splitlines())

    def close(self) -> None:
        pass


class Fish:
    """Its own lines are "word<tab>what it is"."""

    def __init__(self, completions: Path, home: Path, env: dict[str, str]) -> None:
        self.completions, self.home, self.env = completions / "fish", home, env

    def offers(self, line: str) -> set[str]:
        file = self.completions / f"{line.split(' ')[0]}.fish"
        ran = subprocess.run(["fish", "--no-config", "-c", f"source {shlex.quote(str(file))}; complete -C{shlex.quote(line)}"],
                             cwd=self.home, env=self.env, text=True, capture_output=True, timeout=PATIENCE, check=True)
        assert not ran.stderr, ran.stderr
        return {row.split("\t")[0] for row in ran.stdout.splitlines()}

    def close(self) -> None:
        pass


ZSHRC = """
fpath=({completions}/zsh $fpath)
autoload -Uz compinit && compinit -u -D
PROMPT= RPROMPT=
compadd() {{
  local -a hits
  # Not those calls that only ask for matches.
  if [[ " ${{(j: :)@}} " != *" -"[OAD]" "* ]]; then
    builtin compadd -A hits "$@"
    print -rl -- $hits >>$OFFERS
  fi
  builtin compadd "$@"
}}
tell() {{ _main_complete; print -r -- '=end' >>$OFFERS }}
zle -C tell list-choices tell
bindkey '^I' tell
print -r -- '=ready' >>$OFFERS
"""


class Zsh:
    """An interactive one, on a terminal: completion works nowhere else."""

    def __init__(self, completions: Path, home: Path, env: dict[str, str]) -> None:
        self.offered = home / "offers"
        self.offered.write_text("")
        rc = home / ".zshrc"
        rc.write_text(ZSHRC.format(completions=completions))
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(home)
            os.execvpe("zsh", ["zsh", "-d", "-i"], env | {"ZDOTDIR": str(home), "OFFERS": str(self.offered), "TERM": "dumb"})
        self._until("=ready")

    def _until(self, mark: str) -> list[str]:
        end, said = time.monotonic() + PATIENCE, b""
        while mark not in self.offered.read_text().splitlines():
            assert time.monotonic() < end, f"zsh is silent: {said!r}"
            if select.select([self.terminal], [], [], 0.02)[0]:
                said += os.read(self.terminal, 4096)
        lines = self.offered.read_text().splitlines()
        self.offered.write_text("")
        return [line for line in lines if line not in (mark, "")]

    def offers(self, line: str) -> set[str]:
        os.write(self.terminal, b"\x15" + line.encode() + b"\t")  # ^U: an empty line first
        return set(self._until("=end"))

    def close(self) -> None:
        os.close(self.terminal)
        os.waitpid(self.pid, 0)
