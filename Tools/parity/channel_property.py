#!/usr/bin/env python3
"""Cuts channels out of every shared and built-in detector, many times over, and checks each file.

    python Tools/parity/channel_property.py         # 3 criteria x 3 ratios x seeds on every network
    python Tools/parity/channel_property.py yolo11n_dequant.onnx yolov8n --ratios 0.5

For each cut: the command's own proof must hold (it refuses otherwise), onnx.checker must pass, ONNX
Runtime must load the file, and its outputs on seeded noise must equal ours. Prints one line a
network.
"""
import os
import sys
import tempfile

sys.path.insert(0, __file__.rsplit("/", 2)[0])

from lib import places
from lib.command import Compress, input_shapes
from lib.table import Table
from networks import Network, paths

CUTS = [("l1", [0]), ("fpgm", [0]), ("random", [1, 2, 3])]


def check(compress, path, ratios, folder):
    """The number of cuts, the largest error of their proofs and the largest difference from ONNX
    Runtime."""
    network = Network(path)
    slim = os.path.join(folder, "slim.onnx")
    count, proof, gap = 0, 0.0, 0.0
    for method, ratio, seed in ((m, r, s) for m, seeds in CUTS for r in ratios for s in seeds):
        found = compress.report(
            "prune", path, "--channels", "--method", method, "--channel-ratio", ratio, "--seed",
            seed, "--output", slim, *input_shapes(network.shapes))
        proof = max(proof, *found["proof"]["errors"].values())
        gap = max(gap, network.difference(compress, slim))
        count += 1
    return count, proof, gap


def main():
    parser = places.parser(__doc__)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--ratios", nargs="+", type=float, default=[0.2, 0.5, 0.8])
    a = parser.parse_args()
    compress = Compress(a.compress)
    with tempfile.TemporaryDirectory() as folder:
        table = Table("channel-proofs", [
            ("network", ""), ("cuts", "d"), ("largest error of the proofs", ".1e"),
            ("largest difference from ONNX Runtime", ".1e")], a.save, "0; random cuts 1, 2, 3")
        for path in paths(compress, a.models, folder):
            table.add(os.path.basename(path), *check(compress, path, a.ratios, folder))


if __name__ == "__main__":
    main()
