#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the lab itself."""

import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lab import CommandFailed, Host, Lab, Node, tap, wait_for  # noqa: E402
from lab.lab import sweep  # noqa: E402

EMULATED = "SCOPE_VM" in os.environ  # tests/kernel/vm: right, but far too slow for numbers

DISPATCHER = """#!/bin/sh
echo "$1 $2" >>/run/dispatched
"""


def put(host: Host, path: str, text: str, mode: int = 0o644) -> None:
    host.file(path).write_text(text)
    host.file(path).chmod(mode)


def round_trips(host: Node, destination: str, count: int = 20) -> list[float]:
    out = host.run(["ping", "-n", "-i", "0.004", "-c", str(count), "-W", "2", destination], check=False).stdout
    return [float(ms) for ms in re.findall(r" time=([0-9.]+) ms", out)]



@tap.test
def two_networkmanager_hosts() -> None:
    with Lab() as lab:
        a, b = lab.host("a"), lab.host("b")
        lab.up()
        for host in (a, b):
            assert "eth0" in host.active()
            assert host.nmcli("-g", "RUNNING,STATE", "general").stdout.strip() == "running:connected"
        for destination in (b.address(4), b.address(6), "b"):
            assert a.ping(destination) is not None, destination
        assert a.run(["hostname"]).stdout == "a\n"
        assert a.ping("203.0.113.99", 0.5) is None
        assert a.file("/var/lib/nm-scope").is_dir() and not Path("/run/lab").exists()
        assert "startup complete" in a.log.read_text()


@tap.test
def six_hosts_are_up_in_seconds() -> None:
    start = time.monotonic()
    with Lab(delay_ms=40) as lab:
        home = lab.router("home", "symmetric")
        for number in range(5):
            lab.host(f"host{number}", behind=home if number > 2 else None)
        lab.host("light", nm=False)
        lab.up()
        up = time.monotonic() - start
    tap.comment(f"up after {up:.2f} s, closed after {time.monotonic() - start - up:.2f} s more")
    assert EMULATED or up < 10


@tap.test
def commands() -> None:
    with Lab() as lab:
        for host in (lab.host("nm"), lab.host("light", nm=False)):
            assert host.run(["cat"], input="text").stdout == "text"
            assert host.run(["false"], check=False).returncode == 1
            for argv, timeout in ((["sh", "-c", "echo words >&2; exit 3"], 5), (["sleep", "60"], 0.2)):
                try:
                    host.run(argv, timeout=timeout)
                    raise AssertionError(f"{argv} did not fail")
                except CommandFailed as error:
                    assert "words" in str(error) or "no end within 0.2 s" in str(error)
            process = host.popen(["sh", "-c", "trap 'echo bye; exit 7' TERM; echo hello; while :; do sleep 0.05; done"])
            wait_for("hello", lambda: "hello" in process.log.read_text())
            assert process.stop() == 7
            assert process.log.read_text() == "hello\nbye\n"
            process = host.popen(["sleep", "60"], log="sleep.log")
            process.kill()
            assert process.wait() == -signal.SIGKILL
            # orphans are reaped
            host.run(["sh", "-c", "(sleep 0.01 &)"])
            wait_for("no zombies", lambda: "Z" not in host.run(["ps", "-A", "-o", "stat="]).stdout)


@tap.test
def hosts_behind_a_router() -> None:
    with Lab() as lab:
        home = lab.router("home", "port-restricted")
        inside, neighbour = lab.host("inside", behind=home), lab.host("neighbour", nm=False, behind=home)
        public = lab.host("public", nm=False)
        old = lab.host("old", ipv6=False)
        assert inside.ping(public.address(4)) is not None
        assert inside.ping(public.address(6)) is not None
        assert inside.ping(neighbour.address(4)) is not None
        assert public.ping(inside.address(4), 0.5) is None
        assert public.ping(inside.address(6), 0.5) is None
        assert old.ping(public.address(4)) is not None
        assert old.ping(public.address(6), 0.5) is None


