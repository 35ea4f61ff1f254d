"""Records what ONNX Runtime computes on x86 CPUs without VNNI, where sums of products saturate.

Usage: python make_saturation_golden.py
Runs on such a CPU, or where VNNI and AVX-512 are hidden from the library; refuses others.
Tested with onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6.
"""

import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "Tests/Goldens/Saturation"
# name, inputs, outputs, kernel, stride, groups: odd and even numbers of channels, all that
# convolutions of detectors have.
LAYERS = [
    ("first", 3, 6, 3, 1, 1),
    ("point", 6, 5, 1, 1, 1),
    ("odd", 5, 8, 3, 2, 1),
    ("depthwise", 8, 8, 3, 1, 8),
    ("grouped", 8, 8, 3, 1, 2),
]


def network(random):
    nodes, constants = [], []

    def constant(name, value):
        constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def rounded(value, scale, zero):
        names = [constant(f"{value}_scale", np.float32(scale)), constant(f"{value}_zero", np.uint8(zero))]
        nodes.append(helper.make_node("QuantizeLinear", [value, *names], [f"{value}_q"]))
        nodes.append(helper.make_node("DequantizeLinear", [f"{value}_q", *names], [f"{value}_d"]))
        return f"{value}_d"

    value, scale = rounded("images", 1 / 255, 0), 1 / 255
    for name, inputs, outputs, size, stride, groups in LAYERS:
        depth = inputs // groups * size * size
        weights = random.integers(-127, 128, (outputs, inputs // groups, size, size)).astype(np.int8)
        scales = random.uniform(0.004, 0.008, outputs).astype(np.float32)
        bias = random.integers(-2000, 2000, outputs).astype(np.int32)
        scale_name = constant(f"{name}_w_scale", scales)
        constant(f"{name}_w", weights)
        constant(f"{name}_w_zero", np.zeros(outputs, np.int8))
        nodes.append(
            helper.make_node("DequantizeLinear", [f"{name}_w", scale_name, f"{name}_w_zero"], [f"{name}_wd"], axis=0))
        constant(f"{name}_b", bias)
        constant(f"{name}_b_scale", (scales * np.float32(scale)).astype(np.float32))
        constant(f"{name}_b_zero", np.zeros(outputs, np.int32))
        nodes.append(
            helper.make_node(
                "DequantizeLinear", [f"{name}_b", f"{name}_b_scale", f"{name}_b_zero"], [f"{name}_bd"], axis=0))
        nodes.append(
            helper.make_node(
                "Conv", [value, f"{name}_wd", f"{name}_bd"], [name], strides=[stride, stride], group=groups,
                pads=[size // 2] * 4, kernel_shape=[size, size]))
        scale = float(scale * np.mean(scales) * 73 * 128 * np.sqrt(depth) / 100)
        value = rounded(name, scale, 128)
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, 12, 12])
    output = helper.make_tensor_value_info(value, TensorProto.FLOAT, [1, 8, 6, 6])
    graph = helper.make_graph(nodes, "saturation", [images], [output], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def run(model, image, level):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.get_outputs()[0].name, session.run(None, {"images": image})[0]


def main():
    random = np.random.default_rng(23)
    model = network(random)
    image = random.random((1, 3, 12, 12), dtype=np.float32)
    level = onnxruntime.GraphOptimizationLevel
    name, integers = run(model, image, level.ORT_ENABLE_ALL)
    _, floats = run(model, image, level.ORT_DISABLE_ALL)
    if np.abs(integers - floats).max() < 0.1 * np.abs(floats).max():
        sys.exit("sums of products do not saturate on this CPU")
    for folder in ("inputs", "outputs"):
        (FOLDER / folder).mkdir(parents=True, exist_ok=True)
    onnx.save(model, FOLDER / "saturation.onnx")
    np.save(FOLDER / "inputs/images.npy", image)
    np.save(FOLDER / f"outputs/{name}.npy", integers)


if __name__ == "__main__":
    main()
