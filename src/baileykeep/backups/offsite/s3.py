"""A bucket of an S3-compatible store."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from baileykeep.backups.offsite.base import Place, taken, too_large
from baileykeep.model.errors import OffsiteError

if TYPE_CHECKING:
    from obstore.store import S3Store

CONNECT_S = 10.0
_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>([A-Za-z0-9.]{1,60})</Code>")
_REMEDIES = {
    "401": "check access_key_id and secret",
    "403": "check access_key_id, secret and what this key may do in the bucket",
    "404": "check the bucket's name and the endpoint",
    "501": "this store cannot put a file only where none is; Baileykeep needs that",
}
_UNREACHABLE = "check the endpoint, and whether this host may reach it"


class S3:
    """Requests are not repeated here: who sends tries again later. What the store says goes into no message."""

    kind = "s3"

    def __init__(self, place: Place):
        parts = urlsplit(place.to)
        self._bucket, self._prefix = parts.netloc, parts.path.strip("/")
        self._endpoint = place.endpoint
        self._store = _store(place, self._bucket, self._prefix)

    @property
    def where(self) -> str:
        at = f" at {self._endpoint}" if self._endpoint else ""
        return f"s3://{self._bucket}{'/' + self._prefix if self._prefix else ''}{at}"

    def folders(self) -> list[str]:
        import obstore

        with self._explained():
            found = obstore.list_with_delimiter(self._store)["common_prefixes"]
        return sorted(prefix.strip("/").rpartition("/")[2] for prefix in found)

    def names(self, folder: str) -> Mapping[str, int]:
        import obstore

        found: dict[str, int] = {}
        with self._explained():
            for page in obstore.list(self._store, prefix=folder):
                for item in page:
                    above, _, name = item["path"].rpartition("/")
                    if above == folder:
                        found[name] = item["size"]
        return found

    def put_new(self, folder: str, name: str, data: bytes) -> None:
        import obstore
        from obstore.exceptions import AlreadyExistsError

        with self._explained():
            try:
                obstore.put(self._store, f"{folder}/{name}", data, mode="create", use_multipart=False)
            except AlreadyExistsError as error:
                raise taken(name) from error

    def get(self, folder: str, name: str, limit: int) -> bytes | None:
        import obstore

        with self._explained():
            try:
                answer = obstore.get(self._store, f"{folder}/{name}")
            except FileNotFoundError as error:
                if "NoSuchBucket" in str(error):
                    raise
                return None
            if answer.meta["size"] > limit:
                raise too_large(name)
            return bytes(answer.bytes())

    def remove(self, folder: str, name: str) -> None:
        import obstore

        with self._explained(), contextlib.suppress(FileNotFoundError):
            obstore.delete(self._store, f"{folder}/{name}")

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, FileNotFoundError, ValueError, OSError) as error:
            raise _meaning(self.where, str(error)) from None


def _store(place: Place, bucket: str, prefix: str) -> S3Store:
    from obstore.store import S3Store

    keys = {"access_key_id": place.key_id, "secret_access_key": place.secret, "endpoint": place.endpoint}
    config: Any = {"region": place.region, **{name: value for name, value in keys.items() if value is not None}}
    return S3Store(
        bucket,
        prefix=prefix or None,
        config=config,
        client_options={
            "allow_http": place.allow_http,
            "connect_timeout": timedelta(seconds=min(CONNECT_S, place.timeout_s)),
            "timeout": timedelta(seconds=place.timeout_s),
        },
        retry_config={"max_retries": 0},
    )


def _meaning(where: str, said: str) -> OffsiteError:
    """What went wrong, without the store's own words: they may repeat a key."""
    status, code = _STATUS.search(said), _CODE.search(said)
    if status is not None:
        why = f"{status[1]} {code[1]}" if code is not None else status[1]
        return OffsiteError(f"{where} refuses: {why}", next_step=_REMEDIES.get(status[1], "ask whoever runs the store"))
    if "TimedOut" in said or "operation timed out" in said:
        return OffsiteError(f"{where} did not answer in time", next_step=_UNREACHABLE)
    return OffsiteError(f"{where} cannot be reached", next_step=_UNREACHABLE)
