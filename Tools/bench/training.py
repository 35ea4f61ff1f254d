#!/usr/bin/env python3
"""Times a training step of our engine against PyTorch's on the CPU, in turn, on the same networks.

    python Tools/bench/training.py             # a YOLOv5n-type network and the shared detectors
    python Tools/bench/training.py --rounds 3 yolo_fastest_1.1_bn.onnx

Needs torch, onnx and numpy. A step is forward, backward and an SGD update with momentum of every
weight, bias, gamma and beta. The loss is a fixed random linear functional of the float outputs, so
that both sides do the same work. Batch normalisations use the statistics of the batch. PyTorch
executes the ONNX graph with its own functions, x * sigmoid(x) as silu, once with contiguous and
once with channels_last tensors; the faster counts. Each round is a process of its own that warms up and
reports its median step and its peak resident set.
"""
import os
import statistics
import sys
import tempfile

sys.path.insert(0, __file__.rsplit("/", 2)[0])

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from lib import peers, places
from lib.command import Compress
from lib.processes import cpu, fresh, peak
from lib.table import Table

DEFAULTS = ["yolov5n", "yolo11n_dequant.onnx", "yolox_nano_416.onnx", "yolo_fastest_1.1_bn.onnx"]
COLUMNS = [("model", ""), ("ours ms", ".0f"), ("PyTorch ms", ".0f"), ("ratio", ".2f"),
           ("PyTorch's layout", ""), ("our added MB", ".0f"), ("PyTorch's", ".0f"),
           ("our process MB", ".0f"), ("PyTorch's", ".0f")]


