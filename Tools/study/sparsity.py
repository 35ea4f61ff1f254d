#!/usr/bin/env python3
"""Sparsity against mAP: one-shot magnitude pruning of every shared COCO detector, scored by our
engine and, for the written file, by ONNX Runtime with pycocotools
(../shared/tools/reference_evaluate.py).

    make study
    .venv/bin/python Tools/study/sparsity.py --sparsity 0.5,0.75 yolox_nano_416.onnx
"""
import hashlib
import os
import sys
import tempfile

sys.path.insert(0, __file__.rsplit("/", 2)[0])

from lib import peers, places
from lib.command import Compress
from lib.table import Table

DETECTORS = ["fastestdet_512_bn", "fastestdet_512_folded", "nanodet_m_320", "yolo11n_dequant",
             "yolo_fastest_1.1_bn", "yolo_fastest_1.1_xl_bn", "yolox_nano_416"]
COLUMNS = [("model", ""), ("sparsity", "g"), ("zeros of prunable", ".4f"), ("mAP", ".4f"),
           ("AP50", ".4f"), ("mAP in ONNX Runtime", ".4f"), ("file MB", ".2f"), ("gzip MB", ".2f"),
           (".h5 MB", ".2f")]


def digest(graph_file):
    import onnx
    from onnx import numpy_helper
    h = hashlib.sha256()
    for i in onnx.load(graph_file).graph.initializer:
        h.update(i.name.encode() + numpy_helper.to_array(i).tobytes())
    return h.hexdigest()


def main():
    parser = places.parser(__doc__)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--sparsity", default="0,0.3,0.5,0.75,0.9")
    parser.add_argument("--scope", default="global")
    a = parser.parse_args()
    compress, models = Compress(a.compress), places.models(a.models or DETECTORS)
    print(f"One-shot magnitude pruning, --scope {a.scope}, no fine-tuning, coco_val_128\n")
    table = Table("sparsity", COLUMNS, a.save)
    with tempfile.TemporaryDirectory() as folder:
        for model in models:
            name = os.path.basename(model)
            for sparsity in a.sparsity.split(","):
                out = os.path.join(folder, name)
                compact = out.replace(".onnx", ".h5")
                result = compress.report(
                    "prune", model, "--sparsity", sparsity, "--scope", a.scope, "--data",
                    places.dataset("coco_val_128"), "--output", out)
                compress.do("convert", out, "--output", compact)
                if float(sparsity) == 0 and digest(model) != digest(out):
                    raise SystemExit(f"{model}: sparsity 0 changed the weights")
                after = result["after"]
                table.add(name, float(sparsity), result["sparsity"], after["accuracy"]["AP"],
                          after["accuracy"]["AP50"], peers.score(out), after["fileBytes"] / 1e6,
                          after["gzipBytes"] / 1e6, os.path.getsize(compact) / 1e6)


if __name__ == "__main__":
    main()
