"""Cases on three spatial axes, norms under windows, and extents of 0; see make_operator_goldens.py."""

import numpy as np

from make_operator_goldens import Case, uniform

F, U8, I8 = np.float32, np.uint8, np.int8


def conv(name, x, w, bias=True, op="Conv", opset=11, constants=(1, 2), **attributes):
    outputs = w[0] if op == "Conv" else w[1] * attributes.get("group", 1)
    inputs = [uniform(x), uniform(w)] + ([uniform((outputs,))] if bias else [])
    return Case(f"{op}_3d_{name}", op, inputs, attributes, opset,
                constants=tuple(i for i in constants if i < len(inputs)))


CONVOLUTIONS = [
    conv("plain", (2, 3, 4, 5, 6), (4, 3, 3, 3, 3)),
    conv("no_bias", (1, 2, 3, 3, 3), (1, 2, 1, 1, 1), bias=False),
    conv("strides", (1, 2, 5, 6, 7), (3, 2, 3, 2, 3), strides=[2, 1, 3], pads=[1, 0, 2, 1, 1, 0]),
    conv("dilated", (1, 2, 7, 6, 5), (2, 2, 2, 3, 2), dilations=[3, 2, 1], pads=[0, 1, 1, 1, 2, 0]),
    conv("groups", (2, 4, 3, 4, 3), (6, 2, 2, 2, 2), group=2, constants=()),
    conv("depthwise", (1, 3, 4, 4, 4), (3, 1, 3, 3, 3), group=3, pads=[1] * 6),
    conv("same_upper", (1, 2, 5, 6, 7), (2, 2, 3, 2, 3), auto_pad="SAME_UPPER", strides=[2, 2, 2]),
    conv("same_lower", (1, 2, 5, 6, 7), (2, 2, 2, 2, 3), auto_pad="SAME_LOWER", strides=[2, 1, 2]),
    conv("wide_pads", (1, 1, 2, 1, 3), (2, 1, 1, 1, 1), pads=[1, 2, 3, 3, 2, 1]),
    conv("plain", (2, 3, 2, 3, 4), (3, 2, 3, 3, 2), op="ConvTranspose"),
    conv("strides", (1, 2, 3, 2, 3), (2, 3, 2, 3, 3), op="ConvTranspose", strides=[2, 3, 1],
         pads=[0, 1, 1, 1, 0, 1], output_padding=[1, 0, 0]),
    conv("groups", (1, 4, 2, 3, 2), (4, 2, 2, 2, 3), op="ConvTranspose", group=2, dilations=[1, 2, 2]),
]


def quantized(name, x, w, **attributes):
    return Case(f"QLinearConv_3d_{name}", "QLinearConv",
                [uniform(x, 0, 255, U8), F(0.02), U8(120), uniform(w, -128, 127, I8), F(0.01), I8(0),
                 F(0.03), U8(100), uniform((w[0],), -3000, 3000, np.int32)],
                attributes, 10, constants=(1, 2, 3, 4, 5, 6, 7, 8), tolerance="exact")


def pool(name, x, op, opset=22, outputs=1, dtype=F, **attributes):
    low, high = (0, 255) if dtype == U8 else (-128, 127) if dtype == I8 else (-1, 1)
    return Case(f"{op}_{len(x) - 2}d_{name}", op, [uniform(x, low, high, dtype)], attributes, opset,
                outputs=outputs)