@tap.test
def cut_unplug_and_plug() -> None:
    for delay_ms in (0, 4):
        with Lab(delay_ms=delay_ms) as lab:
            home = lab.router("home", "symmetric")
            a, b, c = lab.host("a"), lab.host("b", nm=False), lab.host("c", nm=False, behind=home)
            carrier = "/sys/class/net/eth0/carrier"
            assert a.ping(b.address()) is not None and c.ping(b.address()) is not None
            a.cut()
            c.cut()
            assert a.ping(b.address(), 0.3) is None and c.ping(b.address(), 0.3) is None
            assert a.run(["cat", carrier]).stdout == "1\n"
            assert "eth0" in a.active()
            a.plug()
            c.plug()
            assert a.ping(b.address()) is not None and c.ping(b.address()) is not None
            a.unplug()
            assert a.run(["cat", carrier]).stdout == "0\n"
            assert a.ping(b.address(), 0.3) is None
            if delay_ms:  # NetworkManager waits 6 s for the carrier to come back
                wait_for("eth0 down", lambda: "eth0" not in a.active())
            a.plug()
            wait_for("eth0 up", lambda: "eth0" in a.active())
            assert a.ping(b.address()) is not None
            home.cut("wan")
            assert c.ping(b.address(), 0.3) is None
            home.plug("wan")
            assert c.ping(b.address()) is not None


@tap.test
def links_are_added_and_switched() -> None:
    with Lab() as lab:
        home = lab.router("home", "port-restricted")
        b = lab.host("b", nm=False)
        two = lab.host("two", links=2)
        mixed = lab.host("mixed", behind=[home, None])
        one = lab.host("one")
        assert two.address(4, "eth1").startswith("198.51.100.")
        assert mixed.address(4).startswith("192.168.") and mixed.address(4, 1).startswith("198.51.100.")
        one.add_link(lab.segment(home))

        def leaves_by(host: Node, ifname: str) -> bool:
            return f" dev {ifname} " in host.run(["ip", "route", "get", b.address()]).stdout

        for host in (one, two, mixed):
            assert {"eth0", "eth1"} <= host.active()
            assert leaves_by(host, "eth0")
            host.switch_link("eth1")
            assert leaves_by(host, "eth1") and "eth0" not in host.active()
            assert host.ping(b.address()) is not None and host.ping(b.address(6)) is not None
            host.switch_link("eth0", gap=True)
            assert leaves_by(host, "eth0") and "eth1" not in host.active()
            assert host.ping(b.address()) is not None


@tap.test
def a_delay_of_40_ms() -> None:
    with Lab(delay_ms=40) as lab:
        home = lab.router("home", "symmetric")
        a, b, c = lab.host("a"), lab.host("b", nm=False), lab.host("c", nm=False, behind=home)
        for host, destination in ((a, b.address(4)), (a, b.address(6)), (c, b.address(4)), (c, a.address(6))):
            host.ping(destination)
            times = round_trips(host, destination)
            median = statistics.median(times)
            tap.comment(f"{host.name} to {destination}: {median:.2f} ms, {min(times):.2f} to {max(times):.2f}")
            assert len(times) == 20 and 36 < median < (60 if EMULATED else 44)
        # checksums and segments that the sender left to the card survive
        listener = b.popen(["python3", "-c", "import socket; c, _ = socket.create_server(('', 9)).accept();"
                            "n = 0\nwhile d := c.recv(1 << 20): n += len(d)\nprint(n)"], log="tcp.log")  # fmt: skip
        wait_for("listener", lambda: "*:9 " in b.run(["ss", "-ltn"]).stdout.replace("0.0.0.0", "*"))
        a.run(["python3", "-c", f"import socket; socket.create_connection(('{b.address()}', 9)).sendall(bytes(8 << 20))"])
        listener.wait(10)
        assert listener.log.read_text() == f"{8 << 20}\n"


@tap.test
def a_loss_of_20_percent() -> None:
    with Lab(loss=20) as lab:
        a, b = lab.host("a", nm=False), lab.host("b", nm=False)
        assert a.ping(b.address()) is not None
        got = len(round_trips(a, b.address(), 300)) / 300
        tap.comment(f"{got:.0%} of the round trips, expected 64 %")
        assert 0.54 < got < 0.74


