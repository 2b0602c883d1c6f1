#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry that answers as 0.0.x really does: `peers` and no `peer`, a window of 5 s, permissive.

usage: registry00x.py CONFIG
"""
import asyncio
import json
import subprocess
import sys
import time

from aiohttp import WSMsgType, web

config = json.load(open(sys.argv[1]))
sockets = set()
window = {}


def show(network):
    """`wg show NETWORK`, read by its human form and in its order, as 0.0.x did."""
    text = subprocess.run(["wg", "show", network], capture_output=True, text=True).stdout
    peers, own = [], None
    for chunk in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in chunk.splitlines() if ": " in line)
        if "interface" in fields:
            own = {"type": "self", "pub": fields["  public key"]}
            peers.append(own)
        elif "peer" in fields:
            peer = {"type": "peer", "pub": fields["peer"]}
            if "  endpoint" in fields:
                peer["end"] = fields["  endpoint"]
            peer["range"] = fields["  allowed ips"].replace(" ", "")
            peers.append(peer)
    return {"ifname": network, "peers": peers, "self": own}


async def get(request):
    network = request.raw_path.split("/")[2]  # the key is ignored: permissive
    if network not in config["networks"]:
        return web.Response(text='{"ifname":"%s", "error": "noPermission"}' % network, status=403)
    then, answer = window.get(network, (0, None))
    if time.time() - then >= 5:
        answer = show(network)
        window[network] = (time.time(), answer)
    own = config.get("self", {}).get(network)
    if own:
        answer["self"].update({k: own[k] for k in ("end", "range") if k in own})
        answer["heartbeat"] = own.get("heartbeat", 30)
    if not answer["peers"]:
        return web.Response(text='{"ifname":"%s", "error": "notFound"}' % network, status=404)
    return web.json_response(answer)


async def update(request):
    message = json.dumps({"t": "peerUpdate", "d": request.raw_path.split("/")[2]})
    for socket in set(sockets):
        await socket.send_str(message)
    return web.Response(text="OK")


async def messages(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    sockets.add(socket)
    try:
        async for frame in socket:
            if frame.type != WSMsgType.TEXT:
                break
            known = json.loads(frame.data)["t"] == "ping"
            await socket.send_str(json.dumps({"t": "ping", "d": "ACK"} if known else {"t": "error", "d": "unknownType"}))
    finally:
        sockets.discard(socket)
    return socket


app = web.Application()
app.router.add_get("/messages", messages)
app.router.add_get("/get/{rest:.*}", get)
app.router.add_post("/update/{rest:.*}", update)
web.run_app(app, host=config.get("listen", "127.0.0.1"), port=config.get("listenPort", 8000), print=None)
