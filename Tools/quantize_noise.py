#!/usr/bin/env python3
"""How much of the score of an INT8 network is chance: AP of files whose scales differ by a millionth.

    .venv/bin/python Tools/quantize_noise.py [--compress PATH] [--models a,b] [--seeds 8] [--variant default]

Quantises as Tools/quantize_study.py does, multiplies the scale of each rounded activation by 1 ± 10⁻⁶ at random (biases follow), and scores
each file. Such networks are equally good; where values lie half-way they round differently, and so does all that follows.
"""
import argparse
import os
import statistics
import tempfile

import numpy as np
import onnx
from onnx import numpy_helper

import quantize_study as study


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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compress", default=os.path.join(study.ROOT, ".build/release/compress"))
    parser.add_argument("--models", default=",".join(study.MODELS))
    parser.add_argument("--variant", default="default", help="of Tools/quantize_study.py")
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    print("| model | AP float | the file | mean of files a millionth apart | standard deviation | lowest | highest | mean − float |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.models.split(","):
            path = os.path.join(folder, name + ".onnx")
            result = study.quantize(arguments.compress, name, study.VARIANTS[arguments.variant], path, arguments.threads)
            before, own = (result[key]["accuracy"]["AP"] for key in ("before", "after"))
            found = []
            for seed in range(arguments.seeds):
                near = os.path.join(folder, "near.onnx")
                jittered(path, seed, near)
                found.append(study.exact(arguments.compress, near, arguments.threads))
            mean = statistics.mean(found)
            print(f"| {name} | {before:.4f} | {own:.4f} | {mean:.4f} | {statistics.stdev(found):.4f} | {min(found):.4f} "
                  f"| {max(found):.4f} | {mean - before:+.4f} |", flush=True)


if __name__ == "__main__":
    main()
