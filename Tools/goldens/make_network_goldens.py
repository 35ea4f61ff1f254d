"""Makes small networks of detectors' building blocks and what ONNX Runtime computes with them.

Usage: python make_network_goldens.py

Writes Tests/Goldens/Networks: one .onnx a network, networks.json (an index of inputs and outputs) and
networks.bin (their elements, little-endian float32). Weights and inputs are drawn from generators
seeded by the network's name.
"""

import json
import pathlib
import sys
import zlib

sys.path.insert(0, __file__.rsplit("/", 2)[0])

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from lib.places import goldens

FOLDER = pathlib.Path(goldens("Networks"))


class Network:
    """A graph under construction; every method adds nodes and returns a value's name."""

    def __init__(self, name, opset=17):
        self.name, self.opset = name, opset
        self.generator = np.random.default_rng(zlib.crc32(name.encode()))
        self.nodes, self.constants, self.count = [], [], 0

    def constant(self, array):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def ints(self, *values):
        return self.constant(np.array(values, np.int64))

    def node(self, op, inputs, outputs=1, **attributes):
        names = [f"v{self.count + i}" for i in range(outputs)]
        self.count += outputs
        self.nodes.append(
            helper.make_node(op, inputs, names, name=f"{op}_{names[0]}", **attributes))
        return names[0] if outputs == 1 else names

    def conv(self, x, inputs, outputs, kernel=1, stride=1, groups=1, dilation=1, bias=True):
        fan = inputs // groups * kernel * kernel
        shape = (outputs, inputs // groups, kernel, kernel)
        weights = self.generator.normal(0, (2 / fan) ** 0.5, shape)
        names = [x, self.constant(weights.astype(np.float32))]
        if bias:
            names.append(self.constant(self.generator.normal(0, 0.1, outputs).astype(np.float32)))
        pad = dilation * (kernel - 1) // 2
        return self.node("Conv", names, kernel_shape=[kernel] * 2, strides=[stride] * 2,
                         pads=[pad] * 4, group=groups, dilations=[dilation] * 2)

    def norm(self, x, channels):
        draw = self.generator.uniform
        values = [draw(0.5, 1.5, channels), draw(-0.3, 0.3, channels), draw(-0.3, 0.3, channels),
                  draw(0.5, 1.5, channels)]
        return self.node("BatchNormalization",
                         [x] + [self.constant(v.astype(np.float32)) for v in values], epsilon=1e-3)

    def silu(self, x):
        return self.node("Mul", [x, self.node("Sigmoid", [x])])

    def cbs(self, x, inputs, outputs, kernel=1, stride=1, groups=1):
        """Convolution, batch normalisation, SiLU."""
        return self.silu(self.norm(
            self.conv(x, inputs, outputs, kernel, stride, groups, bias=False), outputs))

    def concat(self, *values, axis=1):
        return self.node("Concat", list(values), axis=axis)

    def slice(self, x, starts, ends, axes, steps=None):
        names = [x, self.ints(*starts), self.ints(*ends), self.ints(*axes)]
        return self.node("Slice", names + ([self.ints(*steps)] if steps else []))

    def model(self, shape, outputs):
        graph = helper.make_graph(
            self.nodes, self.name,
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
            [helper.make_empty_tensor_value_info(name) for name in outputs], self.constants)
        for output in graph.output:
            output.type.tensor_type.elem_type = TensorProto.FLOAT
        return helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8,
            producer_name="make_network_goldens")


def c2f(net, x, inputs, outputs, repeats):
    """YOLOv8's block: a split, a chain of bottlenecks, everything joined."""
    half = outputs // 2
    parts = net.node("Split", [net.cbs(x, inputs, outputs), net.ints(half, half)], 2, axis=1)
    for _ in range(repeats):
        inner = net.cbs(net.cbs(parts[-1], half, half, 3), half, half, 3)
        parts.append(net.node("Add", [parts[-1], inner]))
    return net.cbs(net.concat(*parts), half * (2 + repeats), outputs)