class Builder:
    """A graph of convolution, batch normalisation and SiLU blocks with random weights."""

    def __init__(self, seed=0):
        self.random = np.random.default_rng(seed)
        self.nodes, self.constants, self.channels = [], [], {}

    def constant(self, array, kind="w"):
        name = f"{kind}{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def add(self, op, inputs, channels=None, **attributes):
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        self.channels[name] = channels if channels is not None else self.channels.get(inputs[0])
        return name

    def conv(self, x, out, k=1, s=1, pad=None, bias=False):
        fan = self.channels[x] * k * k
        w = self.random.standard_normal((out, self.channels[x], k, k)).astype(np.float32) * fan ** -0.5
        inputs = [x, self.constant(w.astype(np.float32))] + ([self.constant(np.zeros(out, np.float32))] if bias else [])
        pad = k // 2 if pad is None else pad
        return self.add("Conv", inputs, out, kernel_shape=[k, k], strides=[s, s], pads=[pad] * 4)

    def block(self, x, out, k=1, s=1, pad=None):
        y = self.conv(x, out, k, s, pad)
        ones, zeros = np.ones(out, np.float32), np.zeros(out, np.float32)
        y = self.add("BatchNormalization", [y] + [self.constant(v) for v in (ones, zeros, zeros.copy(), ones.copy())],
                     epsilon=1e-3)
        return self.add("Mul", [y, self.add("Sigmoid", [y])])

    def c3(self, x, out, n=1, shortcut=True):
        a = self.block(x, out // 2)
        for _ in range(n):
            b = self.block(self.block(a, out // 2), out // 2, 3)
            a = self.add("Add", [a, b]) if shortcut else b
        return self.block(self.add("Concat", [a, self.block(x, out // 2)], out, axis=1), out)

    def pool(self, x):
        return self.add("MaxPool", [x], kernel_shape=[5, 5], strides=[1, 1], pads=[2] * 4)

    def up(self, x):
        scales = self.constant(np.array([1, 1, 2, 2], np.float32))
        return self.add("Resize", [x, "", scales], mode="nearest", nearest_mode="floor",
                        coordinate_transformation_mode="asymmetric")

    def join(self, *parts):
        return self.add("Concat", list(parts), sum(self.channels[p] for p in parts), axis=1)


def yolov5n(batch, size, classes=80):
    b = Builder()
    b.channels["images"] = 3
    x = b.block("images", 16, 6, 2, 2)
    x = b.c3(b.block(x, 32, 3, 2), 32, 1)
    p3 = x = b.c3(b.block(x, 64, 3, 2), 64, 2)
    p4 = x = b.c3(b.block(x, 128, 3, 2), 128, 3)
    x = b.c3(b.block(x, 256, 3, 2), 256, 1)
    y = [b.block(x, 128)]
    for _ in range(3):
        y.append(b.pool(y[-1]))
    t5 = b.block(b.block(b.join(*y), 256), 128)
    t4 = b.block(b.c3(b.join(b.up(t5), p4), 128, 1, False), 64)
    o3 = b.c3(b.join(b.up(t4), p3), 64, 1, False)
    o4 = b.c3(b.join(b.block(o3, 64, 3, 2), t4), 128, 1, False)
    o5 = b.c3(b.join(b.block(o4, 128, 3, 2), t5), 256, 1, False)
    outputs = [b.conv(o, 3 * (classes + 5), bias=True) for o in (o3, o4, o5)]
    graph = helper.make_graph(
        b.nodes, "yolov5n", [helper.make_tensor_value_info("images", TensorProto.FLOAT, [batch, 3, size, size])],
        [helper.make_tensor_value_info(o, TensorProto.FLOAT, None) for o in outputs], b.constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=7)


def rebatched(path, batch, size):
    """The model for inputs of another batch and size; reshapes that fix a batch of 1 follow."""
    model = onnx.load(path)
    constants = {c.name: c for c in model.graph.initializer}
    for value in [i for i in model.graph.input if i.name not in constants]:
        extents = value.type.tensor_type.shape.dim
        for extent, n in zip(extents, [batch, None, size, size]):
            if n is not None:
                extent.dim_value = n
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]
    for node in model.graph.node:
        if node.op_type == "Reshape" and node.input[1] in constants:
            shape = numpy_helper.to_array(constants[node.input[1]]).copy()
            if shape[0] == 1:
                shape[0] = batch
                name = f"{node.output[0]}/shape"
                model.graph.initializer.append(numpy_helper.from_array(shape, name))
                node.input[1] = name
    return model


def with_silu(nodes):
    """The nodes with every x * sigmoid(x) as one Silu."""
    made = {o: n for n in nodes for o in n.output}
    readers = {}
    for n in nodes:
        for i in n.input:
            readers.setdefault(i, []).append(n)
    replaced, dropped = {}, set()
    for n in nodes:
        if n.op_type != "Mul":
            continue
        for a, b in ((0, 1), (1, 0)):
            gate = made.get(n.input[b])
            if gate is not None and gate.op_type == "Sigmoid" and gate.input[0] == n.input[a] \
                    and len(readers[n.input[b]]) == 1:
                replaced[n.output[0]] = helper.make_node("Silu", [n.input[a]], list(n.output))
                dropped.add(gate.output[0])
                break
    return [replaced.get(n.output[0], n) for n in nodes if n.output[0] not in dropped]


class Network:
    """An ONNX graph executed by torch functions, in training mode."""

    def __init__(self, model, layout):
        import torch
        self.torch, self.layout = torch, layout
        graph = model.graph
        arrays = {c.name: numpy_helper.to_array(c) for c in graph.initializer}
        self.nodes = with_silu(list(graph.node))
        self.attributes = [{a.name: helper.get_attribute_value(a) for a in n.attribute} for n in self.nodes]
        self.outputs = [o.name for o in graph.output]
        self.input = next(i for i in graph.input if i.name not in arrays)
        self.values, self.parameters, self.arrays = {}, [], arrays
        for n in self.nodes:
            trained = {"Conv": (1, 2), "Gemm": (1, 2), "BatchNormalization": (1, 2), "MatMul": (1,)}.get(n.op_type, ())
            for slot, name in enumerate(n.input):
                if name in arrays and arrays[name].dtype == np.float32 and name not in self.values:
                    t = torch.tensor(arrays[name])
                    if slot in trained:
                        if t.dim() == 4:
                            t = t.contiguous(memory_format=layout)
                        t.requires_grad_()
                        self.parameters.append(t)
                    self.values[name] = t
        self.last = {}
        for index, n in enumerate(self.nodes):
            for name in n.input:
                self.last[name] = index

    def __call__(self, x):
        made = {self.input.name: x}
        for index, (n, a) in enumerate(zip(self.nodes, self.attributes)):
            inputs = [made.get(i, self.values.get(i)) if i else None for i in n.input]
            results = self.run(n, a, inputs)
            for name, value in zip(n.output, results if isinstance(results, (list, tuple)) else [results]):
                made[name] = value
            del inputs, results
            for name in set(n.input):
                if self.last[name] == index and name not in self.outputs:
                    made.pop(name, None)
        return [made[o] for o in self.outputs]

    def ints(self, n, slot):
        return [int(v) for v in self.arrays[n.input[slot]].reshape(-1)]

    def run(self, n, a, x):
        torch, F = self.torch, self.torch.nn.functional
        op = n.op_type
        if op == "Conv":
            pads = a.get("pads", [0, 0, 0, 0])
            source = x[0]
            if pads[:2] != pads[2:]:
                source, pads = F.pad(source, (pads[1], pads[3], pads[0], pads[2])), [0, 0, 0, 0]
            return F.conv2d(source, x[1], x[2] if len(x) > 2 else None, a.get("strides", [1, 1]), pads[:2],
                            a.get("dilations", [1, 1]), a.get("group", 1))
        if op == "BatchNormalization":
            return F.batch_norm(x[0], x[3], x[4], x[1], x[2], True, 0.03, a.get("epsilon", 1e-5))
        if op == "MaxPool":
            return F.max_pool2d(x[0], a["kernel_shape"], a.get("strides", [1, 1]), a.get("pads", [0] * 4)[:2])
        if op == "Resize":
            scales = self.arrays[n.input[2]]
            return F.interpolate(x[0], scale_factor=[float(s) for s in scales[2:]], mode="nearest")
        if op == "Reshape":
            return x[0].reshape(self.ints(n, 1))
        if op == "Split":
            return torch.split(x[0], a["split"], dim=a.get("axis", 0))
        if op == "Slice":
            starts, ends, axes = (self.ints(n, s) for s in (1, 2, 3))
            steps = self.ints(n, 4) if len(n.input) > 4 else [1] * len(axes)
            index = [slice(None)] * x[0].dim()
            for start, end, axis, step in zip(starts, ends, axes, steps):
                index[axis] = slice(start, end, step)
            return x[0][tuple(index)]
        if op == "Transpose":
            return x[0].permute(a["perm"])
        if op == "Concat":
            return torch.cat(x, a["axis"])
        if op == "Softmax":
            return torch.softmax(x[0], a["axis"])
        if op == "LeakyRelu":
            return F.leaky_relu(x[0], a.get("alpha", 0.01))
        simple = {"Silu": F.silu, "Sigmoid": torch.sigmoid, "Relu": torch.relu, "Exp": torch.exp, "Add": torch.add,
                  "Sub": torch.sub, "Mul": torch.mul, "Div": torch.div, "MatMul": torch.matmul}
        return simple[op](*x)


def torch_steps(path, threads, seconds, layout):
    """Times steps in this process."""
    import torch
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    before = peak()
    layout = getattr(torch, layout)
    network = Network(onnx.load(path), layout)
    shape = [d.dim_value for d in network.input.type.tensor_type.shape.dim]
    x = torch.rand(shape).contiguous(memory_format=layout)
    optimiser = torch.optim.SGD(network.parameters, lr=1e-4, momentum=0.9)
    seeds = None

    def step():
        nonlocal seeds
        optimiser.zero_grad()
        outputs = [o for o in network(x) if o.dtype == torch.float32]
        if seeds is None:
            seeds = [torch.empty_like(o).uniform_(-1e-3, 1e-3) for o in outputs]
        sum((o * s).sum() for o, s in zip(outputs, seeds)).backward()
        optimiser.step()

    median, runs = peers.median(step, seconds, warm_up=2)
    return dict(median=median, runs=runs, added=peak() - before, whole=peak())


def theirs(path, a):
    found = [dict(fresh(torch_steps, path, a.threads, a.seconds, layout), layout=layout)
             for layout in ("contiguous_format", "channels_last")]
    return min(found, key=lambda result: result["median"])


def written(a, folder):
    """The paths of the models that are timed, written to a folder."""
    for name in a.models:
        source = places.model(name)
        if name == "yolov5n":
            model = yolov5n(a.batch, a.size)
        elif os.path.exists(source):
            model = rebatched(source, a.batch, a.size)
        else:
            print(f"skipped {name}: no such file")
            continue
        path = os.path.join(folder, os.path.basename(source).removesuffix(".onnx") + ".onnx")
        onnx.save(model, path)
        yield path


def main():
    parser = places.parser(__doc__)
    parser.add_argument("models", nargs="*", default=DEFAULTS)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--size", type=int, default=320)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--emit", metavar="FOLDER",
                        help="write the models that would be timed, and stop")
    a = parser.parse_args()
    compress = Compress(a.compress)
    with tempfile.TemporaryDirectory() as temporary:
        paths = list(written(a, a.emit or temporary))
        if a.emit:
            return
        import torch
        print(f"CPU: {cpu()}, {os.cpu_count()} cores, {a.threads} threads; PyTorch "
              f"{torch.__version__}; batch {a.batch}, {a.size} x {a.size}; {a.rounds} rounds of "
              f"{a.seconds:g} s each\n")
        table = Table("training", COLUMNS, a.save, 0)
        for path in paths:
            rounds = [(compress.timed(path, a.threads, "--training", "--warmup", 2, "--runs", 5,
                                      "--seconds", a.seconds), theirs(path, a))
                      for _ in range(a.rounds)]
            ratio = statistics.median(o["median"] / t["median"] for o, t in rounds)
            times = (statistics.median(r[i]["median"] for r in rounds) for i in (0, 1))
            memory = (max(r[i][key] for r in rounds) / 1e6
                      for key in ("added", "whole") for i in (0, 1))
            table.add(os.path.basename(path), *times, ratio, rounds[-1][1]["layout"], *memory)


if __name__ == "__main__":
    main()
