#!/usr/bin/env python3
"""Time and peak memory of calibration by entropy over 128 images, against ONNX Runtime's, in turn.

    make bench
    .venv/bin/python Tools/bench/quantize.py [model names …]

Both quantise the model with the same images and preprocessing; a process each, its whole time and
peak resident set.
"""
import os
import sys
import tempfile

sys.path.insert(0, __file__.rsplit("/", 2)[0])

from lib import peers, places
from lib.processes import apart, measured
from lib.table import Table

COLUMNS = [("model", ""), ("ours s", ".1f"), ("ONNX Runtime s", ".1f"), ("times as fast", ".1f"),
           ("our peak MB", ".0f"), ("ONNX Runtime's", ".0f"), ("ratio", ".3f")]
PLAIN = ["--max-damage", "inf", "--equalize", "none", "--bias-correction", "none"]


def main():
    parser = places.parser(__doc__)
    parser.add_argument("models", nargs="*",
                        default=["yolox_nano_416", "nanodet_m_320", "yolo11n_dequant"])
    a = parser.parse_args()
    places.require_shared()
    table = Table("calibration", COLUMNS, a.save)
    with tempfile.TemporaryDirectory() as folder:
        for name in a.models:
            out = os.path.join(folder, name + ".onnx")
            _, ours, memory = measured([
                a.compress, "quantize", places.model(name), "--calib",
                places.dataset("coco_train_128"), "--observer", "entropy", *PLAIN, "--output", out,
                "--quiet"])
            _, theirs, peak = measured(apart(peers.quantize, name, "Entropy", out))
            table.add(name, ours, theirs, theirs / ours, memory / 1e6, peak / 1e6, memory / peak)


if __name__ == "__main__":
    main()
