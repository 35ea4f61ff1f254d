#!/usr/bin/env python3
"""Compares our engine's outputs with ONNX Runtime's on real images, for every shared model, as read
and as written back (ONNX and HDF5), and checks the written file with onnx.checker.

    make parity                                  # all models, 4 images each
    .venv/bin/python Tools/parity.py --images 16 yolox_nano_416.onnx

The figure is the normalised max error: max |ours - theirs| / max |theirs| over an output tensor; the
worst over outputs and images is printed. Exit status 1 when one exceeds the bound.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime as ort
from PIL import Image

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHARED = os.path.join(os.path.dirname(ROOT), "shared")
BOUND = 1e-4
# A model that quantises its activations as it runs turns differences of one rounding into whole integer steps, which
# later layers amplify. How far is measured: ONNX Runtime against itself on an input scaled by 1 + 2^-23. Ours may lie
# at most this many times as far from it.
AMPLIFIED = 2
# Order, mean and std of each network's input; the rest takes RGB / 255.
INPUTS = {
    "yolox": ("BGR", 0, 1),
    "fastestdet": ("BGR", 0, 255),
    "nanodet": ("BGR", [103.53, 116.28, 123.675], [57.375, 57.12, 58.395]),
    "ultraface": ("RGB", 127, 128),
    "mobilenet": ("RGB", 127.5, 127.5),
}


def tensor(path, size, name):
    order, mean, std = next((v for k, v in INPUTS.items() if name.startswith(k)), ("RGB", 0, 255))
    x = np.asarray(Image.open(path).convert("RGB").resize((size[1], size[0]), Image.BILINEAR), np.float32)
    x = x[:, :, ::-1] if order == "BGR" else x
    x = (x - np.array(mean, np.float32)) / np.array(std, np.float32)
    return np.ascontiguousarray(x.transpose(2, 0, 1)[None], np.float32)


def session(path):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 2
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def compare(compress, model, folder):
    run = subprocess.run([compress, "compare", model, "--tensors", folder, "--format", "json"],
                         capture_output=True, text=True)
    if run.returncode != 0:
        raise SystemExit(f"{model}: {run.stderr.strip()}")
    return max(v["normalizedMaxError"] for v in json.loads(run.stdout)["outputs"])


def check(compress, model, images):
    ort.set_default_logger_severity(3)
    name = os.path.basename(model)
    reference = session(model)
    initializers = {i.name for i in onnx.load(model).graph.initializer}
    entry = next(i for i in reference.get_inputs() if i.name not in initializers)
    size = entry.shape[2:]
    row = {"ours": 0.0, "onnx": 0.0, "hdf5": 0.0, "exact": True, "valid": True, "itself": 0.0}
    quantises = any(n.op_type == "DynamicQuantizeLinear" for n in onnx.load(model).graph.node)
    with tempfile.TemporaryDirectory() as folder:
        written = {"onnx": os.path.join(folder, "copy.onnx"), "hdf5": os.path.join(folder, "copy.h5")}
        for path in written.values():
            subprocess.run([compress, "convert", model, "--output", path, "--quiet"], check=True, stdout=subprocess.DEVNULL)
        back = os.path.join(folder, "back.onnx")
        subprocess.run([compress, "convert", written["hdf5"], "--output", back, "--quiet"], check=True,
                       stdout=subprocess.DEVNULL)
        try:
            onnx.checker.check_model(written["onnx"])
            onnx.checker.check_model(back)
        except onnx.checker.ValidationError as error:
            print(f"{name}: {error}", file=sys.stderr)
            row["valid"] = False
        copies = [session(written["onnx"]), session(back)]
        for image in images:
            x = tensor(image, size, name)
            if quantises:
                nudged = reference.run(None, {entry.name: x * np.float32(1 + 2.0**-23)})
                for a, b in zip(nudged, reference.run(None, {entry.name: x})):
                    row["itself"] = max(row["itself"], float(np.abs(a - b).max() / np.abs(b).max()))
            tensors = tempfile.mkdtemp(dir=folder)
            for kind in ("inputs", "outputs"):
                os.mkdir(os.path.join(tensors, kind))
            names = [o.name for o in reference.get_outputs()]
            expected = reference.run(names, {entry.name: x})
            np.save(os.path.join(tensors, "inputs", entry.name.replace("/", "%2F")), x)
            for n, y in zip(names, expected):
                np.save(os.path.join(tensors, "outputs", n.replace("/", "%2F")), np.ascontiguousarray(y))
            row["ours"] = max(row["ours"], compare(compress, model, tensors))
            row["onnx"] = max(row["onnx"], compare(compress, written["onnx"], tensors))
            row["hdf5"] = max(row["hdf5"], compare(compress, written["hdf5"], tensors))
            for copy in copies:
                row["exact"] &= all(np.array_equal(a, b, equal_nan=True)
                                    for a, b in zip(copy.run(names, {entry.name: x}), expected))
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--compress", default=os.path.join(ROOT, ".build/release/compress"))
    parser.add_argument("--images", type=int, default=4)
    a = parser.parse_args()
    if not os.path.isdir(SHARED):
        raise SystemExit("../shared is absent: there are no models to compare")
    models = [m if os.path.exists(m) else os.path.join(SHARED, "models", m) for m in a.models] or sorted(
        os.path.join(SHARED, "models", f) for f in os.listdir(os.path.join(SHARED, "models")) if f.endswith(".onnx"))
    folder = os.path.join(SHARED, "datasets/coco_val_128/images")
    images = [os.path.join(folder, f) for f in sorted(os.listdir(folder))[: a.images]]
    failed, notes = False, []
    print(f"Normalised max error against ONNX Runtime {ort.__version__}, {len(images)} images each\n")
    print("| model | as read | written as ONNX | written as HDF5 | written files in ONNX Runtime | onnx.checker |")
    print("|---|---:|---:|---:|---|---|")
    for model in models:
        row = check(a.compress, model, images)
        bound = max(BOUND, AMPLIFIED * row["itself"])
        bad = max(row["ours"], row["onnx"], row["hdf5"]) > bound or not row["exact"] or not row["valid"]
        failed |= bad
        print(f"| {os.path.basename(model)} | {row['ours']:.1e} | {row['onnx']:.1e} | {row['hdf5']:.1e} | "
              f"{'identical' if row['exact'] else 'DIFFER'} | {'passes' if row['valid'] else 'FAILS'} |"
              f"{' ← over the bound' if bad else ''}", flush=True)
        if row["itself"] > BOUND:
            notes.append(f"{os.path.basename(model)} quantises its activations as it runs: ONNX Runtime differs from itself by "
                         f"{row['itself']:.1e} when its input is scaled by 1 + 2^-23.")
    print("".join(f"\n{note}\n" for note in notes), end="")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
