#!/usr/bin/env python3
"""Gradients of whole networks by PyTorch: `Tests/Goldens/Gradients/NAME.onnx` and `NAME-golden.onnx`.

    python Tools/goldens/whole_model_gradients.py

Needs torch, onnx and numpy. The golden file has no nodes; its initializers are the input `x`, the gradient `seed` of the
output, `gradient/P` of every parameter P and `updated/S` of every running statistic S after one step in training mode with
a momentum of 0.03.
"""
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0])

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper

from lib.places import goldens

FOLDER = goldens("Gradients")
MOMENTUM, EPSILON = 0.03, 1e-3


class Network:
    """Builds ONNX nodes and computes the same by PyTorch as it goes."""

    def __init__(self, seed, shape):
        self.random = np.random.default_rng(seed)
        self.nodes, self.constants, self.parameters, self.statistics = [], {}, {}, {}
        self.values = {"x": torch.tensor(self.random.normal(size=shape).astype(np.float32))}
        self.shape, self.count = shape, 0

    def name(self, stem):
        self.count += 1
        return f"{stem}{self.count}"

    def parameter(self, shape, scale, offset=0.0):
        name = self.name("p")
        array = (offset + scale * self.random.normal(size=shape)).astype(np.float32)
        self.constants[name] = array
        self.parameters[name] = torch.tensor(array, requires_grad=True)
        return name

    def node(self, op, inputs, value, **attributes):
        name = self.name("v")
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        self.values[name] = value
        return name

    def constant(self, array):
        name = self.name("c")
        self.constants[name] = array
        return name

    def conv(self, x, channels, kernel=3, stride=1, groups=1, bias=False):
        i = self.values[x].shape[1]
        w = self.parameter((channels, i // groups, kernel, kernel), (2 / (i // groups * kernel ** 2)) ** 0.5)
        inputs, b = [x, w], None
        if bias:
            inputs.append(self.parameter((channels,), 0.1))
            b = self.parameters[inputs[2]]
        pad = kernel // 2
        value = F.conv2d(self.values[x], self.parameters[w], b, stride, pad, 1, groups)
        return self.node("Conv", inputs, value, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4, group=groups)

    def bn(self, x):
        c = self.values[x].shape[1]
        g, b = self.parameter((c,), 0.2, 1.0), self.parameter((c,), 0.2)
        mean, var = torch.tensor(self.random.normal(size=c).astype(np.float32)), torch.tensor(
            self.random.uniform(0.5, 2, size=c).astype(np.float32))
        names = [self.constant(mean.numpy().copy()), self.constant(var.numpy().copy())]
        value = F.batch_norm(self.values[x], mean, var, self.parameters[g], self.parameters[b], True, MOMENTUM, EPSILON)
        self.statistics[names[0]], self.statistics[names[1]] = mean, var
        return self.node("BatchNormalization", [x, g, b] + names, value, epsilon=EPSILON)

    def silu(self, x):
        gate = self.node("Sigmoid", [x], torch.sigmoid(self.values[x]))
        return self.node("Mul", [x, gate], F.silu(self.values[x]))

    def block(self, x, channels, **options):
        return self.silu(self.bn(self.conv(x, channels, **options)))

    def add(self, a, b):
        return self.node("Add", [a, b], self.values[a] + self.values[b])

    def concat(self, parts):
        return self.node("Concat", parts, torch.cat([self.values[p] for p in parts], 1), axis=1)

    def pool(self, x):
        return self.node("MaxPool", [x], F.max_pool2d(self.values[x], 5, 1, 2), kernel_shape=[5, 5], strides=[1, 1], pads=[2] * 4)

    def upsample(self, x):
        scales = self.constant(np.array([1, 1, 2, 2], np.float32))
        return self.node("Resize", [x, "", scales], F.interpolate(self.values[x], scale_factor=2, mode="nearest"),
                         mode="nearest", nearest_mode="floor", coordinate_transformation_mode="asymmetric")

    def reshape(self, x, shape):
        return self.node("Reshape", [x, self.constant(np.array(shape, np.int64))], self.values[x].reshape(shape))

    def transpose(self, x, order):
        return self.node("Transpose", [x], self.values[x].permute(order), perm=list(order))

    def shuffle(self, x):
        n, c, h, w = self.values[x].shape
        apart = self.reshape(x, [n, 2, c // 2, h, w])
        return self.reshape(self.transpose(apart, (0, 2, 1, 3, 4)), [n, c, h, w])

    def save(self, name, output):
        y = self.values[output]
        seed = torch.tensor(self.random.normal(size=y.shape).astype(np.float32))
        y.backward(seed)
        graph = helper.make_graph(
            self.nodes, name, [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape)],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, list(y.shape))],
            [numpy_helper.from_array(a, n) for n, a in self.constants.items()])
        write(graph, f"{name}.onnx")
        golden = {"x": self.values["x"].numpy(), "seed": seed.numpy()}
        golden.update({f"gradient/{n}": p.grad.numpy() for n, p in self.parameters.items()})
        golden.update({f"updated/{n}": s.numpy() for n, s in self.statistics.items()})
        write(helper.make_graph([], name, [], [], [numpy_helper.from_array(a, n) for n, a in golden.items()]),
              f"{name}-golden.onnx")


def write(graph, name):
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, os.path.join(FOLDER, name))


def residual():
    n = Network(1, [3, 3, 16, 12])
    x = n.block("x", 8, stride=2)
    x = n.add(x, n.block(n.block(x, 8), 8))
    deep = n.block(x, 12, stride=2)
    deep = n.concat([deep, n.pool(deep)])
    x = n.concat([x, n.upsample(n.block(deep, 8, kernel=1))])
    n.save("residual", n.conv(x, 5, kernel=1, bias=True))


def shuffle():
    n = Network(2, [2, 8, 8, 10])
    x = n.block("x", 16, kernel=1)
    x = n.shuffle(n.concat([x, n.block(n.bn(n.conv(x, 16, groups=16)), 16, kernel=1)]))
    x = n.block(n.bn(n.conv(x, 32, kernel=5, stride=2, groups=32)), 16, kernel=3, groups=2)
    n.save("shuffle", n.conv(x, 4, bias=True))


def attention():
    n = Network(3, [2, 8, 4, 5])
    x = n.conv("x", 8, kernel=1, bias=True)
    q, k, v = (n.reshape(n.conv(x, 8, kernel=1, bias=True), [2, 2, 4, 20]) for _ in range(3))
    left = n.transpose(q, (0, 1, 3, 2))
    scores = n.node("MatMul", [left, k], n.values[left] @ n.values[k])
    weights = n.node("Softmax", [scores], torch.softmax(n.values[scores], -1), axis=-1)
    turned = n.transpose(weights, (0, 1, 3, 2))
    mixed = n.node("MatMul", [v, turned], n.values[v] @ n.values[turned])
    x = n.add(x, n.reshape(mixed, [2, 8, 4, 5]))
    n.save("attention", n.block(x, 6, kernel=3))


if __name__ == "__main__":
    torch.set_num_threads(1)
    for build in (residual, shuffle, attention):
        build()
