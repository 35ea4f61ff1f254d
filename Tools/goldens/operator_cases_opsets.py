"""Cases for the versions of operators between opsets 7 and 21; see make_operator_goldens.py."""

import numpy as np
from onnx import TensorProto

from make_operator_goldens import Case, uniform

F, L = np.float32, np.int64
IMAGE = (1, 4, 7, 6)


def everywhere(name, op, inputs, opsets, attributes=None, **options):
    """The same case under each of some opsets."""
    return [Case(f"{name}_{opset}", op, inputs, attributes, opset, **options) for opset in opsets]


def array(*values, dtype=L):
    return np.array(values, dtype)


BOXES = np.array([[[0, 0, 1, 1], [0, 0.1, 1, 1.1], [0, -0.1, 1, 0.9], [0, 10, 1, 11],
                   [0, 10.1, 1, 11.1], [0, 100, 1, 101]]], F)
SCORES = np.array([[[0.9, 0.75, 0.6, 0.95, 0.5, 0.3], [0.1, 0.8, 0.6, 0.2, 0.5, 0.3]]], F)

NEURAL = [
    *everywhere("Conv_grouped", "Conv", [uniform(IMAGE), uniform((6, 2, 3, 3)), uniform((6,))],
                (7, 9, 13, 21), {"group": 2, "auto_pad": "SAME_LOWER", "strides": [2, 1]}),
    *everywhere("ConvTranspose_grouped", "ConvTranspose",
                [uniform(IMAGE), uniform((4, 3, 3, 3)), uniform((6,))], (7, 21),
                {"group": 2, "strides": [2, 2], "output_padding": [1, 0]}),
    *everywhere("AveragePool_pads", "AveragePool", [uniform(IMAGE)], (7, 10, 11, 19, 21),
                {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1}),
    *everywhere("MaxPool_indices", "MaxPool", [uniform(IMAGE)], (8, 10, 11, 12, 21),
                {"kernel_shape": [3, 2], "strides": [2, 2]}, outputs=2),
    *everywhere("BatchNormalization_inference", "BatchNormalization",
                [uniform(IMAGE), uniform((4,)), uniform((4,)), uniform((4,)), uniform((4,), 0.5, 2)],
                (7, 9, 14), {"epsilon": 1e-3}),
    Case("BatchNormalization_not_training", "BatchNormalization",
         [uniform(IMAGE), uniform((4,)), uniform((4,)), uniform((4,)), uniform((4,), 0.5, 2)],
         {"training_mode": 0}, 15),
    *everywhere("Gemm_transposed", "Gemm", [uniform((4, 3)), uniform((5, 4)), uniform((5,))],
                (7, 9, 11, 13), {"transA": 1, "transB": 1, "alpha": 0.5, "beta": 2.0}),
    *everywhere("MatMul_batched", "MatMul", [uniform((2, 1, 3, 4)), uniform((5, 4, 2))], (7, 9)),
    *everywhere("PRelu_channels", "PRelu", [uniform(IMAGE), uniform((4, 1, 1))], (7, 9, 16)),
    *everywhere("Softmax_last", "Softmax", [uniform((2, 3, 5), -4, 4)], (11, 13), {"axis": -1}),
    Case("Softmax_7", "Softmax", [uniform((2, 3, 5), -4, 4)], {"axis": 1}, 7),
    *everywhere("Resize_twice", "Resize", [uniform(IMAGE), None, np.array([1, 1, 2, 2], F)],
                (13, 18, 19), {"mode": "linear", "coordinate_transformation_mode": "half_pixel"},
                constants=(2,)),
    Case("Resize_10_linear", "Resize", [uniform(IMAGE), np.array([1, 1, 2, 2], F)],
         {"mode": "linear"}, 10, constants=(1,)),
    Case("Upsample_7_linear", "Upsample", [uniform(IMAGE)],
         {"mode": "linear", "scales": [1.0, 1.0, 2.0, 2.0]}, 7),
    Case("Upsample_9_linear", "Upsample", [uniform(IMAGE), np.array([1, 1, 2, 2], F)],
         {"mode": "linear"}, 9, constants=(1,)),
    *everywhere("Gelu_microsoft", "Gelu", [uniform((2, 9), -4, 4)], (17,), domain="com.microsoft"),
    *everywhere("QuantizeLinear_tensor", "QuantizeLinear",
                [uniform((2, 3, 4), -3, 3), np.array(0.02, F), np.array(7, np.uint8)],
                (10, 13, 19, 21), tolerance="integerStep"),
    *everywhere("QuantizeLinear_channels", "QuantizeLinear",
                [uniform((2, 3, 4), -3, 3), np.array([0.02, 0.03, 0.05], F),
                 np.array([0, 3, -5], np.int8)], (13, 19, 21), {"axis": 1}, tolerance="integerStep"),
    *everywhere("DequantizeLinear_channels", "DequantizeLinear",
                [uniform((2, 3, 4), -128, 127, np.int8), np.array([0.02, 0.03, 0.05], F),
                 np.array([0, 3, -5], np.int8)], (13, 19, 21), {"axis": 1}),
]

