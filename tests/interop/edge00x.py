#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""An edge as 0.0.x's documents describe it: fetch, WebSocket and `wg set`.

usage: edge00x.py EDGE.JSON    (a list of {registry, network, netreg?, pubKey})
"""
import asyncio
import json
import subprocess
import sys

from aiohttp import ClientSession


async def fetch_and_set(http, edge):
    network = edge.get("netreg", edge["network"])
    # The key stands raw in the path, slashes and all.
    async with http.get(f"{edge['registry']}/get/{network}/{edge['pubKey']}") as answer:
        roster = await answer.json(content_type=None)
    for peer in roster["peers"]:
        if peer["pub"] == edge["pubKey"] or not peer.get("end"):
            continue
        command = ["wg", "set", edge["network"], "peer", peer["pub"],
                   "persistent-keepalive", str(roster["heartbeat"])]
        command += ["endpoint", peer["end"]]
        if peer.get("range"):
            command += ["allowed-ips", peer["range"]]
        subprocess.run(command, check=True)


async def announce(http, edge):
    await asyncio.sleep(10)
    network = edge.get("netreg", edge["network"])
    async with http.post(f"{edge['registry']}/update/{network}/{edge['pubKey']}") as answer:
        print("announced:", await answer.text(), flush=True)


async def ping(socket):
    while True:
        await asyncio.sleep(20)
        await socket.send_json({"t": "ping", "d": "SYN"})


async def session(http, edge):
    async with http.ws_connect(f"{edge['registry']}/messages".replace("http", "ws", 1)) as socket:
        print("connected", flush=True)
        await fetch_and_set(http, edge)
        tasks = [asyncio.create_task(announce(http, edge)), asyncio.create_task(ping(socket))]
        async for frame in socket:
            message = json.loads(frame.data)
            print("received:", message, flush=True)
            if message["t"] == "peerUpdate":
                await fetch_and_set(http, edge)
        for task in tasks:
            task.cancel()


async def main():
    edges = json.load(open(sys.argv[1]))
    async with ClientSession() as http:
        await asyncio.gather(*(session(http, edge) for edge in edges))


asyncio.run(main())