def sppf(net, x, channels):
    y = net.cbs(x, channels, channels // 2)
    parts = [y]
    for _ in range(3):
        parts.append(net.node("MaxPool", [parts[-1]], kernel_shape=[5, 5], pads=[2] * 4))
    return net.cbs(net.concat(*parts), channels * 2, channels)


def distribution_focal():
    """YOLOv8: C2f, SPPF, an upsampling neck and a DFL head decoded to boxes, for any batch."""
    net = Network("distribution_focal")
    x = net.cbs("image", 3, 8, 3, 2)
    p1 = c2f(net, net.cbs(x, 8, 16, 3, 2), 16, 16, 1)
    p2 = sppf(net, net.cbs(p1, 16, 16, 3, 2), 16)
    up = net.node("Resize", [p2, "", net.constant(np.array([1, 1, 2, 2], np.float32))],
                  mode="nearest", nearest_mode="floor", coordinate_transformation_mode="asymmetric")
    n1 = c2f(net, net.concat(up, p1), 32, 16, 1)
    maps = []
    for level in (n1, p2):
        both = net.concat(net.conv(level, 16, 16), net.conv(level, 16, 3))
        batch = net.node("Gather", [net.node("Shape", [both]), net.ints(0)])
        shape = net.concat(batch, net.ints(19), net.ints(-1), axis=0)
        maps.append(net.node("Reshape", [both, shape]))
    joined = net.concat(*maps, axis=2)
    boxes, scores = net.node("Split", [joined, net.ints(16, 3)], 2, axis=1)
    bins = net.node("Transpose", [net.node("Reshape", [boxes, net.ints(0, 4, 4, -1)])],
                    perm=[0, 2, 1, 3])
    ramp = net.constant(np.arange(4, dtype=np.float32).reshape(1, 4, 1, 1))
    sides = net.node("Conv", [net.node("Softmax", [bins], axis=1), ramp])
    sides = net.node("Reshape", [sides, net.ints(0, 4, -1)])
    first, second = net.slice(sides, [0], [2], [1]), net.slice(sides, [2], [4], [1])
    centres = net.constant(net.generator.uniform(0, 4, (1, 2, 80)).astype(np.float32))
    low, high = net.node("Sub", [centres, first]), net.node("Add", [second, centres])
    middle = net.node("Div", [net.node("Add", [low, high]), net.constant(np.float32(2))])
    decoded = net.node("Mul", [net.concat(middle, net.node("Sub", [high, low])),
                               net.constant(np.repeat([8, 16], [64, 16]).astype(np.float32)[None])])
    return net, ["batch", 3, 32, 32], [net.concat(decoded, net.node("Sigmoid", [scores]))]


def shuffle_blocks():
    """ShuffleNetV2 with the channel shuffle as Reshape and Transpose, and a GFL-like head."""
    net = Network("shuffle_blocks", opset=11)
    x = net.node("LeakyRelu", [net.norm(net.conv("image", 3, 8, 3, 2), 8)], alpha=0.1)
    x = net.node("MaxPool", [x], kernel_shape=[3, 3], pads=[1] * 4, strides=[2, 2])
    for stride in (2, 1, 1):
        if stride == 2:
            left = net.norm(net.conv(x, 8, 8, 3, 2, 8), 8)
            left = net.node("Relu", [net.norm(net.conv(left, 8, 8), 8)])
            right, width = x, 8
        else:
            left, right = net.node("Split", [x], 2, axis=1, split=[8, 8])
            width = 8
        right = net.node("Relu", [net.norm(net.conv(right, width, 8), 8)])
        right = net.norm(net.conv(right, 8, 8, 3, stride, 8), 8)
        right = net.node("Relu", [net.norm(net.conv(right, 8, 8), 8)])
        joined = net.concat(left, right)
        apart = net.node("Reshape", [joined, net.ints(1, 2, 8, 4, 4)])
        turned = net.node("Transpose", [apart], perm=[0, 2, 1, 3, 4])
        x = net.node("Reshape", [turned, net.ints(1, -1, 4, 4)])
    even = net.node("Gather", [x, net.ints(*range(0, 16, 2))], axis=1)
    scores = net.node("Sigmoid", [net.conv(even, 8, 5)])
    flat = net.node("Reshape", [scores, net.ints(1, 5, -1)])
    sides = net.node("Reshape", [net.conv(x, 16, 16), net.ints(1, 16, -1)])
    return net, [1, 3, 32, 32], [net.node("Transpose", [flat], perm=[0, 2, 1]),
                                 net.node("Transpose", [sides], perm=[0, 2, 1])]


def focus_decoupled():
    """YOLOX: Focus slices, SiLU, depthwise separable layers, a decoupled head."""
    net = Network("focus_decoupled", opset=11)
    corners = []
    for row, column in ((0, 0), (1, 0), (0, 1), (1, 1)):
        rows = net.slice("image", [row], [2 ** 31 - 1], [2], [2])
        corners.append(net.slice(rows, [column], [2 ** 31 - 1], [3], [2]))
    x = net.cbs(net.concat(*corners), 12, 8, 3)
    x = net.cbs(net.cbs(x, 8, 8, 3, 2, 8), 8, 16)
    short = net.cbs(x, 16, 8)
    deep = net.cbs(x, 16, 8)
    inner = net.cbs(net.cbs(net.cbs(deep, 8, 8), 8, 8, 3, 1, 8), 8, 8)
    x = net.cbs(net.concat(net.node("Add", [inner, deep]), short), 16, 16)
    outputs = []
    for scale in (1, 2):
        level = x if scale == 1 else net.cbs(x, 16, 16, 3, 2)
        side = 8 // scale
        classes = net.node("Sigmoid", [net.conv(net.cbs(level, 16, 8, 3), 8, 3)])
        boxes = net.cbs(level, 16, 8, 3)
        objectness = net.node("Sigmoid", [net.conv(boxes, 8, 1)])
        joined = net.concat(net.conv(boxes, 8, 4), objectness, classes)
        outputs.append(net.node("Reshape", [joined, net.ints(1, 8, side * side)]))
    grid = net.node("Transpose", [net.concat(*outputs, axis=2)], perm=[0, 2, 1])
    return net, [1, 3, 32, 32], [grid]


def dilated_priors():
    """SSD: dilated branches, shapes computed in the graph, softmax scores and decoded priors."""
    net = Network("dilated_priors", opset=9)
    x = net.node("Relu", [net.norm(net.conv("image", 3, 8, 3, 2), 8)])
    x = net.node("Relu", [net.norm(net.conv(x, 8, 16, 3, 2), 16)])
    branches = [net.conv(net.node("Relu", [net.conv(x, 16, 8)]), 8, 8, 3, dilation=d)
                for d in (1, 2, 3)]
    short = net.conv(x, 16, 16)
    mixed = net.conv(net.concat(*branches), 24, 16)
    scaled = net.node("Mul", [mixed, net.constant(np.float32(0.1))])
    x = net.node("Relu", [net.node("Add", [scaled, short])])
    confidences, locations = [], []
    for level in (x, net.node("Relu", [net.conv(x, 16, 16, 3, 2)])):
        for channels, target, last in ((6, confidences, 2), (12, locations, 4)):
            y = net.node("Transpose", [net.conv(level, 16, channels, 3)], perm=[0, 2, 3, 1])
            batch = net.node("Gather", [net.node("Shape", [y]), net.constant(np.int64(0))], axis=0)
            batch = net.node("Unsqueeze", [batch], axes=[0])
            target.append(net.node(
                "Reshape", [y, net.concat(batch, net.ints(-1), net.ints(last), axis=0)]))
    scores = net.node("Softmax", [net.concat(*confidences)], axis=2)
    offsets = net.concat(*locations)
    priors = net.constant(net.generator.uniform(0.1, 0.9, (1, 300, 4)).astype(np.float32))

    def part(value, start, end):
        return net.node("Slice", [value], axes=[2], starts=[start], ends=[end])

    moved = net.node("Mul", [net.node("Mul", [part(offsets, 0, 2), net.constant(np.float32(0.1))]),
                             part(priors, 2, 4)])
    centre = net.node("Add", [moved, part(priors, 0, 2)])
    size = net.node("Mul", [net.node("Exp", [net.node(
        "Mul", [part(offsets, 2, 4), net.constant(np.float32(0.2))])]), part(priors, 2, 4)])
    half = net.node("Div", [size, net.constant(np.float32(2))])
    boxes = net.concat(net.node("Sub", [centre, half]), net.node("Add", [centre, half]), axis=2)
    return net, [1, 3, 32, 40], [scores, boxes]


def inverted_residuals():
    """MobileNetV3: expanded depthwise blocks, squeeze and excitation, hard swish, explicit Pad."""
    net = Network("inverted_residuals", opset=14)
    x = net.node("Pad", ["image", net.ints(0, 0, 0, 0, 0, 0, 1, 1)])
    weights = net.generator.normal(0, 0.3, (8, 3, 3, 3)).astype(np.float32)
    x = net.node("HardSwish", [net.norm(
        net.node("Conv", [x, net.constant(weights)], strides=[2, 2]), 8)])
    for kernel in (3, 5):
        y = net.node("Clip", [net.norm(net.conv(x, 8, 24), 24), net.constant(np.float32(0)),
                              net.constant(np.float32(6))])
        y = net.node("HardSwish", [net.norm(net.conv(y, 24, 24, kernel, 1, 24), 24)])
        gate = net.node("Relu", [net.conv(net.node("GlobalAveragePool", [y]), 24, 6)])
        gate = net.node("HardSigmoid", [net.conv(gate, 6, 24)], alpha=1 / 6, beta=0.5)
        x = net.node("Add", [net.norm(net.conv(net.node("Mul", [y, gate]), 24, 8), 8), x])
    pooled = net.node("Flatten", [net.node("GlobalAveragePool", [x])])
    matrix = net.constant(net.generator.normal(0, 0.3, (5, 8)).astype(np.float32))
    bias = net.constant(np.linspace(-1, 1, 5, dtype=np.float32))
    logits = net.node("Gemm", [pooled, matrix, bias], transB=1)
    return net, ["batch", 3, 24, 24], [net.node("Softmax", [logits], axis=1), x]


def main():
    index, data = [], bytearray()

    def store(array):
        entry = {"shape": list(array.shape), "offset": len(data)}
        data.extend(np.ascontiguousarray(array, "<f4").tobytes())
        return entry

    for build in (distribution_focal, shuffle_blocks, focus_decoupled, dilated_priors,
                  inverted_residuals):
        net, shape, outputs = build()
        model = net.model(shape, outputs)
        batch = 2 if shape[0] == "batch" else 1
        image = net.generator.uniform(-1, 1, [batch] + shape[1:]).astype(np.float32)
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(model.SerializeToString(), options)
        results = session.run(None, {"image": image})
        for output, result in zip(model.graph.output, results):
            dims = shape[:1] + list(result.shape[1:])
            output.CopyFrom(helper.make_tensor_value_info(output.name, TensorProto.FLOAT, dims))
        onnx.checker.check_model(model)
        (FOLDER / f"{net.name}.onnx").write_bytes(model.SerializeToString())
        index.append({"name": net.name, "input": store(image),
                      "outputs": [dict(store(r), name=n) for n, r in zip(outputs, results)]})
        print(net.name, len(model.graph.node), [r.shape for r in results],
              [float(np.abs(r).max()) for r in results])
    (FOLDER / "networks.json").write_text(json.dumps(index, indent=1) + "\n")
    (FOLDER / "networks.bin").write_bytes(data)


if __name__ == "__main__":
    main()