@tap.test
def a_link_becomes_slow_and_quick_again() -> None:
    with Lab(delay_ms=20) as lab:
        a, b, c = (lab.host(name, nm=False) for name in "abc")
        for host in (a, b, c):
            assert all(host.ping(other.address()) is not None for other in (a, b, c) if other is not host)
        b.slow(400)
        answers = {other.name: statistics.median(round_trips(a, other.address(), 5)) for other in (b, c)}
        assert 400 <= answers["b"] < 460 and 20 <= answers["c"] < 40 or EMULATED, answers
        b.slow(20, loss=100)
        assert a.ping(b.address(), 0.5) is None
        b.slow(20)
        assert 20 <= statistics.median(round_trips(a, b.address(), 5)) < 40 or EMULATED
        tap.comment(f"{answers} ms")
    with Lab() as lab:
        try:
            lab.host("a", nm=False).slow(400)
        except LookupError:
            return
        raise AssertionError("slow without a delay")


@tap.test
def a_machine_sleeps_and_wakes() -> None:
    with Lab() as lab:
        a, b = lab.host("a"), lab.host("b", nm=False)
        lab.up()
        a.logind()
        count = a.popen(["sh", "-c", "while echo; do sleep 0.05; done"], log="count.log")
        watch = a.popen(["dbus-monitor", "--system", "type=signal,member=PrepareForSleep"], log="watch.log")
        wait_for("it counts", lambda: count.log.read_text())
        wait_for("somebody watches", lambda: "NameAcquired" in watch.log.read_text())
        # NetworkManager holds sleep up until its links are off.
        wait_for("NetworkManager's lock", lambda: "lock of NetworkManager" in (a.dir / "login1.log").read_text())
        took = a.sleep()
        before = count.log.stat().st_size
        assert b.ping(a.address(), 0.5) is None
        time.sleep(0.3)
        assert count.log.stat().st_size == before, "something runs"
        a.wake()
        wait_for("it goes on", lambda: count.log.stat().st_size > before)
        assert b.ping(a.address(), 10) is not None
        text = watch.log.read_text()
        assert text.count("boolean true") == text.count("boolean false") == 1, text
        assert "sleep: sleep requested" in a.log.read_text() and "sleep: wake requested" in a.log.read_text()
        tap.comment(f"held up for {took:.2f} s")
        # Frozen without a word, as by a hypervisor: links stay as they are.
        a.freeze()
        assert b.ping(a.address(), 0.3) is None
        a.thaw()
        assert b.ping(a.address(), 5) is not None and a.ping(b.address(), 5) is not None
    assert not lab.leftovers()


@tap.test
def a_machine_is_switched_off_and_boots() -> None:
    with Lab() as lab:
        a, b = lab.host("a"), lab.host("b", nm=False)
        lab.up()
        count = a.popen(["sh", "-c", "while echo; do sleep 0.05; done"], log="count.log")
        wait_for("it counts", lambda: count.log.read_text())
        a.ip("link add tunnel type veth peer name tunnel2")
        assert a.is_on and b.ping(a.address(), 5) is not None
        a.switch_off()
        assert not a.is_on and count.wait(5) != 0
        assert b.ping(a.address(), 0.5) is None
        assert not (a.file("/sys/class/net") / "tunnel").exists()
        a.switch_on()
        assert a.is_on and "eth0" in a.active()
        assert b.ping(a.address(), 5) is not None and a.ping(b.address(), 5) is not None
    assert not lab.leftovers()


@tap.test
def two_wireguard_interfaces() -> None:
    with Lab() as lab:
        tap.comment("kernel WireGuard" if lab.kernel_wireguard else "wireguard-go")
        home = lab.router("home", "port-restricted")
        a, b = lab.host("a", behind=home), lab.host("b", nm=False)
        (a_private, a_public), (b_private, b_public) = lab.genkey(), lab.genkey()
        lab.wireguard(b, "wg0", b_private, 51820, ["10.9.0.2/32", "fd09::2/128"], [(a_public, "10.9.0.1/32,fd09::1/128")])
        lab.wireguard(a, "wg0", a_private, 51820, ["10.9.0.1/32", "fd09::1/128"],
                      [(b_public, "10.9.0.2/32, fd09::2/128", f"{b.address()}:51820")])  # fmt: skip
        assert a.ping("10.9.0.2") is not None
        assert b.ping("fd09::1") is not None
        assert b.run(["wg", "show", "wg0", "endpoints"]).stdout == f"{a_public}\t{home.address()}:51820\n"