POOLS = [
    *[case for op in ["MaxPool", "AveragePool", "LpPool"] for case in [
        pool("plain", (2, 2, 4, 5, 6), op, kernel_shape=[2, 3, 2]),
        pool("strides", (1, 2, 5, 6, 7), op, kernel_shape=[3, 2, 3], strides=[2, 1, 3], pads=[1, 0, 2, 1, 1, 0]),
        pool("dilated", (1, 1, 7, 6, 5), op, kernel_shape=[2, 3, 2], dilations=[3, 2, 1]),
        pool("ceil", (1, 2, 5, 6, 8), op, kernel_shape=[2, 3, 3], strides=[2, 2, 3], ceil_mode=1),
        pool("same_upper", (1, 1, 5, 6, 7), op, kernel_shape=[3, 2, 2], strides=[2, 2, 2], auto_pad="SAME_UPPER"),
    ]],
    pool("padding", (1, 2, 5, 4, 6), "AveragePool", kernel_shape=[3, 3, 3], strides=[2, 2, 2], pads=[1] * 6,
         count_include_pad=1),
    pool("indices", (2, 2, 4, 5, 6), "MaxPool", outputs=2, kernel_shape=[2, 3, 2], strides=[2, 1, 2],
         pads=[0, 1, 1, 0, 1, 0]),
    pool("indices_columns", (1, 2, 4, 3, 5), "MaxPool", outputs=2, kernel_shape=[2, 2, 2], storage_order=1),
    pool("double", (1, 2, 4, 3, 5), "MaxPool", dtype=np.float64, kernel_shape=[2, 2, 2]),
    pool("uint8", (1, 2, 4, 3, 5), "MaxPool", dtype=U8, kernel_shape=[2, 2, 2], pads=[1] * 6),
    pool("int8", (1, 2, 4, 3, 5), "MaxPool", dtype=I8, kernel_shape=[2, 2, 2]),
    pool("plain", (2, 2, 7), "LpPool", kernel_shape=[3], strides=[2]),
    pool("plain", (1, 2, 6, 7), "LpPool", kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 1]),
    pool("cubes", (1, 2, 6, 7), "LpPool", 11, kernel_shape=[3, 3], p=3),
    pool("sums", (1, 2, 6, 7), "LpPool", 2, kernel_shape=[3, 3], p=1),
    pool("plain", (2, 3, 4, 5), "GlobalLpPool", 2),
    pool("cubes", (1, 3, 4, 3, 2), "GlobalLpPool", 2, p=3),
    pool("plain", (2, 3, 4, 3, 2), "GlobalAveragePool", 1),
    pool("plain", (2, 3, 4, 3, 2), "GlobalMaxPool", 1),
]

EMPTY = [
    Case("Conv_empty_batch", "Conv", [uniform((0, 2, 5, 6)), uniform((3, 2, 3, 3))], {}, 11, constants=(1,)),
    Case("Conv_empty_channels", "Conv", [uniform((1, 0, 5, 6)), uniform((3, 0, 3, 3)), uniform((3,))], {}, 11),
    Case("MaxPool_empty_batch", "MaxPool", [uniform((0, 2, 5, 6))], {"kernel_shape": [2, 2]}, 12),
    Case("AveragePool_empty_batch", "AveragePool", [uniform((0, 2, 5, 6))], {"kernel_shape": [2, 2]}, 19),
    Case("ConvTranspose_empty_batch", "ConvTranspose", [uniform((0, 2, 3, 3)), uniform((2, 1, 3, 3))], {}, 11),
    Case("GlobalAveragePool_empty_batch", "GlobalAveragePool", [uniform((0, 2, 3, 3))], {}, 1),
    Case("Gemm_empty_rows", "Gemm", [uniform((0, 4)), uniform((4, 3)), uniform((3,))], {}, 13),
    Case("Gemm_empty_sums", "Gemm", [uniform((2, 0)), uniform((0, 3)), uniform((3,))], {}, 13),
    Case("MatMul_empty_sums", "MatMul", [uniform((2, 3, 0)), uniform((0, 4))], {}, 13),
    Case("ReduceSum_empty", "ReduceSum", [uniform((2, 0, 4)), np.array([1])], {}, 13, constants=(1,)),
    Case("ReduceMax_empty_rows", "ReduceMax", [uniform((0, 3, 4))], {"axes": [1]}, 13),
    Case("Softmax_empty", "Softmax", [uniform((2, 0, 4))], {"axis": 1}, 13),
    Case("Concat_empty", "Concat", [uniform((2, 0)), uniform((2, 3))], {"axis": 1}, 13),
    Case("Transpose_empty", "Transpose", [uniform((2, 0, 3))], {"perm": [2, 0, 1]}, 13),
    Case("Relu_empty", "Relu", [uniform((0, 3))], {}, 14),
    Case("Add_empty", "Add", [uniform((2, 0, 3)), uniform((1, 3))], {}, 14),
    Case("Resize_empty_batch", "Resize", [uniform((0, 1, 3, 4)), None, np.array([1, 1, 2, 2], F)],
         {"mode": "nearest"}, 13, constants=(2,)),
    Case("DynamicQuantizeLinear_empty", "DynamicQuantizeLinear", [uniform((0, 3))], {}, 11, outputs=3),
]

CASES = CONVOLUTIONS + [
    quantized("plain", (2, 3, 4, 5, 3), (4, 3, 2, 3, 2), pads=[1, 1, 0, 0, 1, 1]),
    quantized("groups", (1, 4, 3, 4, 5), (2, 2, 2, 2, 2), group=2, strides=[1, 2, 2]),
    Case("ConvInteger_3d", "ConvInteger", [uniform((1, 2, 3, 4, 5), 0, 255, U8), uniform((3, 2, 2, 2, 2), 0, 255, U8),
                                           U8(7), U8(9)], {"pads": [1] * 6}, 10, constants=(1, 2, 3)),
] + POOLS + EMPTY
