#!/usr/bin/env python3
"""How much of the score of an INT8 network is chance: AP of files whose scales differ a little.

    .venv/bin/python Tools/study/quantize_noise.py [--models a,b] [--seeds 8] [--variant default]

Quantises as Tools/study/quantize.py does, multiplies the scale of each quantised activation by
1 ± 10⁻⁶ at random (biases follow), and scores each file. Such networks are equally good; where
values lie half-way they round differently, and so does all that follows.
"""
import os
import statistics
import sys
import tempfile

sys.path.insert(0, __file__.rsplit("/", 2)[0])

import numpy as np
import onnx
from onnx import numpy_helper

import quantize as study
from lib import places
from lib.command import Compress
from lib.table import Table

COLUMNS = [("model", ""), ("AP float", ".4f"), ("the file", ".4f"),
           ("mean of files a millionth apart", ".4f"), ("standard deviation", ".4f"),
           ("lowest", ".4f"), ("highest", ".4f"), ("mean − float", "+.4f")]


def jittered(path, seed, output):
    """The same file with scales of activations that differ by up to a millionth."""
    random = np.random.default_rng(seed)
    model = onnx.load(path)
    graph = model.graph
    constants = {c.name: c for c in graph.initializer}
    maker = {output: node for node in graph.node for output in node.output}

    def value(name):
        return numpy_helper.to_array(constants[name])

    def replace(name, array):
        constants[name].CopyFrom(numpy_helper.from_array(array.astype(np.float32), name))

    scales = sorted({node.input[1] for node in graph.node if node.op_type == "QuantizeLinear"})
    for name in scales:
        old = value(name)
        replace(name, old * (1 + random.uniform(-1e-6, 1e-6, old.shape)))
    for node in graph.node:
        if node.op_type not in ("Conv", "Gemm") or len(node.input) < 3:
            continue
        sources = [maker.get(name) for name in node.input[:3]]
        if any(source is None or source.op_type != "DequantizeLinear" for source in sources):
            continue
        replace(sources[2].input[1], value(sources[0].input[1]) * value(sources[1].input[1]))
    onnx.save(model, output)


def main():
    parser = places.parser(__doc__)
    parser.add_argument("--models", default=",".join(study.MODELS))
    parser.add_argument("--variant", default="default", help="of Tools/study/quantize.py")
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    a = parser.parse_args()
    compress = Compress(a.compress, a.threads)
    table = Table("quantize-noise", COLUMNS, a.save, f"0 to {a.seeds - 1}")
    with tempfile.TemporaryDirectory() as folder:
        for name in a.models.split(","):
            path, near = os.path.join(folder, name + ".onnx"), os.path.join(folder, "near.onnx")
            result = study.quantize(compress, name, study.VARIANTS[a.variant], path)
            before, own = (result[key]["accuracy"]["AP"] for key in ("before", "after"))
            found = []
            for seed in range(a.seeds):
                jittered(path, seed, near)
                found.append(study.exact(compress, near))
            mean = statistics.mean(found)
            table.add(name, before, own, mean, statistics.stdev(found), min(found), max(found),
                      mean - before)


if __name__ == "__main__":
    main()