SHAPES = [
    *everywhere("Cast_to_int64", "Cast", [uniform((2, 3), -9, 9)], (7, 9, 13, 19, 21),
                {"to": TensorProto.INT64}),
    *everywhere("Clip_attributes", "Clip", [uniform((2, 3), -9, 9)], (7, 10),
                {"min": -1.0, "max": 6.0}),
    *everywhere("Clip_inputs", "Clip", [uniform((2, 3), -9, 9), np.array(-1, F), np.array(6, F)],
                (11, 12, 13, 21)),
    *everywhere("Concat_axis", "Concat", [uniform((2, 3)), uniform((2, 1))], (7, 11, 13), {"axis": 1}),
    *[Case(f"Constant_{name}", "Constant", [], {f"value_{name}": value}, 13)
      for name, value in (("float", 1.5), ("floats", [1.5, -2.0]), ("int", 7), ("ints", [3, -4, 5]))],
    *everywhere("Dropout_one_output", "Dropout", [uniform((2, 3))], (7, 10, 12, 13)),
    *everywhere("Equal_numbers", "Equal", [array(1, 2, 3), array(1, 5, 3)], (7, 11, 13, 19)),
    *everywhere("Flatten_axis", "Flatten", [uniform((2, 3, 4))], (7, 9, 11, 13, 21), {"axis": 2}),
    *everywhere("Gather_rows", "Gather", [uniform((4, 3)), array(2, 0)], (7, 11, 13), {"axis": 0}),
    *everywhere("GatherND_batched", "GatherND",
                [uniform((2, 3, 4)), np.array([[[1], [0]], [[2], [2]]], L)], (12, 13),
                {"batch_dims": 1}),
    *everywhere("Less_numbers", "Less", [uniform((2, 3)), uniform((3,))], (7, 9, 13)),
    *everywhere("NonMaxSuppression_classes", "NonMaxSuppression",
                [BOXES, SCORES, array(3), np.array([0.5], F), np.array([0.2], F)], (10, 11)),
    *everywhere("Pad_attributes", "Pad", [uniform((2, 3))], (7, 10),
                {"pads": [0, 1, 2, 0], "mode": "constant", "value": 2.5}),
    *everywhere("Pad_inputs", "Pad", [uniform((2, 3)), array(0, 1, 2, 0), np.array(2.5, F)],
                (11, 13, 18, 19, 21), constants=(1,)),
    Case("Pad_18_axes", "Pad", [uniform((2, 3)), array(1, 2), None, array(-1)], {}, 18,
         constants=(1, 3)),
    *everywhere("Pow_numbers", "Pow", [uniform((2, 3), 0.5, 2), uniform((3,), -2, 2)], (7, 12, 13, 15)),
    *everywhere("ReduceSum_axes", "ReduceSum", [uniform((2, 3, 4))], (7, 11), {"axes": [1], "keepdims": 0}),
    Case("ReduceSum_13_axes", "ReduceSum", [uniform((2, 3, 4)), array(1)], {"keepdims": 0}, 13,
         constants=(1,)),
    *[case for op in ("ReduceMax", "ReduceMin", "ReduceMean")
      for case in everywhere(f"{op}_axes", op, [uniform((2, 3, 4))], (7, 13),
                             {"axes": [1, 2], "keepdims": 1})],
    *everywhere("Reshape_inferred", "Reshape", [uniform((2, 3, 4)), array(0, -1)], (7, 13, 14, 19, 21),
                constants=(1,)),
    *everywhere("ScatterND_rows", "ScatterND",
                [uniform((4, 3)), np.array([[2], [0]], L), uniform((2, 3))], (11, 13, 16, 18)),
    *everywhere("Shape_whole", "Shape", [uniform((2, 3, 4))], (7, 13, 15, 19, 21)),
    Case("Slice_7", "Slice", [uniform((4, 6))], {"axes": [1], "starts": [-5], "ends": [9]}, 7),
    *everywhere("Slice_inputs", "Slice", [uniform((4, 6)), array(-5), array(9), array(1), array(2)],
                (10, 11, 13), constants=(1, 2, 3, 4)),
    *everywhere("Split_attribute", "Split", [uniform((2, 5))], (7, 11), {"axis": 1, "split": [2, 3]},
                outputs=2),
    Case("Split_13_input", "Split", [uniform((2, 5)), array(2, 3)], {"axis": 1}, 13, 2, constants=(1,)),
    Case("Split_18_number", "Split", [uniform((2, 5))], {"axis": 1, "num_outputs": 2}, 18, 2),
    *everywhere("Squeeze_attribute", "Squeeze", [uniform((1, 3, 1))], (7, 11), {"axes": [2]}),
    Case("Squeeze_13_all", "Squeeze", [uniform((1, 3, 1))], {}, 13),
    *everywhere("Squeeze_input", "Squeeze", [uniform((1, 3, 1)), array(-1)], (13, 21), constants=(1,)),
    *everywhere("Unsqueeze_attribute", "Unsqueeze", [uniform((3, 2))], (7, 11), {"axes": [0, 3]}),
    *everywhere("Unsqueeze_input", "Unsqueeze", [uniform((3, 2)), array(0, -1)], (13, 21),
                constants=(1,)),
    *everywhere("Tile_rows", "Tile", [uniform((2, 3)), array(2, 1)], (7, 13), constants=(1,)),
    Case("TopK_7", "TopK", [uniform((3, 6))], {"k": 2, "axis": 1}, 7, 2),
    *everywhere("TopK_input", "TopK", [uniform((3, 6)), array(2)], (10, 11), {"axis": 1}, outputs=2,
                constants=(1,)),
    *everywhere("Transpose_reversed", "Transpose", [uniform((2, 3, 4))], (7, 13, 21)),
    *everywhere("Where_broadcast", "Where",
                [np.array([[True], [False]]), uniform((2, 3)), uniform((3,))], (9, 16)),
]

CASES = NEURAL + SHAPES
