#!/usr/bin/env python3
"""Compares our engine's outputs with ONNX Runtime's on real images, for every shared model, as read
and as written back (ONNX and HDF5), and checks the written file with onnx.checker.

    make parity                                  # all models, 4 images each
    .venv/bin/python Tools/parity/parity.py --images 16 yolox_nano_416.onnx

The figure is the normalised max error: max |ours - theirs| / max |theirs| over an output tensor;
the worst over outputs and images is printed. Exit status 1 when one exceeds the bound.
"""
import os
import sys
import tempfile

sys.path.insert(0, __file__.rsplit("/", 2)[0])

import numpy as np
import onnx
import onnxruntime as ort
from PIL import Image

from lib import peers, places
from lib.command import Compress
from lib.table import Table

BOUND = 1e-4
# A model that quantises its activations as it runs turns differences of one rounding into whole
# integer steps, which later layers amplify. How far is measured: ONNX Runtime against itself on an
# input scaled by 1 + 2^-23. Ours may lie at most this many times as far from it.
AMPLIFIED = 2
# Order, mean and std of each network's input; the rest takes RGB / 255.
INPUTS = {
    "yolox": ("BGR", 0, 1),
    "fastestdet": ("BGR", 0, 255),
    "nanodet": ("BGR", [103.53, 116.28, 123.675], [57.375, 57.12, 58.395]),
    "ultraface": ("RGB", 127, 128),
    "mobilenet": ("RGB", 127.5, 127.5),
}
ERROR = ".1e"
COLUMNS = [("model", ""), ("as read", ERROR), ("written as ONNX", ERROR),
           ("written as HDF5", ERROR), ("written files in ONNX Runtime", ""), ("onnx.checker", "")]


def tensor(path, size, name):
    order, mean, std = next((v for k, v in INPUTS.items() if name.startswith(k)), ("RGB", 0, 255))
    image = Image.open(path).convert("RGB").resize((size[1], size[0]), Image.BILINEAR)
    x = np.asarray(image, np.float32)
    x = x[:, :, ::-1] if order == "BGR" else x
    x = (x - np.array(mean, np.float32)) / np.array(std, np.float32)
    return np.ascontiguousarray(x.transpose(2, 0, 1)[None], np.float32)


def spread(reference, name, x):
    """How far the outputs of ONNX Runtime move when the input does by its last bit."""
    nudged = reference.run(None, {name: x * np.float32(1 + 2.0**-23)})
    pairs = zip(nudged, reference.run(None, {name: x}))
    return max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in pairs)


def check(compress, model, images):
    name = os.path.basename(model)
    reference = peers.session(model, 2)
    (entry, shape), *_ = peers.input_shapes(model).items()
    row = {"ours": 0.0, "onnx": 0.0, "hdf5": 0.0, "exact": True, "valid": True, "itself": 0.0}
    quantises = any(n.op_type == "DynamicQuantizeLinear" for n in onnx.load(model).graph.node)
    with tempfile.TemporaryDirectory() as folder:
        written, compact, back = (
            os.path.join(folder, n) for n in ("copy.onnx", "copy.h5", "back.onnx"))
        for source, target in ((model, written), (model, compact), (compact, back)):
            compress.do("convert", source, "--output", target)
        try:
            onnx.checker.check_model(written)
            onnx.checker.check_model(back)
        except onnx.checker.ValidationError as error:
            print(f"{name}: {error}", file=sys.stderr)
            row["valid"] = False
        copies = [peers.session(written, 2), peers.session(back, 2)]
        for image in images:
            feed = {entry: tensor(image, shape[2:], name)}
            if quantises:
                row["itself"] = max(row["itself"], spread(reference, entry, feed[entry]))
            expected = peers.outputs(reference, feed)
            for key, file in (("ours", model), ("onnx", written), ("hdf5", compact)):
                row[key] = max(row[key], compress.difference(file, feed, expected))
            for copy in copies:
                found = copy.run(list(expected), feed)
                row["exact"] &= all(np.array_equal(a, b, equal_nan=True)
                                    for a, b in zip(found, expected.values()))
    return row


def main():
    parser = places.parser(__doc__)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--images", type=int, default=4)
    a = parser.parse_args()
    compress, models = Compress(a.compress), places.models(a.models)
    images = places.images("coco_val_128")[: a.images]
    failed, notes = False, []
    print(f"Normalised max error against ONNX Runtime {ort.__version__}, "
          f"{len(images)} images each\n")
    table = Table("parity", COLUMNS, a.save)
    for model in models:
        name, row = os.path.basename(model), check(compress, model, images)
        bound = max(BOUND, AMPLIFIED * row["itself"])
        bad = max(row["ours"], row["onnx"], row["hdf5"]) > bound
        bad |= not row["exact"] or not row["valid"]
        failed |= bad
        table.add(name, row["ours"], row["onnx"], row["hdf5"],
                  "identical" if row["exact"] else "DIFFER", "passes" if row["valid"] else "FAILS",
                  note=" ← over the bound" if bad else "")
        if row["itself"] > BOUND:
            notes.append(f"{name} quantises its activations as it runs: ONNX Runtime differs from "
                         f"itself by {row['itself']:.1e} when its input is scaled by 1 + 2^-23.")
    print("".join(f"\n{note}\n" for note in notes), end="")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
