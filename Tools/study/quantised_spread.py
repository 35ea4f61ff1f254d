#!/usr/bin/env python3
"""How much the mAP of a model that quantises its activations as it runs means: ONNX Runtime's score
on inputs that differ in their last bits.

    .venv/bin/python Tools/study/quantised_spread.py

Scales every input by 1 + k * 2^-23 for k = 0 ... 4 and scores the model as
../shared/tools/reference_evaluate.py does.
"""
import argparse
import contextlib
import io
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0])

import numpy as np
import onnxruntime as ort

from lib import peers, places
from lib.table import Table


class Nudged(ort.InferenceSession):
    """A session whose inputs are scaled."""

    scale = np.float32(1)

    def run(self, names, feed, *rest):
        return super().run(
            names, {k: (v * Nudged.scale).astype(v.dtype) for k, v in feed.items()}, *rest)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--save", metavar="FOLDER", help="also write the table there as JSON")
    a = parser.parse_args()
    places.require_shared()
    scorer = peers.scorer()
    ort.set_default_logger_severity(3)
    ort.InferenceSession = Nudged
    table = Table("quantised-spread", [("input scaled by", ""), ("mAP", ".4f"), ("AP50", ".4f")],
                  a.save)
    for k in range(5):
        Nudged.scale = np.float32(1 + k * 2.0**-23)
        with contextlib.redirect_stdout(io.StringIO()):
            stats = scorer.evaluate(places.model("yolo11n_int8"), places.dataset("coco_val_128"))
        table.add(f"1 + {k}·2⁻²³", stats[0], stats[1])


if __name__ == "__main__":
    main()
