"""Copies off this host while things break for real: a killed process, a full disk, a store that refuses or lies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from baileykeep.backups.offsite.base import Place
from baileykeep.backups.offsite.s3 import S3
from baileykeep.model.errors import OffsiteError
from tests.fakes.far import KEY_ID, SECRET, Bucket, s3_server
from tests.faults.test_full_disk import mounted
from tests.unit.backups.offsite.hosts import Host, both, host, keys, names

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def server() -> Iterator[Bucket]:
    with s3_server() as server:
        yield server


def on(of: Host, place: Place) -> Host:
    """The same host with another place."""
    return Host(of.vault, of.store, S3(place), place, of.now)


Bend = Callable[[str, str, int, bytes], tuple[int, bytes]]


@contextmanager
def proxy(to: str, bend: Bend, hold: threading.Event | None = None) -> Iterator[str]:
    """A real HTTP server in front of a store, that changes what the store answers."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if hold is not None:
                hold.wait(20)
            headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")}
            answer = httpx.request(self.command, to + self.path, content=body, headers=headers, timeout=10)
            status, data = bend(self.command, self.path, answer.status_code, answer.content)
            self.send_response(status)
            for name in ("ETag", "Last-Modified", "Content-Type"):
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def straight(_method: str, _path: str, status: int, data: bytes) -> tuple[int, bytes]:
    return status, data


@pytest.mark.slow
def test_a_bucket_does_what_a_folder_does(tmp_path: Path, server: Bucket) -> None:
    a = on(host(tmp_path, "a"), server.place("whole"))
    made = [a.back_up() for _ in range(4)]
    assert set(a.send().sent) == set(names(made))
    assert a.send(keep=2).gone == names(made[:2])
    assert sorted(a.target.names("c")) == both(*names(made[2:]))


@pytest.mark.slow
def test_a_store_that_changes_what_it_keeps_is_an_alarm_and_counts_for_nothing(tmp_path: Path, server: Bucket) -> None:
    def lie(method: str, path: str, status: int, data: bytes) -> tuple[int, bytes]:
        return status, data[:-1] + b"?" if method == "GET" and ".age" in path and status == 200 else data

    a = host(tmp_path, "a")
    made = a.back_up()
    with proxy(server.url, lie) as url:
        report = on(a, server.place("lies", endpoint=url)).send()
    assert report.sent == []
    assert "is not what was sent there" in report.troubles[0]
    with proxy(server.url, straight) as url:
        assert on(a, server.place("lies", endpoint=url)).ledger().sent == ()
    assert made.name + ".json" not in S3(server.place("lies")).names("c")


@pytest.mark.slow
@pytest.mark.parametrize(("status", "code", "said"), [
    (403, "AccessDenied", "refuses: 403 AccessDenied"), (403, "InvalidAccessKeyId", "refuses: 403 InvalidAccessKeyId"),
    (500, "InternalError", "refuses: 500 InternalError"), (507, "QuotaExceeded", "refuses: 507 QuotaExceeded"),
    (501, "NotImplemented", "refuses: 501 NotImplemented"),
])  # fmt: skip
def test_a_store_that_refuses_is_named_without_its_own_words(
    tmp_path: Path, server: Bucket, status: int, code: str, said: str
) -> None:
    def refuse(method: str, _path: str, _status: int, _data: bytes) -> tuple[int, bytes]:
        words = f"<Error><Code>{code}</Code><AWSAccessKeyId>{KEY_ID}</AWSAccessKeyId><M>{SECRET}</M></Error>"
        return (status, words.encode()) if method == "PUT" else straight(method, _path, _status, _data)

    a = host(tmp_path, "a")
    a.back_up()
    with proxy(server.url, refuse) as url, pytest.raises(OffsiteError, match=said) as error:
        on(a, server.place(f"refuses{status}{code}", endpoint=url)).send()
    text = f"{error.value} {error.value.__cause__!r}"
    assert KEY_ID not in text
    assert SECRET not in text
    assert error.value.next_step


@pytest.mark.slow
def test_a_bucket_that_is_not_there_and_a_server_that_is_not_there(tmp_path: Path, server: Bucket) -> None:
    a = host(tmp_path, "a")
    a.back_up()
    with pytest.raises(OffsiteError, match="404 NoSuchBucket"):
        on(a, server.place(to="s3://none-such/x")).send()
    with pytest.raises(OffsiteError, match="cannot be reached"):
        on(a, server.place(endpoint="http://127.0.0.1:9")).send()
    with pytest.raises(OffsiteError, match="cannot be reached"):
        on(a, server.place(allow_http=False)).send()