@tap.test
def dispatcher_scripts_run() -> None:
    with Lab() as lab:
        host = lab.host("host")
        put(host, "/etc/NetworkManager/dispatcher.d/50-test", DISPATCHER, 0o755)
        host.nmcli("connection", "down", "eth0")
        host.nmcli("connection", "up", "eth0")
        events = host.file("/run/dispatched")
        wait_for("dispatcher", lambda: events.exists() and "eth0 up" in events.read_text())
        assert "eth0 down\n" in events.read_text()


@tap.test
def networkmanager_stops_and_starts() -> None:
    with Lab() as lab:
        a, b = lab.host("a"), lab.host("b", nm=False)
        a.up()
        a.stop_nm()
        assert a.nmcli("general", check=False).returncode != 0
        a.start_nm()
        assert a.ping(b.address()) is not None
        a.kill_nm()
        assert a.nmcli("general", check=False).returncode != 0
        a.start_nm()
        assert a.nmcli("-g", "STATE", "general").stdout == "connected\n"
        address = b.address()
        b.stop()
        assert not b.running and a.ping(address, 0.3) is None


@tap.test
def networkmanager_writes_resolv_conf_when_asked() -> None:
    with Lab() as lab:
        mine, silent = lab.host("mine", dns="default"), lab.host("silent")
        for host in (mine, silent):
            host.nmcli("connection", "modify", "eth0", "ipv4.dns", "203.0.113.53")
            host.nmcli("connection", "up", "eth0")
        wait_for("resolv.conf", lambda: "203.0.113.53" in mine.run(["cat", "/etc/resolv.conf"]).stdout)
        assert silent.run(["cat", "/etc/resolv.conf"]).stdout == ""


@tap.test
def scope_connections_are_added() -> None:
    with Lab() as lab:
        host = lab.host("host")
        data = {"registry": "https://r.example/a,b", "network": "x\\y", "ranges": "10.0.0.0/8, fd00::/8"}
        uuid = lab.scope_add(host, "net", data, {"token": "a,b\\c"}, **{"vpn.persistent": "yes"})
        assert host.nmcli("-g", "connection.id,vpn.persistent", "connection", "show", uuid).stdout.split() == ["net", "yes"]
        file = host.file("/etc/NetworkManager/system-connections/net.nmconnection").read_text().splitlines()
        assert {"registry=https://r.example/a,b", "network=x\\\\y", "ranges=10.0.0.0/8, fd00::/8", "token-flags=0",
                "token=a,b\\\\c", "service-type=org.freedesktop.NetworkManager.scope"} <= set(file), file  # fmt: skip


@tap.test
def a_scope_service_of_the_build_tree_is_started() -> None:
    """A stand-in for the service: it proves the .name file, the policy and the log, not Scope."""
    with tempfile.TemporaryDirectory() as build:
        service = Path(build, "src/service/nm-scope-service")
        service.parent.mkdir(parents=True)
        service.write_text("""#!/usr/bin/python3 -u
import os, subprocess, sys
print("service started as", *sys.argv[1:], file=sys.stderr)
print("log", os.environ["NM_VPN_LOG_SYSLOG"], os.environ["NM_VPN_LOG_LEVEL"], file=sys.stderr)
name = sys.argv[sys.argv.index("--bus-name") + 1] if "--bus-name" in sys.argv else "org.freedesktop.NetworkManager.scope"
print(subprocess.run(["busctl", "--system", "call", "org.freedesktop.DBus", "/org/freedesktop/DBus",
      "org.freedesktop.DBus", "RequestName", "su", name, "0"], text=True, capture_output=True), file=sys.stderr)
""")
        service.chmod(0o755)
        with Lab(build=build) as lab:
            host = lab.host("host")
            lab.scope_add(host, "net", {"registry": "http://r.example"})
            assert host.nmcli("-w", "10", "connection", "up", "net", check=False).returncode != 0
            assert "service started as --bus-name org.freedesktop.NetworkManager.scope" in host.log.read_text()
            assert "log 0 7" in host.log.read_text()
            wait_for("the name to be owned", lambda: "stdout='u 1\\n'" in host.log.read_text())


