#!/usr/bin/env python3
"""Factorises every shared and built-in detector in several ways, and checks each file.

    python Tools/lowrank_property.py
    python Tools/lowrank_property.py yolo11n_dequant.onnx yolov8n

For each: the command's own proof at full rank must hold (it refuses otherwise), onnx.checker must pass, ONNX Runtime
must load the file, and its outputs on seeded noise must equal ours. A network in which a method finds no layer counts
as passed over. Prints one line a network.
"""
import argparse
import json
import os
import tempfile

import onnx

from channel_property import ARCHITECTURES, ROOT, SHARED, built, difference, run, shapes
import numpy as np

WAYS = [("svd,spatial-svd", "ratio=0.5"), ("svd,spatial-svd", "auto"), ("svd,channel-svd", "energy=0.8"),
        ("tucker", "ratio=0.4"), ("tucker", "auto"), ("cp", "ratio=0.3"), ("depthwise-separable", "2"), ("group", "2")]


def check(a, path, folder):
    inputs = shapes(path)
    extra = [x for n, s in inputs.items() for x in ("--input-shape", f"{n}={'x'.join(map(str, s))}")]
    random = np.random.default_rng(0)
    feed = {n: random.random(s, dtype=np.float32) for n, s in inputs.items()}
    done, passed, layers, proof, gap = 0, 0, 0, 0.0, 0.0
    for method, rank in WAYS:
        thin = os.path.join(folder, "thin.onnx")
        result = run(a, "lowrank", path, "--method", method, "--rank", rank, "--gain", "parameters", "--iterations",
                     "10", "--starts", "1", "--correction", "none", "--output", thin, *extra)
        if result.returncode == 65 and "no layer can be factorised" in result.stderr:
            passed += 1
            continue
        if result.returncode:
            raise SystemExit(f"{path} {method} {rank}: {result.stderr.strip()}")
        found = json.loads(result.stdout)
        layers = max(layers, len(found["plan"]["layers"]))
        proof = max(proof, *found["proof"]["errors"].values())
        onnx.checker.check_model(onnx.load(thin), full_check=True)
        gap = max(gap, difference(a, thin, feed, folder))
        done += 1
    return done, passed, layers, proof, gap


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--compress", default=os.path.join(ROOT, ".build/release/compress"))
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        models = os.path.join(SHARED, "models")
        names = a.models or [n for n in sorted(os.listdir(models)) if n.endswith(".onnx")] + ARCHITECTURES
        print("| network | factorised | passed over | most layers | largest error of the proofs | "
              "largest difference from ONNX Runtime |\n|---|---:|---:|---:|---:|---:|")
        for name in names:
            path = built(a, name, folder) if name in ARCHITECTURES else os.path.join(models, name)
            done, passed, layers, proof, gap = check(a, path, folder)
            print(f"| {os.path.basename(path)} | {done} | {passed} | {layers} | {proof:.1e} | {gap:.1e} |", flush=True)


if __name__ == "__main__":
    main()
