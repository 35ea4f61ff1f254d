#!/usr/bin/env python3
"""Channels removed by second order against mAP: shared COCO detectors, cut one shot to a part of their
MACs with 64 images of coco_train_128 and no training, scored on coco_val_128. Beside it LASSO, with
the same distribution over layers by measured damage and with the same fraction of every layer.

    .venv/bin/python Tools/study/second_order_channels.py --targets 0.9 yolo11n_dequant
"""
import os
import sys
import tempfile
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0])

from lib import peers, places
from lib.command import Compress
from lib.table import Table

DETECTORS = ["yolo11n_dequant", "nanodet_m_320", "yolov5lite_s_320_bn", "yolox_nano_416",
             "fastestdet_512_bn", "yolo_fastest_1.1_bn"]
# The methods and how each distributes a cut.
METHODS = {"obs": ("obs", "measured"), "lasso": ("lasso", "measured"),
           "lasso-uniform": ("lasso", "uniform")}
COLUMNS = [("model", ""), ("method", ""), ("allocation", ""), ("target", ".2f"),
           ("MACs (M)", ".1f"), ("parameters", ",d"), ("mAP whole", ".4f"), ("mAP", ".4f"),
           ("mAP in ONNX Runtime", ".4f"), ("seconds", ".0f")]


def main():
    parser = places.parser(__doc__)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--targets", default="0.9,0.75")
    parser.add_argument("--methods", default="obs")
    a = parser.parse_args()
    compress = Compress(a.compress)
    data = ("--data", places.dataset("coco_val_128"))
    table = Table("channels-second-order", COLUMNS, a.save, seed=0)
    with tempfile.TemporaryDirectory() as folder:
        for name in a.models or DETECTORS:
            model = places.model(name)
            # The scorer finds its settings by the name of the file.
            output = os.path.join(folder, name + ".onnx")
            whole = compress.score(model, data)["AP"]
            for target in a.targets.split(","):
                for method, allocation in (METHODS[key] for key in a.methods.split(",")):
                    start = time.time()
                    result = compress.report(
                        "prune", model, "--channels", "--method", method, "--allocation",
                        allocation, "--target-macs", target, "--calib",
                        places.dataset("coco_train_128"), "--output", output)
                    seconds = time.time() - start
                    after = result["after"]
                    table.add(name, method, allocation, float(target), after["macs"] / 1e6,
                              after["parameters"], whole, compress.score(output, data)["AP"],
                              peers.score(output), seconds)


if __name__ == "__main__":
    main()
