"""`make fuzz TARGET=log|creds SECONDS=60`: coverage-guided fuzzing with atheris, which `make test` does not need.

What breaks a promise is written to `fuzz-findings/`; once mended it belongs into the corpus beside this file.
"""

from __future__ import annotations

import os
import sys
import tempfile
from importlib import import_module
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
FINDINGS = Path("fuzz-findings")
LONGEST = 16_384


def main(target: str, seconds: int, scratch: str) -> None:
    """Fuzz one target for so long; new inputs are kept in `scratch` only."""
    atheris = import_module("atheris")
    with atheris.instrument_imports(include=["baileykeep", "json"]):
        from baileykeep.logs.patterns import LITERALS
        from tests.fuzz.targets import TARGETS

    words = Path(scratch) / "words.dict"
    words.write_text("".join(f'"{_quoted(word)}"\n' for word in (*LITERALS, *WORDS)))
    inputs = Path(scratch) / "inputs"
    inputs.mkdir()
    FINDINGS.mkdir(exist_ok=True)
    options = [
        f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-timeout=20", "-rss_limit_mb=2048",
        f"-artifact_prefix={FINDINGS}/{target}-", f"-dict={words}", "-print_final_stats=1",
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *options, os.fspath(inputs), os.fspath(CORPUS / target)], TARGETS[target])
    atheris.Fuzz()


WORDS = (
    b'{"level":30,"time":1795164402921,"pid":7,"hostname":"vm",', b'"msg":"', b'"companyId":"', b'"tenant":{"id":"',
    b'"err":{"message":"', b'"key":{"remoteJid":"4915122222222@s.whatsapp.net"', b"MessageCounterError", b"Bad MAC",
    b'"attrs":{"code":"401"}', b'"tag":"conflict"', b'"type":"device_removed"', b"    at async 4915122222222.0 ",
    b'{"message":"', b'"app_name":"gw","process_id":0', b'{"log":"', b'"stream":"stderr"', b"\xe2\x80\xa8", b"\x1b[31m",
    b'"me":{"id":"4915112345678:1@s.whatsapp.net"', b'"account":{"details":"', b'"signedIdentityKey":{"public":',
    b'{"type":"Buffer","data":"', b'"nextPreKeyId":', b'"firstUnuploadedPreKeyId":', b'"lid":"100000000000555:1@lid"',
)  # fmt: skip


def _quoted(word: bytes) -> str:
    return "".join(chr(c) if 32 <= c < 127 and c not in b'"\\' else f"\\x{c:02x}" for c in word)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(sys.argv[1], int(sys.argv[2]), folder)