@tap.test
def a_registry_of_the_build_tree_is_started() -> None:
    with tempfile.TemporaryDirectory() as build:
        program = Path(build, "src/registry/scope-registry")
        program.parent.mkdir(parents=True)
        program.write_text("""#!/usr/bin/python3
import json, sys, http.server
config = json.load(open(sys.argv[-1]))
http.server.HTTPServer((config["listen"], config["listenPort"]), http.server.SimpleHTTPRequestHandler).serve_forever()
""")
        program.chmod(0o755)
        with Lab(build=build) as lab:
            server, client = lab.host("server", nm=False), lab.host("client", nm=False)
            registry = lab.registry(server, {"networks": []}, ["--verbose"])
            assert registry.url == f"http://{server.address()}:8080"
            get = ["python3", "-c", f"import urllib.request as u; print(u.urlopen('{registry.url}/', timeout=2).status)"]
            assert client.run(get).stdout == "200\n"
            registry.stop()
            assert client.run(get, check=False).returncode != 0


@tap.test
def nothing_is_left() -> None:
    with Lab(delay_ms=1) as lab:
        a, b = lab.host("a"), lab.host("b", nm=False)
        b.popen(["setsid", "sh", "-c", "trap '' TERM HUP INT; sleep 600 & sleep 600"])
        b.popen(["env", "-i", "/bin/sleep", "600"])
        lab.wireguard(b, "wg0", lab.genkey()[0], 1, ["10.9.0.1/32"])
        a.up()
        assert any("namespace" in line for line in lab.leftovers(0))
    assert lab.leftovers() == []


def owner(body: str) -> subprocess.Popen:
    """A script with a lab of its own that has come as far as `body`."""
    program = f"""
import sys, os, time, signal
sys.path.insert(0, {str(Path(__file__).resolve().parents[1])!r})
from lab import Lab
with Lab(delay_ms=1) as lab:
    host, light = lab.host("host"), lab.host("light", nm=False)
    light.popen(["setsid", "sleep", "600"])
    lab.up()
    print(lab._owner, flush=True)
    {body}
"""
    # A shell that starts a job in the background makes it ignore SIGINT; then we would pass that on.
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))  # fmt: skip


def processes(tag: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"SCOPE_LAB={tag}\0" in path.read_text(errors="replace"):
                found.append(path.parts[2])
        except OSError:
            pass
    return found


@tap.test
def nothing_is_left_after_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        script = owner("time.sleep(600)")
        tag = script.stdout.readline().strip()
        assert len(processes(tag)) > 8
        script.send_signal(number)
        script.wait(10)
        wait_for(f"no processes after {number.name}", lambda: not processes(tag))
        files = [path for path in Path(tempfile.gettempdir()).glob(f"scope-lab.{tag}.*")]
        assert len(files) == (number == signal.SIGKILL), number.name
        script.communicate()
    assert any(tag in line for line in sweep())
    assert not any(path.exists() for path in files)


@tap.test
def the_next_lab_sweeps_what_a_fork_of_a_dead_owner_holds() -> None:
    script = owner("os.fork() or (print(os.getpid(), flush=True), time.sleep(600)); os.kill(os.getpid(), signal.SIGKILL)")
    tag, fork = script.stdout.readline().strip(), int(script.stdout.readline())
    script.wait(10)
    try:
        time.sleep(0.1)
        assert processes(tag)  # the fork has the pipes' ends
        with Lab():
            wait_for("swept", lambda: not processes(tag), 2)
            assert not any(Path(tempfile.gettempdir()).glob(f"scope-lab.{tag}.*"))
    finally:
        os.kill(fork, signal.SIGKILL)
        script.communicate()


@tap.test
def the_root_namespace_is_untouched() -> None:
    def look() -> str:
        return subprocess.run("ip -br link; ip -br addr; ip route; cat /etc/hosts /etc/resolv.conf; mount; hostname;"
                              "ls /run /var/lib /etc/NetworkManager; sysctl net.ipv4.ip_forward", shell=True,
                              text=True, capture_output=True).stdout  # fmt: skip

    before = look()
    with Lab(delay_ms=1) as lab:
        lab.host("a")
        lab.host("b", nm=False, behind=lab.router("home", "symmetric"))
        lab.up()
        during = look()
    assert before == during == look()


if __name__ == "__main__":
    tap.main()
