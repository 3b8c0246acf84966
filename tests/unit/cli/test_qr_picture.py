"""A QR that its gateway only has as a picture: the terminal says where it can be scanned, and prints none of it."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from baileykeep.channels.qr_image import png
from baileykeep.cli.qr import QrPanel
from baileykeep.rules.pairing import PICTURE

AS_PICTURE = PICTURE + b64encode(png("2@ref,a,b,c")).decode()


class Client:
    """A daemon that has a picture."""

    def call(self, _command: str, _args: Any) -> dict[str, Any]:
        return {"qr": AS_PICTURE, "code": None, "expires_at": None}


def test_the_terminal_says_where_to_scan_it(capsys: pytest.CaptureFixture[str]) -> None:
    panel = QrPanel(Client(), "7")  # type: ignore[arg-type]
    panel.refresh({"steps": [{"at": 0.0, "name": "wait_for_scan", "text": ""}]})  # type: ignore[typeddict-item]
    told = capsys.readouterr().out
    assert "picture, which a terminal cannot show" in told
    assert AS_PICTURE[-20:] not in told
