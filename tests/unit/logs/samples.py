"""The real logs under tests/fixtures, and what each of them says, found by reading them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

FIXTURES = Path(__file__).parents[2] / "fixtures"

NOTHING: Mapping[str, int] = {}
PAIRED = {"qr_shown": 1, "paired": 1, "restart_required": 1, "opened": 1, "pre_key_uploads": 1}
OPENED = {"opened": 1}

BOTH: Mapping[str, Mapping[str, int]] = {
    "01-pair-open-messages.stdout.log": PAIRED,
    "02-badmac-rollback.stderr.log": {"decrypt_failures": 2, "bad_mac": 2},
    "02-badmac-rollback.stdout.log": OPENED | {"decrypt_failures": 2},
    "03-badmac-corrupt.stderr.log": {"decrypt_failures": 1, "bad_mac": 1, "duplicates": 1},
    "03-badmac-corrupt.stdout.log": OPENED | {"decrypt_failures": 2},
    "04-invalid-prekey.stdout.log": OPENED | {"decrypt_failures": 1},
    "05-no-session.stdout.log": OPENED | {"decrypt_failures": 1},
    "06-new-session-over-open.stderr.log": {"renegotiations": 1},
    "06-new-session-over-open.stdout.log": OPENED | {"renegotiations": 1},
    "07-close-503.stdout.log": OPENED | {"drops": 1},
    "07-close-515.stdout.log": OPENED | {"restart_required": 1},
    "07-close-516.stdout.log": OPENED | {"drops": 1},
    "07-close-ack.stdout.log": OPENED | {"drops": 1},
    "07-close-replaced.stdout.log": OPENED | {"replaced": 1},
    "07-close-xml.stdout.log": OPENED | {"drops": 1},
    "08-drop.stdout.log": OPENED | {"drops": 1},
    "10-device-removed.stdout.log": OPENED | {"device_removed": 1},
    "11-login-after-removal.stdout.log": {"logged_out": 1},
    "12-server-down.stdout.log": {"connect_errors": 1},
    "20-mock-server.log": NOTHING,
    "30-mock-server.log": NOTHING,
    "30-pair.stdout.log": PAIRED,
    "31-topup-1.stdout.log": OPENED | {"pre_key_uploads": 1},
    "31-topup-2.stdout.log": OPENED | {"pre_key_uploads": 1},
    "31-topup-3.stdout.log": OPENED | {"pre_key_uploads": 1},
    "32-mock-server.log": NOTHING,
    "32-prekeylow.stdout.log": PAIRED | {"pre_key_uploads": 2, "drops": 1},
    "33-zero.stdout.log": OPENED | {"pre_key_uploads": 1},
    "36-keep50.stdout.log": OPENED,
    "37-creds-truncated.stdout.log": {"qr_shown": 1},
    "38-creds-empty-relink.stdout.log": PAIRED,
    "39-qr-expiry.stdout.log": {"qr_shown": 6, "qr_ended": 1},
    "40-pairing-code.stdout.log": {"qr_shown": 1},
    "41-restart-before-code-typed.stdout.log": {"logged_out": 1},
    "42-paircode-not-open.stdout.log": {"connect_errors": 1},
    "50-stale-session.stdout.log": {"renegotiations": 44},
    "mock-server.log": NOTHING,
}
"""Files that exist in both generations and say the same in both."""

EXPECTED: Mapping[str, Mapping[str, int]] = {
    **{f"logs-{generation}/{name}": counts for generation in ("v6", "v7") for name, counts in BOTH.items()},
    "logs-v6/20-auth-sample.stdout.log": PAIRED | {"decrypt_failures": 1},
    "logs-v7/20-auth-sample.stdout.log": PAIRED | {"decrypt_failures": 2},
    "logs-v6/35-missing-newest.stdout.log": OPENED,
    "logs-v7/35-missing-newest.stdout.log": OPENED | {"pre_key_uploads": 1},
}

PAIRS: Mapping[str, Mapping[str, int]] = {
    "02-badmac-rollback": OPENED | {"decrypt_failures": 2, "bad_mac": 2},
    "03-badmac-corrupt": OPENED | {"decrypt_failures": 1, "bad_mac": 1, "duplicates": 1},
    "06-new-session-over-open": OPENED | {"renegotiations": 1},
}
"""Standard output and standard error of one gateway, scanned together; the same in both generations."""
