"""What a phone's camera reads from a picture of a QR: the inverse of drawing one, made from the standard.

It reads clean pictures only (black and white, upright, nothing damaged) and corrects no errors: a picture that needs
that is one that we drew wrongly.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from segno import consts

SIGNATURE = b"\x89PNG\r\n\x1a\n"
FINDER = 7
AS_IT_STANDS, RELATIVE_TO_ABOVE = 0, 2
FORMAT_MASK = 0x5412
LEVELS = {1: "L", 0: "M", 3: "Q", 2: "H"}
BYTES = 0b0100

Grid = Sequence[Sequence[bool]]
"""Rows of modules, True for a dark one."""

MASKS: tuple[Callable[[int, int], bool], ...] = (
    lambda x, y: (x + y) % 2 == 0,
    lambda _x, y: y % 2 == 0,
    lambda x, _y: x % 3 == 0,
    lambda x, y: (x + y) % 3 == 0,
    lambda x, y: (x // 3 + y // 2) % 2 == 0,
    lambda x, y: x * y % 2 + x * y % 3 == 0,
    lambda x, y: (x * y % 2 + x * y % 3) % 2 == 0,
    lambda x, y: ((x + y) % 2 + x * y % 3) % 2 == 0,
)


def read_qr(picture: bytes) -> str | None:
    """The text of the QR in a PNG; None for a picture that is all white."""
    pixels = _pixels(picture)
    dark = next(((x, y) for y, row in enumerate(pixels) for x, on in enumerate(row) if on), None)
    if dark is None:
        return None
    left, top = dark
    assert left == top, "the quiet zone is not the same on all sides"
    row = pixels[top]
    scale = next(x for x in range(left, len(row)) if not row[x]) - left
    assert scale % FINDER == 0
    scale //= FINDER
    size = (len(row) - 2 * left) // scale
    return _text([[pixels[top + y * scale][left + x * scale] for x in range(size)] for y in range(size)])


def read_blocks(lines: Sequence[str]) -> str:
    """The text of a QR that was drawn in half blocks, light on dark, with a border of light modules."""
    rows = [row for line in lines for row in ([c in " ▄" for c in line], [c in " ▀" for c in line])]
    border = next(y for y, row in enumerate(rows) if any(row))
    size = len(rows[0]) - 2 * border
    return _text([row[border : border + size] for row in rows[border : border + size]])


def _pixels(picture: bytes) -> Grid:
    """The rows of a PNG of one bit a pixel."""
    assert picture.startswith(SIGNATURE)
    chunks = dict(_chunks(picture))
    width, height, depth, colours = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (depth, colours) == (1, 0), "not black and white"
    data, stride = zlib.decompress(chunks[b"IDAT"]), (width + 7) // 8 + 1
    rows = _unfiltered([data[y * stride : (y + 1) * stride] for y in range(height)])
    return [[not row[x // 8] >> (7 - x % 8) & 1 for x in range(width)] for row in rows]


def _unfiltered(lines: Sequence[bytes]) -> Iterator[bytes]:
    """The first byte of a line tells whether it is as it stands or relative to the one above."""
    above = bytes(len(lines[0]) - 1)
    for line in lines:
        assert line[0] in (AS_IT_STANDS, RELATIVE_TO_ABOVE)
        if line[0] == RELATIVE_TO_ABOVE:
            above = bytes((a + b) & 0xFF for a, b in zip(above, line[1:], strict=True))
        else:
            above = line[1:]
        yield above


def _chunks(picture: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at < len(picture):
        (length,) = struct.unpack(">I", picture[at : at + 4])
        yield picture[at + 4 : at + 8], picture[at + 8 : at + 8 + length]
        at += 12 + length


def _text(grid: Grid) -> str:
    size = len(grid)
    version = (size - 17) // 4
    level, mask = _format(grid)
    bits = "".join("01"[grid[y][x] != MASKS[mask](x, y)] for x, y in _path(size) if not _fixed(x, y, version))
    words = [int(bits[at : at + 8], 2) for at in range(0, len(bits) - 7, 8)]
    data = "".join(f"{word:08b}" for word in _in_order(words, _data_lengths(version, level)))
    assert int(data[:4], 2) == BYTES, "not in byte mode"
    head = 4 + (8 if version < 10 else 16)
    length = int(data[4:head], 2)
    return bytes(int(data[at : at + 8], 2) for at in range(head, head + 8 * length, 8)).decode()


def _format(grid: Grid) -> tuple[str, int]:
    """The level of error correction, and which mask lies over the data."""
    places = [(8, y) for y in range(6)] + [(8, 7), (8, 8), (7, 8)] + [(14 - n, 8) for n in range(9, 15)]
    found = sum(grid[y][x] << n for n, (x, y) in enumerate(places)) ^ FORMAT_MASK
    return LEVELS[found >> 13], found >> 10 & 7


def _path(size: int) -> Iterator[tuple[int, int]]:
    """All modules in the order in which data lies: two columns at a time, up and down by turns, from the right."""
    up = True
    for right in (*range(size - 1, 6, -2), *range(5, 0, -2)):
        for y in range(size - 1, -1, -1) if up else range(size):
            yield right, y
            yield right - 1, y
        up = not up


def _fixed(x: int, y: int, version: int) -> bool:
    """Whether this module belongs to the pattern and not to the data."""
    last = 17 + 4 * version - 1
    corner = (x < 9 and y < 9) or (x > last - 8 and y < 9) or (x < 9 and y > last - 8)
    told = version >= 7 and ((y < 6 and last - 11 < x) or (x < 6 and last - 11 < y))
    return corner or told or x == 6 or y == 6 or _aligning(x, y, version)


def _aligning(x: int, y: int, version: int) -> bool:
    last = 17 + 4 * version - 1
    if version == 1:
        return False
    count = version // 7 + 2
    step = 26 if version == 32 else (version * 4 + count * 2 + 1) // (count * 2 - 2) * 2
    lines = [6, *(last - 6 - n * step for n in range(count - 1))]
    ends = {(6, 6), (6, last - 6), (last - 6, 6)}
    centres = [(a, b) for a in lines for b in lines if (a, b) not in ends]
    return any(abs(x - a) <= 2 and abs(y - b) <= 2 for a, b in centres)


def _data_lengths(version: int, level: str) -> list[int]:
    """How many words of data each block holds."""
    table: Any = consts.ECC
    groups = table[version][getattr(consts, f"ERROR_LEVEL_{level}")]
    return [group.num_data for group in groups for _ in range(group.num_blocks)]


def _in_order(words: Sequence[int], lengths: Sequence[int]) -> Iterator[int]:
    """The words of all blocks one after the other; they lie as the first of each, the second of each, …"""
    blocks: list[list[int]] = [[] for _ in lengths]
    source = iter(words)
    for n in range(max(lengths)):
        for block, length in zip(blocks, lengths, strict=True):
            if n < length:
                block.append(next(source))
    return (word for block in blocks for word in block)
