"""Places off this host for tests: a real S3 server, and a real folder that lies where a test says."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from baileykeep.backups.offsite.base import Place
from baileykeep.backups.offsite.directory import Directory

KEY_ID, SECRET = "AKIAMADEUPMADEUP", "made-up/secret+of+a+store"


@dataclass(frozen=True)
class Bucket:
    """A bucket of a real S3 server."""

    url: str
    name: str = "copies"

    def place(self, prefix: str = "here", **changes: object) -> Place:
        """Where copies go in it."""
        given: dict[str, object] = {
            "to": f"s3://{self.name}/{prefix}", "endpoint": self.url, "key_id": KEY_ID, "secret": SECRET,
            "allow_http": True, "timeout_s": 10.0, **changes,
        }  # fmt: skip
        return Place(**given)  # type: ignore[arg-type]


@contextmanager
def s3_server() -> Iterator[Bucket]:
    """moto's server on a port of its own, with one empty bucket."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        bucket = Bucket(f"http://{host}:{port}")
        httpx.post(f"{bucket.url}/moto-api/reset").raise_for_status()
        httpx.put(f"{bucket.url}/{bucket.name}").raise_for_status()
        yield bucket
    finally:
        server.stop()


class Lying(Directory):
    """A real folder whose answers a test bends; what lies in it stays as it is."""

    def __init__(self, place: Place, beside: Path):
        super().__init__(place, beside)
        self.bend: Callable[[str, bytes], bytes] = lambda _name, data: data
        self.hide: Callable[[str], bool] = lambda _name: False
        self.removed: list[str] = []
        self.put: list[str] = []

    def names(self, folder: str) -> Mapping[str, int]:
        return {name: size for name, size in super().names(folder).items() if not self.hide(name)}

    def get(self, folder: str, name: str, limit: int) -> bytes | None:
        data = super().get(folder, name, limit)
        return None if data is None else self.bend(name, data)

    def put_new(self, folder: str, name: str, data: bytes) -> None:
        super().put_new(folder, name, data)
        self.put.append(name)

    def remove(self, folder: str, name: str) -> None:
        self.removed.append(name)
        super().remove(folder, name)
