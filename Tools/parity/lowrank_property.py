#!/usr/bin/env python3
"""Factorises every shared and built-in detector in several ways, and checks each file.

    python Tools/parity/lowrank_property.py
    python Tools/parity/lowrank_property.py yolo11n_dequant.onnx yolov8n

For each: the command's own proof at full rank must hold (it refuses otherwise), onnx.checker must
pass, ONNX Runtime must load the file, and its outputs on seeded noise must equal ours. A network in
which a method finds no layer counts as passed over. Prints one line a network.
"""
import os
import sys
import tempfile

sys.path.insert(0, __file__.rsplit("/", 2)[0])

from lib import places
from lib.command import CommandFailed, Compress, input_shapes
from lib.table import Table
from networks import Network, paths

WAYS = [("svd,spatial-svd", "ratio=0.5"), ("svd,spatial-svd", "auto"),
        ("svd,channel-svd", "energy=0.8"), ("tucker", "ratio=0.4"), ("tucker", "auto"),
        ("cp", "ratio=0.3"), ("depthwise-separable", "2"), ("group", "2")]


def check(compress, path, folder):
    network = Network(path)
    thin = os.path.join(folder, "thin.onnx")
    done, passed, layers, proof, gap = 0, 0, 0, 0.0, 0.0
    for method, rank in WAYS:
        try:
            found = compress.report(
                "lowrank", path, "--method", method, "--rank", rank, "--gain", "parameters",
                "--iterations", "10", "--starts", "1", "--correction", "none", "--output", thin,
                *input_shapes(network.shapes))
        except CommandFailed as failure:
            if failure.status != 65 or "no layer can be factorised" not in failure.errors:
                raise
            passed += 1
            continue
        layers = max(layers, len(found["plan"]["layers"]))
        proof = max(proof, *found["proof"]["errors"].values())
        gap = max(gap, network.difference(compress, thin))
        done += 1
    return done, passed, layers, proof, gap


def main():
    parser = places.parser(__doc__)
    parser.add_argument("models", nargs="*")
    a = parser.parse_args()
    compress = Compress(a.compress)
    with tempfile.TemporaryDirectory() as folder:
        table = Table("lowrank-proofs", [
            ("network", ""), ("factorised", "d"), ("passed over", "d"), ("most layers", "d"),
            ("largest error of the proofs", ".1e"),
            ("largest difference from ONNX Runtime", ".1e")], a.save)
        for path in paths(compress, a.models, folder):
            table.add(os.path.basename(path), *check(compress, path, folder))


if __name__ == "__main__":
    main()
