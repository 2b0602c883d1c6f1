# SPDX-License-Identifier: GPL-3.0-or-later
"""Envelopes: read, changed, spoilt; and signed with keys that a test has got hold of (tests/system/forge)."""

import base64
import contextlib
import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Iterator

from .mesh import BUILD


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def payload(envelope: dict[str, Any]) -> dict[str, Any]:
    """What an envelope says."""
    return json.loads(decode(envelope["payload"]))


def with_payload(envelope: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The envelope with other words under the old signatures."""
    return {**envelope, "payload": encode(json.dumps({**payload(envelope), **changes}).encode())}


def spoilt(envelope: dict[str, Any], number: int) -> dict[str, Any]:
    """The envelope with a bit of one of its two signatures turned."""
    signatures = [dict(signature) for signature in envelope["signatures"]]
    data = bytearray(decode(signatures[number]["signature"]))
    data[20] ^= 1
    signatures[number]["signature"] = encode(bytes(data))
    return {**envelope, "signatures": signatures}


def stripped(envelope: dict[str, Any], number: int) -> dict[str, Any]:
    """The envelope without one of its two signatures."""
    return {**envelope, "signatures": [envelope["signatures"][1 - number]]}


def forge(*arguments: Any, input: str | None = None) -> str:
    """Run tests/system/forge."""
    argv = [BUILD / "tests/system/forge", *map(str, arguments)]
    return subprocess.run(argv, input=input, text=True, check=True, stdout=subprocess.PIPE).stdout


class Identity:
    """A key pair that the test has: somebody's own, or one that it has got hold of."""

    def __init__(self, values: str | None = None) -> None:
        values = json.loads(values or forge("identity"))
        self.secret, self.identity, self.fingerprint = values["secret"], values["identity"], values["fingerprint"]

    @classmethod
    def of(cls, secret: str) -> "Identity":
        with cls._file(secret) as path:
            return cls(forge("public", path))

    @classmethod
    def unlocked(cls, root: Path, passphrase: Path) -> "Identity":
        return cls(forge("unlock", root, passphrase))

    @property
    def short(self) -> str:
        return self.fingerprint[:8]

    def sign(self, typ: str, payload: dict[str, Any]) -> dict[str, Any]:
        with self._file(self.secret) as path:
            return json.loads(forge("sign", typ, path, input=json.dumps(payload)))

    @staticmethod
    @contextlib.contextmanager
    def _file(secret: str) -> Iterator[Path]:
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(secret)
            file.flush()
            yield Path(file.name)


def now() -> int:
    return int(time.time())
