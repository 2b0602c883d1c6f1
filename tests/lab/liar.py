# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry that lies: it stands between members and the real one, and a test tells it what to say.

    liar = Liar(network.host, network.registry.url)     # after network.start()
    ... members get invites with liar.url for the registry ...
    line = liar.line(a)                                 # a's session, once it is welcome
    line.say("leave", revision=9, key=b.public, seen=0) # the registry has said that, as far as a knows
    with line.to_peer(lambda frame: [] if frame["t"].startswith("kex.") else [frame]):
        ...                                             # change, drop, add; line.to_registry() for the other way
    line.mute()                                         # nothing goes either way, and nobody is told
    liar.greet(a, drip)                                 # instead of a session: a coroutine that gets the request

Frames are {"t": …, "d": …}. line.heard is what the registry has said, line.told what the member got in its place
(without what say() said), line.said what the member said. The liar is a thread of this process, in the network of a
host: functions that change frames run in it.
"""

import asyncio
import contextlib
import json
import logging
import struct
import threading
from typing import Any, Awaitable, Callable, Iterable, Iterator

from aiohttp import ClientError, ClientSession, TCPConnector, WSMsgType, web

from .node import Node, wait_for

logging.getLogger("aiohttp.websocket").setLevel(logging.ERROR)  # it is not its business what we agree on

Frame = dict[str, Any]
Change = Callable[[Frame], Iterable[Frame]]

FRAME_MAX = 16 * 1024 * 1024


class Line:
    """One session of one member."""

    def __init__(self, liar: "Liar", member: str) -> None:
        self.liar, self.member = liar, member
        self.heard: list[Frame] = []
        self.told: list[Frame] = []
        self.said: list[Frame] = []
        self.welcome = False  #: and the whole roster was told
        self.closed = False
        self.is_mute = False
        self._changes: dict[str, list[Change]] = {"to_peer": [], "to_registry": []}

    # --- what a test does

    @contextlib.contextmanager
    def to_peer(self, change: Change) -> Iterator[None]:
        """Within the block each frame from the registry goes through `change`, which returns what the member gets."""
        self._changes["to_peer"].append(change)
        yield
        self._changes["to_peer"].remove(change)

    @contextlib.contextmanager
    def to_registry(self, change: Change) -> Iterator[None]:
        self._changes["to_registry"].append(change)
        yield
        self._changes["to_registry"].remove(change)

    def say(self, t: str, **d: Any) -> None:
        """Tell the member something; a member "from" is `from_` here."""
        d = {key.rstrip("_"): value for key, value in d.items()}
        self.liar.call(self.down.send_str(json.dumps({"t": t, "d": d})))

    def mute(self) -> None:
        self.is_mute = True

    def hang_up(self) -> None:
        """End the session without a word; waits until the member has noticed."""
        self.liar.loop.call_soon_threadsafe(self.transport.abort)
        wait_for(f"{self.member}'s session ends", lambda: self.closed)

    def write(self, data: bytes, timeout: float = 30) -> bool:
        """Bytes, past all framing; FALSE when the member has hung up before they were sent."""
        self.is_mute = True
        return self.liar.call(self._write(data), timeout)

    def entry(self, key: str) -> dict[str, Any]:
        """The newest entry of a peer that the member was told."""
        earlier = [line.told for line in self.liar.lines if line.member == self.member]
        for frame in reversed([frame for told in earlier for frame in told]):
            peers = frame["d"].get("peers", []) if frame["t"] == "roster" else []
            peers += [frame["d"]["peer"]] if frame["t"] in ("join", "move") else []
            for entry in peers:
                if entry["key"] == key:
                    return json.loads(json.dumps(entry))
        raise LookupError(f"nothing was said of {key}")

    @property
    def revision(self) -> int:
        """Of the newest roster that the member knows."""
        return max(frame["d"].get("revision", 0) for frame in self.told)

    def find(self, t: str, of: str = "told") -> list[Frame]:
        return [frame for frame in list(getattr(self, of)) if frame["t"] == t]

    # --- the thread's side

    async def _tell(self, frame: Frame) -> None:
        self.told.append(frame)
        await self.down.send_str(json.dumps(frame))
        if frame["t"] == "roster" and not frame["d"]["more"]:
            self.welcome = True

    async def _write(self, data: bytes) -> bool:
        view, transport = memoryview(data), self.transport
        for start in range(0, len(view), 256 * 1024):
            if transport.is_closing():
                return False
            transport.write(view[start : start + 256 * 1024])
            while transport.get_write_buffer_size() > 1024 * 1024 and not transport.is_closing():
                await asyncio.sleep(0.01)
        while transport.get_write_buffer_size() and not transport.is_closing():
            await asyncio.sleep(0.01)
        return not transport.is_closing()

    def _change(self, way: str, frame: Frame) -> list[Frame]:
        frames = [frame]
        for change in list(self._changes[way]):
            frames = [new for old in frames for new in change(old)]
        return frames

    async def serve(self, request: web.Request, client: ClientSession) -> web.StreamResponse:
        headers = {"X-Forwarded-For": self.member}
        async with client.ws_connect(self.liar.upstream + request.path_qs, protocols=("scope.v1",), headers=headers,
                                     max_msg_size=FRAME_MAX) as self.up:  # fmt: skip
            self.down = web.WebSocketResponse(protocols=("scope.v1",), max_msg_size=FRAME_MAX)
            await self.down.prepare(request)
            self.transport = request.transport
            self.liar.lines.append(self)
            both = [asyncio.create_task(self._pump_down()), asyncio.create_task(self._pump_up())]
            try:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                self.closed = True
                for task in both:
                    task.cancel()
        return self.down

    async def _pump_down(self) -> None:
        async for message in self.up:
            if message.type != WSMsgType.TEXT:
                break
            frame = json.loads(message.data)
            self.heard.append(frame)
            for changed in self._change("to_peer", frame):
                if not self.is_mute:
                    await self._tell(changed)
        if self.is_mute:  # the real one has given up waiting: the member must not hear of it
            await asyncio.Event().wait()

    async def _pump_up(self) -> None:
        async for message in self.down:
            if message.type != WSMsgType.TEXT:
                break
            frame = json.loads(message.data)
            self.said.append(frame)
            for changed in self._change("to_registry", frame):
                if not self.is_mute:
                    await self.up.send_str(json.dumps(changed))


class Liar:
    """The man in the middle, on a host beside the real registry."""

    def __init__(self, host: Node, upstream: str, port: int = 8888) -> None:
        self.host, self.upstream, self.port = host, upstream, port
        self.lines: list[Line] = []
        self.requests: list[tuple[str, str]] = []  #: (member's address, "GET /path"): all but sessions
        self._greetings: dict[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] = {}
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._main, name="liar", daemon=True)
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the liar does not come up")

    @property
    def url(self) -> str:
        return f"http://{self.host.address(4)}:{self.port}"

    def line(self, member: Any, timeout: float = 20) -> Line:
        """The session of a member (an address, or a mesh.Edge), when it is welcome and has its roster."""
        address = member if isinstance(member, str) else member.host.address(4)

        def found() -> Line | None:
            mine = [line for line in self.lines if line.member == address and not line.closed and line.welcome]
            return mine[-1] if mine else None

        return wait_for(f"a session of {address}", found, timeout)

    @contextlib.contextmanager
    def greet(self, member: Any, greeting: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> Iterator[None]:
        """Within the block `greeting` answers what the member asks."""
        address = member.host.address(4)
        self._greetings[address] = greeting
        yield
        del self._greetings[address]

    def call(self, coroutine: Awaitable[Any], timeout: float = 10) -> Any:
        """Run a coroutine in the liar's thread and return its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout)

    def _main(self) -> None:
        with self.host.network():
            asyncio.run(self._run())

    async def _run(self) -> None:
        self.loop = asyncio.get_running_loop()
        async with ClientSession(connector=TCPConnector(limit=0)) as self._client:
            server = web.Server(self._answer)
            runner = web.ServerRunner(server)
            await runner.setup()
            await web.TCPSite(runner, "0.0.0.0", self.port).start()
            self._ready.set()
            await asyncio.Event().wait()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        greeting = self._greetings.get(request.remote)
        is_session = request.headers.get("Upgrade", "").lower() == "websocket" and "/v1/" in request.path
        if not is_session:
            self.requests.append((request.remote, f"{request.method} {request.raw_path}"))
        if greeting:
            return await greeting(request)
        try:
            if is_session:
                return await Line(self, request.remote).serve(request, self._client)
            async with self._client.request(request.method, self.upstream + request.path_qs, data=await request.read()) as answer:
                return web.Response(status=answer.status, body=await answer.read())
        except ClientError as error:
            return web.Response(status=getattr(error, "status", 502), text=str(error))


def text_frame(length: int, final: bool = True, continued: bool = False) -> bytes:
    """The head of a WebSocket frame from a server, for `length` bytes of text."""
    first = (0x80 if final else 0) | (0 if continued else 1)
    return bytes([first, 127]) + struct.pack(">Q", length) if length > 0xFFFF else bytes([first, 126]) + struct.pack(">H", length)
