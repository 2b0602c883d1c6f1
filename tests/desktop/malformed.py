# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that must not become a connection: valid ones with one thing wrong each, the same ones each time.

`files(directory, values, secrets)` writes them and tells what the error of each has to say.
"""

import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path

KEY = "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw="
ROOT = "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrsa"
TOKEN = "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo"

WRONG = {
    "registry": ["", "ftp://r.example", "https://", "https://user@r.example", "https://r.example?x=1", "https://r.example#x",
                 "r.example", "https://r.example ,mailto:x", " ".join(f"https://r{n}.example" for n in range(17))],
    "network": ["", "a/b", "..", "a b", "x" * 65, "büro"],
    "netreg": ["a/b", "x" * 65],
    "root": ["x", ROOT.upper(), ROOT[:-1] + "b", ROOT + "a"],
    "pq": ["yes", "Required"],
    "mode": ["keys", "FULL"],
    "wireguard": ["not an interface", "x" * 16],
    "endpoint": ["192.0.2.1", "192.0.2.1:0", "192.0.2.1:65536", "2001:db8::1:51820", ":51820", "host.example:port"],
    "stun-servers": ["stun.example", "[2001:db8::1]"],
    "public-key": ["x", KEY[:-2], KEY + "=", KEY[:-2] + "x="],
    "listen-port": ["0", "65536", "-1", "0x10", "1e3", "51820 51821"],
    "addresses": ["10.0.0.1/33", "10.0.0/24", "fd00::1/129", "10.0.0.1/", "host.example", "10.0.0.256/24"],
    "interface": ["x" * 16, "a/b", "..", "all", "a b"],
    "keepalive": ["-1", "65536", "25s"],
    "mtu": ["575", "65536", "big"],
    "dns": ["host.example", "10.0.0.1/24", "10.0.0.1:53"],
    "dns-search": ["a/b", "x" * 254],
    "routes": ["0.0.0.0/0", "::/0", "192.0.2.0/33"],
    "exit": ["x" * 65],
    "masquerade": ["true", "1"],
    "port-mapping": ["on", "yes"],
    "tunnel": ["proxy", "tun"],
    "carry": ["never", "yes"],
    "ca": ["ca.pem", "~/ca.pem"],
    "private-key": ["x", KEY + KEY],
    "preshared-key": ["x", KEY[1:]],
    "token": ["x", TOKEN + "x", TOKEN[1:]],
    "identity": ["x", TOKEN],
}  # fmt: skip
"""Values that each setting refuses: a key of the table without any is an error of the test."""


@dataclass
class Bad:
    path: Path
    says: str
    """Stands in the error: the field, where there is one."""


def profile(values: dict[str, str], secrets: dict[str, str], flags: dict[str, int] | None = None, id: str = "Office") -> str:
    lines = ["[scope-profile]", "version=1", f"id={id}", "persistent=true", "", "[vpn]"]
    lines += [f"{key}={value}" for key, value in values.items()]
    lines += [f"{key}-flags={value}" for key, value in (flags or {}).items()]
    lines += ["", "[secrets]", *(f"{key}={value}" for key, value in secrets.items()), ""]
    return "\n".join(lines)


def invite(**changed: str | None) -> str:
    fields = {"version": "1", "registry": "https://r.example", "network": "home", "root": ROOT, "token": TOKEN,
              "name": "laptop", "expires": "2999-01-31T12:00:00Z", **changed}  # fmt: skip
    return "\n".join(["[scope-invite]", *(f"{key}={value}" for key, value in fields.items() if value is not None), ""])


def edge(**changed: object) -> str:
    fields = {"registry": "https://r.example", "network": "office", "netreg": "interface-1", "pubKey": KEY, **changed}
    return json.dumps([{key: value for key, value in fields.items() if value is not ...}], indent=1)


def without(values: dict[str, str], key: str) -> dict[str, str]:
    return {name: value for name, value in values.items() if name != key}


def _of_settings(values: dict[str, str], secrets: dict[str, str]):
    """Every setting and secret of a profile, with a wrong value, and with bytes that are no text."""
    for key in [*values, *secrets]:
        group = "secrets" if key in secrets else "vpn"

        def changed(value: str) -> bytes:
            plain = {**values, key: value} if group == "vpn" else values
            return profile(plain, {**secrets, key: value} if group == "secrets" else secrets).encode()

        for number, value in enumerate(WRONG[key]):
            yield f"profile-{key}-wrong-{number}", changed(value), f"[{group}] {key}: "
        good = (values | secrets)[key]
        yield f"profile-{key}-latin1", changed("B@ro").replace(b"@", b"\xfc"), "line "
        yield f"profile-{key}-nul", changed(good + "\0"), "a NUL byte"
        yield f"profile-{key}-escape", changed(good + "\\q"), f"[{group}] {key}: "
        yield f"profile-{key}-long", changed(good + " " * 4097 + "x"), f"[{group}] {key}: longer than 4096 bytes"
        yield f"profile-{key}-twice", changed(f"{good}\n{key}={good}"), f"[{group}] {key} is there already, in line "
        yield f"profile-{key}-colon", changed(good).replace(f"\n{key}=".encode(), f"\n{key}:".encode()), "line "
        if group == "secrets":
            moved = profile({**values, key: good}, without(secrets, key))
            yield f"profile-{key}-misplaced", moved.encode(), f"[vpn] {key}: a secret"
            for flags in ("8", "-1", "system", "0x1"):
                yield f"profile-{key}-flags-{flags}", profile({**values, f"{key}-flags": flags}, secrets).encode(), f"[vpn] {key}-flags: "


def _of_profiles(values: dict[str, str], secrets: dict[str, str]):
    good = profile(values, secrets)
    body = good.split("\n", 1)[1]
    small = profile({"registry": "https://r.example", "network": "n"}, {})
    for key in ("registry", "network"):
        yield f"profile-no-{key}", profile(without(values, key), secrets), f"[vpn] {key}: missing"
    for end in range(1, small.index("network=n") + len("network="), 7):
        yield f"profile-truncated-{end}", small[:end], ""
    for version in ("", "0", "-1", "one", "1.5"):
        yield f"profile-version-{version}", good.replace("version=1", f"version={version}"), "[scope-profile] version: "
    yield "profile-version-new", good.replace("version=1", "version=2"), "newer NetworkManager-scope"
    yield "profile-version-none", good.replace("version=1\n", ""), "[scope-profile] version: missing"
    yield "profile-id-empty", profile(values, secrets, id=""), "[scope-profile] id: "
    yield "profile-id-long", profile(values, secrets, id="x" * 256), "[scope-profile] id: "
    yield "profile-id-escape", profile(values, secrets, id="a\\q"), "[scope-profile] id: "
    yield "profile-persistent", good.replace("persistent=true", "persistent=maybe"), "[scope-profile] persistent: "
    yield "profile-no-magic", body, "neither"
    yield "profile-other-magic", good.replace("[scope-profile]", "[scope-profile2]"), "neither"
    yield "profile-late-magic", "[vpn]\nregistry=https://r.example\n" + good.split("[vpn]")[0], "neither"
    yield "profile-only-comments", "# nothing\n" * 50, "neither"
    yield "profile-group-open", good.replace("[vpn]", "[vpn"), "line 6: "
    yield "profile-group-empty", good.replace("[vpn]", "[]"), "line 6: "
    yield "profile-group-behind", good.replace("[vpn]", "[vpn] x"), "line 6: "
    yield "profile-group-twice", good + "[vpn]\nmtu=1280\n", "[vpn] is there already, in line 6"
    yield "profile-magic-twice", good + "[scope-profile]\nversion=1\n", "[scope-profile] is there already, in line 1"
    yield "profile-two-files", good + good, "is there already"
    yield "profile-key-nameless", good.replace("[vpn]", "[vpn]\n=x"), "line 7: "
    yield "profile-key-spaces", good.replace("[vpn]", "[vpn]\nlisten port=1"), "line 7: "
    yield "profile-key-locale", good.replace("[vpn]", "[vpn]\nregistry[de]=https://r.example"), "line 7: "
    yield "profile-key-long", good.replace("[vpn]", "[vpn]\n" + "k" * 65 + "=x"), "line 7: "
    yield "profile-bare-line", good.replace("[secrets]", "[secrets]\n" + KEY[:-1]), "line "
    yield "profile-together-pq", profile({"registry": "https://r", "network": "n", "pq": "required"}, {}), "[vpn] pq: "
    yield "profile-together-mode", profile({"registry": "https://r", "network": "n", "mode": "keys-only"}, {}), "[vpn] wireguard: "
    yield "profile-together-wireguard", profile({"registry": "https://r", "network": "n", "wireguard": "wg0"}, {}), "[vpn] wireguard: "
    yield "profile-utf16", good.encode("utf-16"), "neither"
    yield "profile-cr-only", good.replace("\n", "\r"), ""
    yield "profile-huge", good + "#" * 1024 * 1024, "larger than 1048576 bytes"
    yield "profile-many-groups", "[scope-profile]\nversion=1\n" + "".join(f"[g{n}]\n" for n in range(100000)), "[vpn] registry: missing"
    yield "profile-gzip", b"\x1f\x8b\x08\x00" + good.encode(), "neither"


def _of_invites():
    good = invite()
    for key in ("registry", "network", "root", "token", "expires", "version"):
        yield f"invite-no-{key}", invite(**{key: None}), f"[scope-invite] {key}: missing"
        yield f"invite-{key}-twice", good + f"{key}=1\n", f"[scope-invite] {key} is there already"
    for key in ("registry", "network", "root", "token", "pq", "ca"):
        for number, value in enumerate(value for value in WRONG[key] if value):
            yield f"invite-{key}-wrong-{number}", invite(**{key: value}), f"[scope-invite] {key}: "
    for number, value in enumerate(["tomorrow", "2999-13-01T00:00:00Z", "2999-01-31", "32503680000"]):
        yield f"invite-expires-wrong-{number}", invite(expires=value), "[scope-invite] expires: not a time"
    for number, value in enumerate(["2020-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z"]):
        yield f"invite-expired-{number}", invite(expires=value), "[scope-invite] expires: the invite expired"
    yield "invite-name-empty", invite(name=""), "[scope-invite] name: "
    yield "invite-name-long", invite(name="x" * 65), "[scope-invite] name: "
    yield "invite-name-control", invite(name="a\\nb"), "[scope-invite] name: "
    yield "invite-version-new", invite(version="2"), "[scope-invite] version: 2: written by a newer"
    yield "invite-huge", good + "#" * 16384, "larger than 16384 bytes"
    yield "invite-nul", good.replace("name=laptop", "name=lap\0top"), "a NUL byte"
    yield "invite-latin1", good.encode().replace(b"laptop", b"b\xfcro"), "not valid UTF-8"
    yield "invite-bom-in-the-middle", good.replace("\nnetwork", "\n\ufeffnetwork"), "line 4: "
    for end in range(1, good.index("expires="), 17):
        yield f"invite-truncated-{end}", good[:end], ""


def _of_edges():
    good = edge()
    for field in ("registry", "network", "pubKey"):
        yield f"edge-no-{field}", edge(**{field: ...}), f"entry 1: {field}: missing"
    for field in ("registry", "network", "netreg", "pubKey"):
        for number, value in enumerate([7, True, [], {}, ["x"]]):
            yield f"edge-{field}-type-{number}", edge(**{field: value}), f"{field}: not a string"
        yield f"edge-{field}-wrong", edge(**{field: "a b"}), f"{field}: "
        yield f"edge-{field}-control", edge(**{field: "\x1b[31m"}), f"{field}: "
        yield f"edge-{field}-twice", good.replace(f'"{field}":', f'"{field}": "x",\n"{field}":'), f"{field} is there twice"
    for number, value in enumerate(["pasteYourEdgePublicKeyHere", KEY[1:]]):
        yield f"edge-placeholder-{number}", edge(pubKey=value), "put there what “wg show INTERFACE public-key” prints"
    for end in range(1, len(good) - 2, 9):
        yield f"edge-truncated-{end}", good[:end], ""
    for number, text in enumerate(["[]", "[[]]", "[7]", '["x"]']):
        yield f"edge-entry-{number}", text, "an object" if number else "no entry"
    yield "edge-null", "[null]", "neither"
    yield "edge-deep", "[" * 500000 + "]" * 500000, "levels deep"
    yield "edge-deep-objects", '{"a":' * 50000 + "1" + "}" * 50000, "levels deep"
    yield "edge-comment", good.replace("{", "{ // mine\n", 1), "JSON has no comments"
    yield "edge-last-comma", good.replace("\n }", ",\n }"), "no comma after the last one"
    yield "edge-two", good + good, "line "
    yield "edge-text-behind", good + "x", "line "
    yield "edge-single-quotes", good.replace('"', "'"), "line "
    yield "edge-nul", good.replace("office", "off\0ice"), "line "
    yield "edge-nul-escaped", good.replace("office", "off\\u0000ice"), "line "
    yield "edge-surrogate", good.replace("office", "\\ud800"), "line "
    yield "edge-latin1", good.encode().replace(b"office", b"b\xfcro"), "not valid UTF-8"
    yield "edge-utf16", good.encode("utf-16"), "neither"
    yield "edge-huge", good + " " * 1024 * 1024, "larger than 1048576 bytes"
    yield "edge-infinity", edge(pubKey="@").replace('"@"', "Infinity"), "line "
    yield "edge-big-number", edge(pubKey="@").replace('"@"', "9" * 400), "too large"
    yield "edge-package-json", '{"name": "left-pad", "version": "1.3.0"}', "registry: missing"


def _foreign():
    yield "foreign-empty", "", "neither"
    yield "foreign-space", " \n\t\n", "neither"
    yield "foreign-bom-alone", "\ufeff", "neither"
    yield "foreign-wg-quick.conf", f"[Interface]\nPrivateKey = {KEY}\n", "neither"
    yield "foreign-client.ovpn", "client\nremote vpn.example 1194\n", "neither"
    yield "foreign-nmconnection", "[connection]\nid=x\ntype=vpn\n[vpn]\nservice-type=org.freedesktop.NetworkManager.scope\n", "neither"
    yield "foreign-xml", '<?xml version="1.0"?><registry/>', "neither"
    yield "foreign-elf", b"\x7fELF\x02\x01\x01" + bytes(64), "neither"
    yield "foreign-random", bytes((n * 167 + 13) % 256 for n in range(5000)), "neither"
    yield "foreign-name-\x1b[31m", "x", "neither"


def _odd(directory: Path):
    """No files, or files that cannot be read. The one who imports is not root."""
    (directory / "odd-directory.scope").mkdir()
    yield "odd-directory.scope", "directory"
    os.mkfifo(directory / "odd-fifo.scope")
    (directory / "odd-fifo.scope").chmod(0o644)
    yield "odd-fifo.scope", "not a regular file"
    (directory / "odd-unreadable.scope").write_text(profile({"registry": "https://r", "network": "n"}, {}))
    (directory / "odd-unreadable.scope").chmod(0)
    yield "odd-unreadable.scope", "ermission"
    (directory / "odd-loop.scope").symlink_to("odd-loop.scope")
    yield "odd-loop.scope", "symbolic links"
    (directory / "odd-dangling.scope").symlink_to("nowhere")
    yield "odd-dangling.scope", "No such file"
    (directory / "odd-device.scope").symlink_to("/dev/zero")
    yield "odd-device.scope", "not a regular file"
    (directory / "odd-proc.scope").symlink_to("/proc/self/mem")
    yield "odd-proc.scope", ""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(directory / "odd-socket.scope"))
    yield "odd-socket.scope", "not a regular file"
    yield "odd-missing.scope", "No such file"
    with (directory / "odd-sparse.scope").open("wb") as file:
        file.write(b"[scope-profile]\nversion=1\n")
        file.truncate(1 << 40)
    yield "odd-sparse.scope", "larger than 1048576 bytes"
    (directory / "odd-sparse.scope").chmod(0o644)


def files(directory: Path, values: dict[str, str], secrets: dict[str, str]) -> list[Bad]:
    found = []
    for text in (_of_settings(values, secrets), _of_profiles(values, secrets), _of_invites(), _of_edges(), _foreign()):
        for name, content, says in text:
            path = directory / (name if "." in name else name + (".json" if name.startswith("edge") else ".scope"))
            assert not path.exists(), f"{name} twice"
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            path.chmod(0o644)
            found.append(Bad(path, says))
    return found + [Bad(directory / name, says) for name, says in _odd(directory)]
