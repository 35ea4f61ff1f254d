#!/usr/bin/env python3
"""Cuts channels out of every shared and built-in detector, many times over, and checks each file.

    python Tools/channel_property.py                     # 3 criteria x 3 ratios x seeds on every network
    python Tools/channel_property.py yolo11n_dequant.onnx yolov8n --ratios 0.5

For each cut: the command's own proof must hold (it refuses otherwise), onnx.checker must pass, ONNX Runtime must load
the file, and its outputs on seeded noise must equal ours. Prints one line a network.
"""
import argparse
import json
import os
import subprocess
import tempfile

import numpy as np
import onnx
import onnxruntime

onnxruntime.set_default_logger_severity(3)

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHARED = os.path.join(os.path.dirname(ROOT), "shared")
ARCHITECTURES = ["yolov5-lite", "yolov5n", "yolov8n", "mobilenetv2-ssdlite", "vgg11"]
CUTS = [("l1", [0]), ("fpgm", [0]), ("random", [1, 2, 3])]


def run(a, *arguments):
    return subprocess.run([a.compress, *arguments, "--format", "json", "--quiet"], capture_output=True, text=True)


def theirs(path, feed):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, feed)))


def shapes(path):
    model = onnx.load(path)
    constants = {c.name for c in model.graph.initializer}
    return {i.name: [d.dim_value or 1 for d in i.type.tensor_type.shape.dim] for i in model.graph.input
            if i.name not in constants}


def check(a, path, folder):
    """The number of cuts, the largest error of their proofs and the largest difference from ONNX Runtime."""
    inputs = shapes(path)
    extra = [x for n, s in inputs.items() for x in ("--input-shape", f"{n}={'x'.join(map(str, s))}")]
    random = np.random.default_rng(0)
    feed = {n: random.random(s, dtype=np.float32) for n, s in inputs.items()}
    count, proof, gap = 0, 0.0, 0.0
    for method, seeds in CUTS:
        for ratio in a.ratios:
            for seed in seeds:
                slim = os.path.join(folder, "slim.onnx")
                result = run(a, "prune", path, "--channels", "--method", method, "--channel-ratio", str(ratio), "--seed",
                             str(seed), "--output", slim, *extra)
                if result.returncode:
                    raise SystemExit(f"{path} {method} {ratio} {seed}: {result.stderr.strip()}")
                proof = max(proof, *json.loads(result.stdout)["proof"]["errors"].values())
                onnx.checker.check_model(onnx.load(slim), full_check=True)
                gap = max(gap, difference(a, slim, feed, folder))
                count += 1
    return count, proof, gap


def difference(a, slim, feed, folder):
    """The largest difference of our outputs from ONNX Runtime's, in parts of each output's largest value."""
    for kind, tensors in (("inputs", feed), ("outputs", theirs(slim, feed))):
        os.makedirs(os.path.join(folder, "tensors", kind), exist_ok=True)
        for name in os.listdir(os.path.join(folder, "tensors", kind)):
            os.remove(os.path.join(folder, "tensors", kind, name))
        for name, value in tensors.items():
            np.save(os.path.join(folder, "tensors", kind, name.replace("/", "%2F") + ".npy"), value)
    extra = [x for n, v in feed.items() for x in ("--input-shape", f"{n}={'x'.join(map(str, v.shape))}")]
    result = run(a, "compare", slim, "--tensors", os.path.join(folder, "tensors"), *extra)
    if result.returncode:
        raise SystemExit(f"{slim}: {result.stderr.strip()}")
    return max(o["normalizedMaxError"] for o in json.loads(result.stdout)["outputs"])


def built(a, name, folder):
    """A small network of a built-in architecture, trained for two steps."""
    target = os.path.join(folder, name)
    made = run(a, "train", "--arch", name, "--width", "0.5", "--imgsz", "160", "--images", "16", "--batch", "8",
               "--epochs", "1", "--output", target)
    if made.returncode:
        raise SystemExit(made.stderr)
    path = os.path.join(folder, name + ".onnx")
    os.rename(os.path.join(target, "last.onnx"), path)
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--compress", default=os.path.join(ROOT, ".build/release/compress"))
    parser.add_argument("--ratios", nargs="+", type=float, default=[0.2, 0.5, 0.8])
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        models = os.path.join(SHARED, "models")
        names = a.models or [n for n in sorted(os.listdir(models)) if n.endswith(".onnx")] + ARCHITECTURES
        print("| network | cuts | largest error of the proofs | largest difference from ONNX Runtime |")
        print("|---|---:|---:|---:|")
        for name in names:
            path = built(a, name, folder) if name in ARCHITECTURES else os.path.join(models, name)
            count, proof, gap = check(a, path, folder)
            print(f"| {os.path.basename(path)} | {count} | {proof:.1e} | {gap:.1e} |", flush=True)


if __name__ == "__main__":
    main()