@pytest.mark.slow
def test_a_store_that_does_not_answer_is_given_up_in_time(tmp_path: Path, server: Bucket) -> None:
    hold = threading.Event()
    a = host(tmp_path, "a")
    a.back_up()
    with proxy(server.url, straight, hold) as url:
        with pytest.raises(OffsiteError, match="did not answer in time"):
            on(a, server.place("slow", endpoint=url, timeout_s=1.0)).send()
        hold.set()


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_more_files_than_a_page_holds_are_all_seen(tmp_path: Path, server: Bucket) -> None:
    a = on(host(tmp_path, "a"), server.place("many"))
    made = a.back_up()
    with httpx.Client(base_url=f"{server.url}/copies/many") as client:
        for name in (*(f"c/2020{number:04}.other" for number in range(1203)), "z/last.json"):
            client.put(name, content=b"x").raise_for_status()
    assert a.send().sent == [made.name]
    assert len(a.target.names("c")) == 1205
    assert a.send().sent == []
    assert a.target.folders() == ["c", "z"]


SENDER = """
import sys
from pathlib import Path
from tests.unit.backups.offsite.hosts import Host, keys
from baileykeep.backups.offsite.base import Place
from baileykeep.backups.offsite.find import target
from baileykeep.backups.offsite.sending import Sender, Terms
from baileykeep.backups.offsite.ledger import key_of
from baileykeep.backups.vault import Vault
to, endpoint, root, recipient = sys.argv[1:]
place = Place(to, endpoint=endpoint or None, key_id="x", secret="y", allow_http=True, same_disk=True)
print("begins", flush=True)
vault = Vault(Path(root) / "backups")
Sender(vault, target(place, Path(root)), Terms(key_of(place), (recipient,), 10, lambda: 1.9e9)).send("c")
print("done", flush=True)
"""


def _sender(home: Path, to: str, endpoint: str) -> subprocess.Popen[str]:
    env = {"PYTHONPATH": f"{REPOSITORY / 'src'}:{REPOSITORY}", "PATH": os.environ["PATH"]}
    return subprocess.Popen(
        [sys.executable, "-c", SENDER, to, endpoint, str(home), keys()[1]],
        cwd=REPOSITORY, env=env, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("at", ["GET list", "PUT .age", "GET .age", "PUT .json", "GET .json"])
def test_a_process_killed_in_the_middle_leaves_nothing_half_and_the_next_one_ends_it(
    tmp_path: Path, server: Bucket, at: str
) -> None:
    method, _, part = at.partition(" ")
    reached, hold = threading.Event(), threading.Event()

    def stop(asked: str, path: str, status: int, data: bytes) -> tuple[int, bytes]:
        if asked == method and part.replace("list", "list-type") in path and not reached.is_set():
            reached.set()
            hold.wait(20)
        return status, data

    prefix = f"killed-{at.replace(' ', '-').replace('.', '')}"
    a = host(tmp_path, "a")
    made = [a.back_up() for _ in range(2)]
    with proxy(server.url, stop) as url:
        process = _sender(tmp_path / "a", f"s3://copies/{prefix}", url)
        assert reached.wait(30)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        hold.set()
        again = _sender(tmp_path / "a", f"s3://copies/{prefix}", url)
        assert again.communicate(timeout=30)[0] == "begins\ndone\n"
        far = on(a, server.place(prefix, endpoint=url))
        assert sorted(far.target.names("c")) == both(*names(made))
        assert all(sent.ours for sent in far.ledger().sent)
        assert far.send().troubles == []


FULL = """
import os, sys
from pathlib import Path
from baileykeep.model.errors import OffsiteError
from tests.faults.small_disk import full
from tests.unit.backups.offsite.hosts import host
from dataclasses import replace
disk, home = Path(sys.argv[1]), Path(sys.argv[2])
(disk / "far").mkdir()
(home / "far").symlink_to(disk / "far")
a = host(home, "a")
made, failed = a.back_up(), 0
for pages in range(40):
    try:
        with full(disk, pages):
            a.send()
    except OffsiteError:
        failed += 1
    else:
        break
    left = [p.name for p in (disk / "far").rglob("*") if p.is_file()]
    assert not [n for n in left if n.endswith(".json") and n[:-5] + ".tar.zst.age" not in left], left
    assert all(s.copy.name == made.name for s in a.ledger().sent)
assert failed and [s.copy.name for s in a.ledger().sent] == [made.name]
assert sorted(p.name for p in (disk / "far" / "c").iterdir()) == [f"{made.name}.json", f"{made.name}.tar.zst.age"]
assert a.send().troubles == []
print("whole", failed)
"""


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_full_disk_there_keeps_nothing_half_and_once_there_is_room_all_is_sent(tmp_path: Path) -> None:
    for name in ("disk", "home"):
        (tmp_path / name).mkdir()
    done = mounted(tmp_path / "disk", [sys.executable, "-c", FULL, str(tmp_path / "disk"), str(tmp_path / "home")])
    if done is None:
        pytest.skip("no mount of our own is allowed here")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("whole")
