# SPDX-License-Identifier: GPL-3.0-or-later
"""The network that test-liar lies to, what there is to lie about, and what members must not make of it."""

import contextlib
import json
import re
import signal
import time
from typing import Any, Iterator

from .forge import Identity, now, payload
from .liar import Liar, Line
from .mesh import EMULATED, scope_lab
from .network import Member, Network
from .node import Process, wait_for

DAY = 24 * 3600
TIMES = 3
SETTLE = 0.3
"""Seconds for a second line to come, if one comes."""


class Scene:
    """Three members, and between them and the real registry a liar, who has all keys that there are."""

    def __init__(self) -> None:
        self.lab = contextlib.ExitStack().enter_context(scope_lab(nm_log=("INFO", "DEFAULT")))
        self.network = Network(self.lab)
        self.members = [self.network.member(name) for name in "abcd"]
        self.a, self.b, self.c, self.newcomer = self.members
        self.network.start(config={"trustedProxies": [self.network.host.address(4)]})
        self.liar = Liar(self.network.host, self.network.url)
        for member in (self.a, self.b, self.c):
            self.join(member)
        for member in (self.a, self.b, self.c):
            wait_for(f"{member.host.name} has its keys", lambda: len(self.preshared(member)) == 2)
            self.settle(member)
        self.network.open_pings(self.a, self.b)
        self.network.open_pings(self.a, self.c)
        self.network.open_pings(self.b, self.c)
        self.keys()

    def join(self, member: Member) -> None:
        invite = self.network.invite(member)
        invite.write_text(invite.read_text().replace(self.network.url, self.liar.url))
        self.network.accept(member, invite)
        self.network.up(member)

    def keys(self) -> None:
        """What the liar signs with: the delegate's key; and what it should not have: the root's, and b's."""
        root = self.network.dir
        file = json.loads((root / "home.network").read_text())
        self.delegate = Identity.of(file["delegate"])
        self.delegation = payload(file["delegation"])
        self.root = Identity.unlocked(root / "home.root", self.network.passphrase)
        (identity,) = self.b.host.file("/var/lib/nm-scope").glob("*.identity")
        self.own_b = Identity.of(identity.read_text().strip())
        self.foreign = Identity()

    # --- things to lie about

    def grant(self, who: Identity, key: str, ranges: list[str], **changes: Any) -> dict[str, Any]:
        return {"network": "home", "identity": who.identity, "key": key, "ranges": ranges, "role": "edge",
                "issued": now(), "expires": self.delegation["expires"], **changes}  # fmt: skip

    def record(self, key: str, ranges: list[str], **changes: Any) -> dict[str, Any]:
        return {"network": "home", "key": key, "sequence": 1000 * now(), "issued": now(), "expires": now() + DAY,
                "role": "edge", "ranges": ranges, "endpoints": ["203.0.113.66:51820"], "attachment": None,
                "pq": "preferred", **changes}  # fmt: skip

    def stranger(self, signer: Identity, who: Identity, ranges: list[str], **changes: Any) -> dict[str, Any]:
        """An entry of somebody new, with a grant by `signer`."""
        key = self.lab.genkey()[1]
        return {"key": key, "grant": signer.sign("scope-grant", self.grant(who, key, ranges, **changes)),
                "record": who.sign("scope-record", self.record(key, ranges)), "kex": None, "online": True,
                "seen": 1000 * now(), "observed": ["203.0.113.66:51820"]}  # fmt: skip

    def rerecorded(self, **changes: Any) -> dict[str, Any]:
        """b's entry with a record that b itself has signed."""
        entry = self.line(self.a).entry(self.b.public)
        return {**entry, "record": self.own_b.sign("scope-record", {**payload(entry["record"]), **changes})}

    # --- what members do about it

    def line(self, member: Member) -> Line:
        return self.liar.line(member, 30)

    def settle(self, member: Member) -> None:
        """Wait until a member has its session, and nobody has more to say about keys."""
        line = self.line(member)
        heard = -1
        while heard != len(line.told) + len(line.said):
            heard = len(line.told) + len(line.said)
            time.sleep(SETTLE)

    def preshared(self, member: Member) -> dict[str, str]:
        return {key: peer["preshared"] for key, peer in member.tunnel("home").items() if peer["preshared"] != "(none)"}

    def state(self, member: Member) -> dict[str, Any]:
        """All that must stay as it is."""
        return {"peers": {key: (peer["preshared"], peer["allowed"]) for key, peer in member.tunnel("home").items()},
                "addresses": re.findall(r"inet6? \S+", member.host.run(["ip", "addr", "show", "dev", "home"]).stdout),
                "service": member.service_pids(), "active": "home" in member.host.active()}  # fmt: skip

    @contextlib.contextmanager
    def unmoved(self, member: Member, *words: str, besides: str = "nothing else", timeout: float = 15) -> Iterator[None]:
        """A lie is told within the block: one line has these words, no other but with `besides` warns, all is as before.

        Pings to the other members go on all the time.
        """
        before, mark = self.state(member), len(member.log().splitlines())
        assert len(before["peers"]) >= 2 and before["active"], before
        pings = self.pings(member)

        def said() -> list[str]:
            lines = member.log().splitlines()[mark:]
            return [line for line in lines if "<debug>" not in line and all(word in line for word in words)]

        try:
            yield
            try:
                wait_for(f"a line with {words}", said, timeout)
            except TimeoutError as error:
                raise AssertionError("\n".join([str(error), *member.log().splitlines()[mark:]])) from None
            time.sleep(SETTLE)
        finally:
            gaps = self.gaps(pings)
        lines = member.log().splitlines()[mark:]
        loud = [line for line in lines if re.search(r"<(warning|error|crit|alert|emerg)>", line) and besides not in line]
        assert len(said()) == 1 and loud == said(), "\n".join([f"not one line with {words}:", *lines])
        after = self.state(member)
        assert after == before, "\n".join([f"was {before}", f"is {after}", *lines])
        assert max(gaps) < (5 if EMULATED else 1), f"{gaps} s without an answer to the others' pings"

    def pings(self, member: Member) -> list[Process]:
        return [member.host.popen(["ping", "-n", "-D", "-i", "0.1", other.ip4], log=f"ping-{time.monotonic()}.log")
                for other in (self.a, self.b, self.c) if other is not member]  # fmt: skip

    @staticmethod
    def gaps(pings: list[Process]) -> list[float]:
        """End them, when more answers have come: the longest times without one, in seconds."""

        def answers(ping: Process) -> list[float]:
            return [float(at) for at in re.findall(r"^\[([0-9.]+)\].*time=", ping.log.read_text(), re.M)]

        found = []
        for ping in pings:
            enough, deadline = len(answers(ping)) + 3, time.monotonic() + 5
            while len(answers(ping)) < enough and time.monotonic() < deadline:
                time.sleep(0.02)
            end = time.time()
            ping.send_signal(signal.SIGINT)
            ping.wait()
            times = [*(at for at in answers(ping) if at < end), end]
            found.append(max((after - before for before, after in zip(times, times[1:])), default=99))
        return found

    @contextlib.contextmanager
    def unheard(self, member: Member) -> Iterator[None]:
        """As unmoved(), for what is no lie by itself: nothing needs to be said, but nothing may change."""
        before, mark, pings = self.state(member), len(member.log().splitlines()), self.pings(member)
        yield
        time.sleep(1)
        gaps = self.gaps(pings)
        lines = member.log().splitlines()[mark:]
        assert not [line for line in lines if "<warning>" in line] and self.state(member) == before, "\n".join(lines)
        assert max(gaps) < (5 if EMULATED else 1), f"{gaps} s without an answer to the others' pings"

    def lie(self, member: Member, words: list[str], t: str, **d: Any) -> None:
        """Say something wrong to a member, three times."""
        line = self.line(member)
        if t in ("join", "move"):
            d = {"revision": line.revision, **d}
        with self.unmoved(member, *words):
            for _ in range(TIMES):
                line.say(t, **d)
