#!/usr/bin/env python3
"""Goldens for BMP and WebP: small encoded images of every kind with the pixels Pillow reads from them.

    pip install numpy pillow
    python3 make_image_format_goldens.py

Writes Tests/Goldens/Detection/formats.json. Everything is synthetic and seeded.
"""
import base64
import io
import json
import os
import struct

import numpy as np
from PIL import Image

FOLDER = os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "../../Tests/Goldens/Detection")
SEED = 20240232
CASES = []


def add(name, data, pixels=None):
    if pixels is None:
        pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    text = lambda data: base64.b64encode(bytes(data)).decode()
    CASES.append(dict(name=name, width=pixels.shape[1], height=pixels.shape[0], file=text(data),
                      pixels=text(pixels.astype(np.uint8).tobytes())))


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def bmp(width, height, bits, rows, palette=b"", method=0, size=40, masks=b"", colours=0):
    """A BMP file of the given header, the parts of which Pillow does not write itself."""
    if size == 12:
        header = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        header = struct.pack("<IiiHHIIiiII", size, width, height, 1, bits, method, len(rows), 2835, 2835, colours, 0)
        header += (masks if size > 40 else b"") + bytes(max(0, size - 40 - len(masks)))
    after = (masks if size == 40 else b"") + palette
    start = 14 + len(header) + len(after)
    return b"BM" + struct.pack("<IHHI", start + len(rows), 0, 0, start) + header + after + rows


def packed(values, bits, width):
    """Rows of small numbers, bottom up, each filled up to four bytes."""
    rows = b""
    for row in values[::-1]:
        text = "".join(format(int(v), f"0{bits}b") for v in row)
        text += "0" * (-len(text) % 32)
        rows += bytes(int(text[i:i + 8], 2) for i in range(0, len(text), 8))
    return rows


def main():
    rng = np.random.default_rng(SEED)
    picture = Image.fromarray(rng.integers(0, 256, (9, 13, 3)).astype(np.uint8))
    y, x = np.mgrid[0:19, 0:21]
    smooth = np.stack([x * 12, y * 13, 128 + 60 * np.sin(x / 3)], -1).clip(0, 255).astype(np.uint8)
    alpha = np.concatenate([smooth, rng.integers(0, 256, (19, 21, 1)).astype(np.uint8)], -1)
    for mode in ["1", "L", "P", "RGB"]:
        add(f"bmp Pillow {mode}", encoded(picture.convert(mode), "BMP"))
    add("bmp Pillow RGBA", encoded(Image.fromarray(alpha, "RGBA"), "BMP"))
    add("bmp 1x1", encoded(picture.crop((2, 2, 3, 3)), "BMP"))

    for bits in [1, 4, 8]:
        count = 2 ** bits
        values = rng.integers(0, count, (7, 11))
        for size, step in [(12, 3), (40, 4), (124, 4)]:
            palette = rng.integers(0, 256, (count, step)).astype(np.uint8)
            data = bmp(11, 7, bits, packed(values, bits, 11), palette.tobytes(), size=size)
            add(f"bmp {bits} bits, header {size}", data, palette[values][:, :, 2::-1])
    values = rng.integers(0, 1 << 15, (6, 5)).astype("<u2")
    rows = b"".join(row.tobytes() + b"\0\0" for row in values[::-1])
    add("bmp 16 bits 5-5-5", bmp(5, 6, 16, rows))
    values = rng.integers(0, 1 << 16, (6, 5)).astype("<u2")
    rows = b"".join(row.tobytes() + b"\0\0" for row in values[::-1])
    for size in [40, 56, 108]:
        masks = struct.pack("<III", 0xF800, 0x7E0, 0x1F) + (b"\0\0\0\0" if size > 40 else b"")
        add(f"bmp 16 bits 5-6-5, header {size}", bmp(5, 6, 16, rows, method=3, size=size, masks=masks))
    values = rng.integers(0, 256, (6, 5, 4)).astype(np.uint8)
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    add("bmp 32 bits BGRA fields", bmp(5, 6, 32, values[::-1].tobytes(), method=3, size=108, masks=masks))
    masks = struct.pack("<IIII", 0xFF, 0xFF00, 0xFF0000, 0xFF000000)
    add("bmp 32 bits RGBA fields", bmp(5, 6, 32, values[::-1].tobytes(), method=3, size=124, masks=masks))
    colours = rng.integers(0, 256, (5, 4, 3)).astype(np.uint8)
    add("bmp 24 bits, top row first", bmp(4, -5, 24, colours.tobytes()))
    palette = rng.integers(0, 256, (16, 4)).astype(np.uint8)
    # Three of a colour, two as they are and a filling byte, the end of the row; then all of one colour.
    runs = bytes([3, 5, 0, 3, 1, 2, 7, 0, 0, 0, 6, 9, 0, 0, 2, 4, 4, 8, 0, 1])
    indices = np.array([[4, 4, 8, 8, 8, 8], [9] * 6, [5, 5, 5, 1, 2, 7]])
    add("bmp runs of 8 bits", bmp(6, 3, 8, runs, palette.tobytes(), method=1, colours=16),
        palette[indices][:, :, 2::-1])
    runs = bytes([5, 0x37, 0, 4, 0x12, 0x56, 0, 0, 9, 0x99, 0, 1])
    indices = np.array([[9] * 9, [3, 7, 3, 7, 3, 1, 2, 5, 6]])
    add("bmp runs of 4 bits", bmp(9, 2, 4, runs, palette.tobytes(), method=2),
        palette[indices][:, :, 2::-1])
    runs = bytes([2, 3, 0, 2, 1, 1, 2, 6, 0, 1])
    indices = np.array([[0, 0, 0, 6, 6], [3, 3, 0, 0, 0]])
    add("bmp runs with a jump", bmp(5, 2, 8, runs, palette.tobytes(), method=1, colours=16),
        palette[indices][:, :, 2::-1])

    image, clear = Image.fromarray(smooth), Image.fromarray(alpha, "RGBA")
    add("webp lossless", encoded(image, "WEBP", lossless=True))
    add("webp lossless with alpha", encoded(clear, "WEBP", lossless=True, exact=True))
    add("webp lossy", encoded(image, "WEBP", quality=80))
    add("webp lossy with alpha", encoded(clear, "WEBP", quality=60))
    add("webp extended with EXIF", encoded(image, "WEBP", quality=70, exif=b"Exif\0\0II*\0\x08\0\0\0\0\0"))
    add("webp 1x1", encoded(image.crop((3, 3, 4, 4)), "WEBP", lossless=True))

    with open(os.path.join(FOLDER, "formats.json"), "w") as file:
        json.dump(dict(cases=CASES), file, separators=(",", ":"))
        file.write("\n")
    # Where the expected pixels were written down here, Pillow must read the same.
    for case in CASES:
        data = base64.b64decode(case["file"])
        try:
            found = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        except (OSError, ValueError) as error:
            print(f"{case['name']}: Pillow cannot read it: {error}")
            continue
        if found.tobytes() != base64.b64decode(case["pixels"]):
            print(f"{case['name']}: Pillow reads other pixels")


main()
