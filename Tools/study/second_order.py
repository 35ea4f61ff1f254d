#!/usr/bin/env python3
"""Second-order pruning against mAP: every shared COCO detector, pruned one shot with the 128 images
of coco_train_128 and no training, scored on coco_val_128. Beside it onnxsim's SparseGPT on the same
images, where it runs.

    .venv/bin/python Tools/study/second_order.py --settings 0.5,2:4 yolox_nano_416
"""
import os
import sys
import tempfile
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0])

from lib import peers, places
from lib.command import Compress
from lib.table import Table

DETECTORS = ["nanodet_m_320", "yolov5lite_e_320_folded", "yolov5lite_s_320_bn", "yolox_nano_416",
             "fastestdet_512_bn", "yolo_fastest_1.1_bn", "yolo_fastest_1.1_xl_bn",
             "yolo11n_dequant"]
COLUMNS = [("model", ""), ("zeros", ""), ("mAP whole", ".4f"), ("mAP", ".4f"), ("loss", ".4f"),
           ("mAP in ONNX Runtime", ".4f"), ("SparseGPT mAP", ".4f"), ("seconds", ".0f"),
           ("ONNX MB", ".2f"), ("gzip MB", ".2f"), (".h5 MB", ".2f"), ("sparse ONNX MB", ".2f")]


def sparsegpt(name, setting, output):
    """Writes the file of onnxsim's SparseGPT; `False` where it does not make one."""
    import onnx
    from onnxsim.pruning import apply_sparsegpt_pruning
    feeds = list(peers.calibration(places.model(name), name))
    pattern = dict(zip("nm", map(int, setting.split(":")))) if ":" in setting else dict(
        sparsity=float(setting))
    try:
        onnx.save(apply_sparsegpt_pruning(places.model(name), feeds, **pattern), output)
    except Exception as error:
        print(f"SparseGPT on {name}: {type(error).__name__}: {str(error)[:100]}", file=sys.stderr)
        return False
    return True


def main():
    parser = places.parser(__doc__)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--settings", default="0.5,0.6,0.75,2:4")
    parser.add_argument("--no-peer", action="store_true")
    a = parser.parse_args()
    compress = Compress(a.compress)
    data = ("--data", places.dataset("coco_val_128"))
    table = Table("second-order", COLUMNS, a.save, seed=0)
    with tempfile.TemporaryDirectory() as folder:
        for name in a.models or DETECTORS:
            model = places.model(name)
            # The scorer finds its settings by the name of the file.
            ours, theirs = (os.path.join(folder, name + end) for end in (".onnx", "-peer.onnx"))
            whole = compress.score(model, data)["AP"]
            for setting in a.settings.split(","):
                target = ("--pattern" if ":" in setting else "--sparsity", setting)
                start = time.time()
                result = compress.report(
                    "prune", model, *target, "--calib", places.dataset("coco_train_128"),
                    "--output", ours)
                seconds = time.time() - start
                found = compress.score(ours, data)["AP"]
                peer = None
                if not a.no_peer and sparsegpt(name, setting, theirs):
                    peer = compress.score(theirs, data)["AP"]
                sizes = result["storage"]
                table.add(name, setting, whole, found, whole - found, peers.score(ours),
                          peer, seconds, *(sizes[key] / 1e6 for key in (
                              "plain", "gzip", "hdf5", "sparseInitializers")))


if __name__ == "__main__":
    main()
