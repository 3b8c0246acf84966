"""What is drawn can be read again by a camera."""

from __future__ import annotations

import string

import pytest

from baileykeep.channels.qr_image import blank, png
from baileykeep.cli.qr import blocks
from baileykeep.model.errors import GatewayError
from tests.fakes.camera import read_blocks, read_qr

LETTERS = string.ascii_letters + string.digits + "+/=,@#:"


@pytest.mark.parametrize("length", [1, 20, 78, 154, 231, 280, 460])
def test_a_qr_holds_its_text_as_a_picture_and_in_the_terminal(length: int) -> None:
    text = "".join(LETTERS[n * n % len(LETTERS)] for n in range(2, 2 + length))
    assert read_qr(png(text)) == text
    assert read_blocks(blocks(text, coloured=False).split("\n")) == text


def test_where_none_is_out_the_picture_is_empty() -> None:
    assert read_qr(blank()) is None


def test_a_text_that_no_qr_can_hold_is_named() -> None:
    with pytest.raises(GatewayError, match="no QR can hold"):
        png("x" * 5000)
