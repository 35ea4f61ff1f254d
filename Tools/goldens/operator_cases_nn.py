"""Cases for the operators of neural networks; see make_operator_goldens.py."""

import numpy as np

from make_operator_goldens import Case, uniform

F = np.float32


def unary(op, opset=17, low=-4.0, high=4.0, suffix="", **attributes):
    return Case(f"{op}{suffix}_{opset}", op, [uniform((2, 3, 5), low, high)], attributes, opset)


ACTIVATIONS = [
    unary("Relu", 6), unary("Relu", 14), unary("LeakyRelu", 6), unary("LeakyRelu", 16, suffix="_a", alpha=0.3),
    unary("Elu", 6), unary("Elu", 6, suffix="_a", alpha=1.7), unary("Selu", 6),
    unary("Selu", 6, suffix="_a", alpha=1.2, gamma=2.0), unary("Sigmoid", 13, -20, 20),
    unary("Tanh", 13, -10, 10), unary("HardSigmoid", 6),
    unary("HardSigmoid", 6, suffix="_a", alpha=1 / 6, beta=0.4), unary("HardSwish", 14),
    unary("Softplus", 1, -30, 30), unary("Softsign", 1), unary("Mish", 18),
    unary("Gelu", 20), unary("Gelu", 20, suffix="_tanh", approximate="tanh"),
    unary("ThresholdedRelu", 10, suffix="_a", alpha=1.5),
    unary("Celu", 12, suffix="_a", alpha=1.3),
]

CASES = [*ACTIVATIONS]


def parameters(channels, low=-1.0, high=1.0):
    return uniform((channels,), low, high)


NORMALIZATIONS = [
    Case("BatchNormalization_7", "BatchNormalization",
         [uniform((2, 5, 3, 4)), parameters(5), parameters(5), parameters(5), parameters(5, 0.1, 2)],
         {"epsilon": 1e-3}, 7, constants=(1, 2, 3, 4)),
    Case("BatchNormalization_15_1d", "BatchNormalization",
         [uniform((3, 4, 7)), parameters(4), parameters(4), parameters(4), parameters(4, 0.1, 2)],
         {}, 15),
    Case("BatchNormalization_15_rank2", "BatchNormalization",
         [uniform((3, 4)), parameters(4), parameters(4), parameters(4), parameters(4, 0.1, 2)], {}, 15),
    Case("InstanceNormalization_6", "InstanceNormalization",
         [uniform((2, 3, 4, 5)), parameters(3), parameters(3)], {"epsilon": 1e-2}, 6),
    Case("LayerNormalization_17", "LayerNormalization",
         [uniform((2, 3, 10)), parameters(10), parameters(10)], {}, 17, outputs=3),
    Case("LayerNormalization_17_axis", "LayerNormalization",
         [uniform((2, 3, 4)), uniform((3, 4))], {"axis": 1}, 17, outputs=1),
    Case("GroupNormalization_21", "GroupNormalization",
         [uniform((2, 6, 3, 3)), parameters(6), parameters(6)], {"num_groups": 3}, 21),
    Case("LRN_13", "LRN", [uniform((2, 7, 3, 2))],
         {"size": 3, "alpha": 0.01, "beta": 0.6, "bias": 2.0}, 13),
    Case("Dropout_13", "Dropout", [uniform((2, 3))], {}, 13, outputs=2),
    Case("Dropout_7", "Dropout", [uniform((2, 3))], {"ratio": 0.3}, 7),
    Case("PRelu_16", "PRelu", [uniform((2, 3, 4, 5)), uniform((3, 1, 1))], {}, 16),
    Case("PRelu_9_full", "PRelu", [uniform((2, 3, 4)), uniform((3, 4))], {}, 9),
    Case("PRelu_9_scalar", "PRelu", [uniform((2, 3, 4)), uniform((1,))], {}, 9),
    Case("Clip_6", "Clip", [uniform((3, 5), -4, 4)], {"min": -1.0, "max": 2.5}, 6),
    Case("Clip_6_min", "Clip", [uniform((3, 5), -4, 4)], {"min": -1.0}, 6),
    Case("Clip_11", "Clip", [uniform((3, 5), -4, 4), F(-1), F(2)], {}, 11, constants=(1, 2)),
    Case("Clip_12_max", "Clip", [uniform((3, 5), -4, 4), None, F(2)], {}, 12),
    Case("Clip_12_int64", "Clip", [uniform((3, 5), -9, 9, np.int64), np.int64(-3), np.int64(4)], {}, 12),
    Case("Clip_12_uint8", "Clip", [uniform((3, 5), 0, 255, np.uint8), np.uint8(3), np.uint8(99)], {}, 12),
]


def resize(name, shape, scales=None, sizes=None, roi=None, opset=13, low=-1, dtype=np.float32, **attributes):
    inputs = [uniform(shape, low, 1 if low < 0 else 200, dtype),
              None if roi is None else np.array(roi, F),
              None if scales is None else np.array(scales, F),
              None if sizes is None else np.array(sizes, np.int64)]
    if scales is None and opset < 13:
        inputs[2] = np.zeros(0, F)
    if roi is None and opset < 13:
        inputs[1] = np.zeros(0, F)
    while inputs[-1] is None:
        inputs.pop()
    return Case(f"Resize_{name}_{opset}", "Resize", inputs, attributes, opset, constants=(1, 2, 3))


MODES = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"]
IMAGE = (1, 2, 5, 6)
RESIZES = [
    Case("Resize_10_nearest_up", "Resize", [uniform(IMAGE), np.array([1, 1, 2, 2.6], F)],
         {"mode": "nearest"}, 10, constants=(1,)),
    Case("Resize_10_nearest_down", "Resize", [uniform(IMAGE), np.array([1, 1, 0.6, 0.7], F)],
         {"mode": "nearest"}, 10, constants=(1,)),
    Case("Resize_10_linear", "Resize", [uniform(IMAGE), np.array([1, 1, 2.3, 0.7], F)],
         {"mode": "linear"}, 10, constants=(1,)),
    Case("Upsample_7", "Upsample", [uniform(IMAGE)], {"scales": [1.0, 1.0, 2.0, 3.0]}, 7),
    Case("Upsample_9_linear", "Upsample", [uniform(IMAGE), np.array([1, 1, 2, 3], F)],
         {"mode": "linear"}, 9, constants=(1,)),
    *[resize(f"nearest_{mode}_{rounding}", IMAGE, scales=[1, 1, 2.5, 0.8], mode="nearest",
             coordinate_transformation_mode=mode, nearest_mode=rounding)
      for mode in MODES for rounding in ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]],
    *[resize(f"{kind}_{mode}", IMAGE, scales=[1, 1, 2.5, 0.8], mode=kind,
             coordinate_transformation_mode=mode)
      for mode in MODES for kind in ["linear", "cubic"]],
    resize("nearest_tf_half_pixel", IMAGE, scales=[1, 1, 2.5, 0.8], opset=11, mode="nearest",
           coordinate_transformation_mode="tf_half_pixel_for_nn"),
    resize("sizes_linear", IMAGE, sizes=[1, 2, 9, 3], opset=11, mode="linear",
           coordinate_transformation_mode="half_pixel"),
    resize("sizes_cubic_outside", IMAGE, sizes=[1, 2, 9, 3], mode="cubic", exclude_outside=1, cubic_coeff_a=-0.5),
    resize("nearest_2x", (2, 3, 4, 5), scales=[1, 1, 2, 2], opset=11, mode="nearest",
           coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
    resize("nearest_uint8", IMAGE, low=0, dtype=np.uint8, scales=[1, 1, 2, 2], mode="nearest"),
    resize("nearest_3d", (1, 2, 3, 4, 5), scales=[1, 1, 2, 1.5, 2], mode="nearest"),
    resize("nearest_batch", (2, 2, 3, 4), scales=[2, 1, 1, 2], mode="nearest"),
    resize("linear_1d", (1, 2, 7), sizes=[1, 2, 11], mode="linear"),
    resize("crop_linear", IMAGE, sizes=[1, 2, 4, 7], roi=[0, 0, -0.2, 0.3, 1, 1, 0.7, 1.3], mode="linear",
           coordinate_transformation_mode="tf_crop_and_resize", extrapolation_value=9.0),
    resize("crop_nearest", IMAGE, sizes=[1, 2, 4, 7], roi=[0, 0, 0.2, 0.3, 1, 1, 0.7, 0.9], mode="nearest",
           coordinate_transformation_mode="tf_crop_and_resize"),
    resize("axes", IMAGE, scales=[2, 1.5], opset=18, axes=[2, 3], mode="linear"),
    resize("axes_negative", IMAGE, sizes=[9, 7], opset=18, axes=[-1, -2], mode="nearest"),
    resize("not_larger", IMAGE, sizes=[8, 7], opset=18, axes=[2, 3], mode="nearest",
           keep_aspect_ratio_policy="not_larger"),
    resize("not_smaller", IMAGE, sizes=[8, 7], opset=18, axes=[2, 3], mode="linear",
           keep_aspect_ratio_policy="not_smaller"),
    resize("antialias_linear", (1, 1, 9, 11), sizes=[1, 1, 4, 5], opset=18, mode="linear", antialias=1),
    resize("antialias_cubic", (1, 1, 9, 11), scales=[1, 1, 0.5, 0.6], opset=18, mode="cubic", antialias=1),
    resize("antialias_outside", (1, 1, 9, 11), scales=[1, 1, 0.5, 0.6], opset=18, mode="cubic",
           antialias=1, exclude_outside=1),
    resize("half_pixel_symmetric", IMAGE, scales=[1, 1, 2.3, 0.7], opset=19, mode="linear",
           coordinate_transformation_mode="half_pixel_symmetric"),
]

CASES += NORMALIZATIONS + RESIZES


def conv(name, x, w, bias=True, opset=11, constants=(1, 2), **attributes):
    inputs = [uniform(x), uniform(w)] + ([uniform((w[0],))] if bias else [])
    return Case(f"Conv_{name}", "Conv", inputs, attributes, opset, constants=constants)


CONVOLUTIONS = [
    conv("1x1", (2, 5, 4, 6), (7, 5, 1, 1)),
    conv("1x1_stride", (1, 5, 5, 6), (7, 5, 1, 1), strides=[2, 2]),
    conv("3x3", (1, 3, 7, 9), (4, 3, 3, 3), pads=[1, 1, 1, 1]),
    conv("3x3_nobias", (1, 3, 7, 9), (9, 3, 3, 3), bias=False, strides=[2, 2], pads=[0, 1, 1, 0]),
    conv("runtime_weights", (1, 3, 7, 9), (4, 3, 3, 3), constants=(), kernel_shape=[3, 3]),
    conv("dilated", (1, 3, 9, 11), (4, 3, 3, 3), dilations=[2, 3], pads=[2, 3, 2, 3]),
    conv("depthwise", (2, 6, 7, 8), (6, 1, 3, 3), group=6, pads=[1, 1, 1, 1]),
    conv("depthwise_stride", (1, 6, 9, 8), (6, 1, 5, 5), group=6, pads=[2, 2, 2, 2], strides=[2, 2]),
    conv("depthwise_multiplier", (1, 3, 7, 8), (6, 1, 3, 3), group=3),
    conv("groups", (1, 6, 7, 8), (4, 3, 3, 3), group=2, pads=[1, 0, 1, 0]),
    conv("asymmetric_kernel", (1, 3, 7, 9), (4, 3, 1, 5), strides=[1, 2], pads=[0, 3, 0, 1]),
    conv("same_upper", (1, 3, 7, 8), (4, 3, 4, 3), auto_pad="SAME_UPPER", strides=[2, 3]),
    conv("same_lower", (1, 3, 7, 8), (4, 3, 4, 3), auto_pad="SAME_LOWER", strides=[2, 3]),
    conv("valid", (1, 3, 7, 8), (4, 3, 3, 3), auto_pad="VALID"),
    conv("1d", (2, 3, 11), (4, 3, 3), pads=[1, 1], strides=[2], dilations=[2]),
    conv("1d_depthwise", (2, 4, 11), (4, 1, 3), group=4),
    *[Case(f"ConvTranspose_{name}", "ConvTranspose",
           [uniform(x), uniform(w), uniform((w[1] * attributes.get("group", 1),))], attributes, 11,
           constants=(1, 2))
      for name, x, w, attributes in [
          ("2x2", (1, 3, 4, 5), (3, 4, 2, 2), {"strides": [2, 2]}),
          ("3x3", (2, 3, 4, 5), (3, 4, 3, 3), {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]}),
          ("dilated", (1, 2, 4, 5), (2, 3, 3, 3), {"dilations": [2, 2], "pads": [1, 0, 2, 1]}),
          ("groups", (1, 4, 4, 5), (4, 3, 4, 4), {"group": 2, "strides": [2, 2], "pads": [1, 1, 1, 1]}),
          ("depthwise", (1, 4, 4, 5), (4, 1, 4, 4), {"group": 4, "strides": [2, 2], "pads": [1, 1, 1, 1]}),
          ("output_shape", (1, 2, 4, 5), (2, 3, 3, 3), {"strides": [3, 2], "output_shape": [10, 8]}),
          ("same_upper", (1, 2, 4, 5), (2, 3, 3, 3), {"strides": [2, 2], "auto_pad": "SAME_UPPER"}),
          ("same_lower", (1, 2, 4, 5), (2, 3, 3, 3), {"strides": [2, 2], "auto_pad": "SAME_LOWER"}),
          ("1d", (1, 3, 7), (3, 4, 4), {"strides": [2], "pads": [1, 1]}),
      ]],
]


def pool(name, x, opset=12, outputs=1, op="MaxPool", dtype=np.float32, **attributes):
    low, high = (0, 255) if dtype == np.uint8 else (-1, 1)
    return Case(f"{op}_{name}", op, [uniform(x, low, high, dtype)], attributes, opset, outputs)


POOLS = [
    *[case for op, opset in [("MaxPool", 12), ("AveragePool", 19)] for case in [
        pool("2x2", (2, 3, 6, 8), opset, op=op, kernel_shape=[2, 2], strides=[2, 2]),
        pool("3x3", (1, 3, 7, 8), opset, op=op, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        pool("wide", (1, 2, 10, 10), opset, op=op, kernel_shape=[5, 5], pads=[2, 2, 2, 2]),
        pool("asymmetric", (1, 2, 7, 10), opset, op=op, kernel_shape=[3, 2], pads=[0, 1, 2, 0]),
        pool("ceil", (1, 2, 7, 10), opset, op=op, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
        pool("ceil_pads", (1, 2, 6, 9), opset, op=op, kernel_shape=[3, 3], strides=[3, 3], pads=[1, 1, 1, 1],
             ceil_mode=1),
        pool("same_upper", (1, 2, 7, 9), opset, op=op, kernel_shape=[3, 2], strides=[2, 2], auto_pad="SAME_UPPER"),
        pool("same_lower", (1, 2, 7, 9), opset, op=op, kernel_shape=[3, 2], strides=[2, 2], auto_pad="SAME_LOWER"),
        pool("dilated", (1, 2, 9, 9), opset, op=op, kernel_shape=[3, 3], dilations=[2, 2], pads=[1, 1, 1, 1]),
        pool("1d", (1, 2, 9), opset, op=op, kernel_shape=[3], strides=[2]),
    ]],
    pool("uint8", (1, 2, 6, 6), dtype=np.uint8, kernel_shape=[3, 3]),
    pool("indices", (2, 2, 6, 6), outputs=2, kernel_shape=[2, 2], strides=[2, 2]),
    pool("indices_columns", (2, 2, 6, 5), outputs=2, kernel_shape=[2, 2], strides=[2, 1], storage_order=1),
    pool("old", (1, 2, 7, 8), opset=8, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
    *[pool(f"include_{opset}{suffix}", (1, 2, 7, 10), opset, op="AveragePool", kernel_shape=[3, 3],
           strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1, **extra)
      for opset in (7, 10, 11, 19) for suffix, extra in [("", {}), ("_ceil", {"ceil_mode": 1})]
      if opset > 7 or not extra],
    pool("exclude_ceil_11", (1, 2, 8, 9), 11, op="AveragePool", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
    pool("3", (2, 3, 5, 7), 1, op="GlobalAveragePool"),
    pool("1d", (2, 3, 7), 1, op="GlobalAveragePool"),
    pool("2", (2, 3, 5, 7), 1, op="GlobalMaxPool"),
]

SOFTMAXES = [
    Case(f"{op}_{opset}_{axis}", op, [uniform((2, 3, 4, 5), -4, 4)], {"axis": axis}, opset)
    for op in ["Softmax", "LogSoftmax"] for opset in (11, 13) for axis in (0, 1, 2, -1)
] + [
    Case("Softmax_default_11", "Softmax", [uniform((2, 3, 4), -4, 4)], {}, 11),
    Case("Softmax_default_13", "Softmax", [uniform((2, 3, 4), -40, 40)], {}, 13),
    Case("Softmax_double_13", "Softmax", [uniform((2, 3, 4), -4, 4, np.float64)], {"axis": 1}, 13),
]

PRODUCTS = [
    *[Case(f"MatMul_{name}", "MatMul", [uniform(a), uniform(b)], {}, 13) for name, a, b in [
        ("2d", (3, 4), (4, 5)), ("batch", (2, 3, 4), (2, 4, 5)), ("broadcast", (2, 1, 3, 4), (3, 4, 5)),
        ("right", (2, 3, 4), (4, 5)), ("left", (3, 4), (2, 4, 5)), ("vector_matrix", (4,), (4, 5)),
        ("matrix_vector", (3, 4), (4,)), ("vectors", (4,), (4,)), ("batch_vector", (2, 3, 4), (4,)),
        ("vector_batch", (4,), (2, 4, 5)), ("large", (40, 70), (70, 50))]],
    Case("MatMul_double", "MatMul", [uniform((3, 4), dtype=np.float64), uniform((4, 5), dtype=np.float64)], {}, 13),
    Case("Gemm_plain", "Gemm", [uniform((3, 4)), uniform((4, 5))], {}, 13),
    Case("Gemm_all", "Gemm", [uniform((4, 3)), uniform((5, 4)), uniform((5,))],
         {"transA": 1, "transB": 1, "alpha": 0.5, "beta": 2.0}, 13, constants=(1, 2)),
    Case("Gemm_column", "Gemm", [uniform((3, 4)), uniform((4, 5)), uniform((3, 1))], {}, 13),
    Case("Gemm_full", "Gemm", [uniform((3, 4)), uniform((5, 4)), uniform((3, 5))], {"transB": 1}, 9),
    Case("Gemm_scalar", "Gemm", [uniform((3, 4)), uniform((4, 5)), uniform(())], {"beta": -1.0}, 11),
]

CASES += CONVOLUTIONS + POOLS + SOFTMAXES + PRODUCTS

U8, I8, I16, U16, I32 = np.uint8, np.int8, np.int16, np.uint16, np.int32


def whole(shape, dtype, low=None, high=None):
    info = np.iinfo(dtype)
    return uniform(shape, info.min if low is None else low, info.max if high is None else high, dtype)


def int4(shape, dtype):
    """4-bit integers in the form that ml_dtypes gives them."""
    import ml_dtypes
    kind = {"int4": ml_dtypes.int4, "uint4": ml_dtypes.uint4}[dtype]
    low, high = (-8, 7) if dtype == "int4" else (0, 15)
    return lambda generator: generator.integers(low, high, size=shape, endpoint=True).astype(kind)


QUANTIZATIONS = [
    Case("QuantizeLinear_10_u8", "QuantizeLinear", [uniform((2, 3, 7), -5, 5), F(0.03), U8(120)], {}, 10),
    Case("QuantizeLinear_13_i8", "QuantizeLinear", [uniform((2, 3, 7), -5, 5), F(0.03), I8(-7)], {}, 13),
    Case("QuantizeLinear_13_default", "QuantizeLinear", [uniform((2, 3, 7), -5, 5), F(0.03)], {}, 13),
    Case("QuantizeLinear_13_ties", "QuantizeLinear",
         [np.arange(-9, 9).astype(F) / 2, F(1), I8(1)], {}, 13),
    Case("QuantizeLinear_13_axis", "QuantizeLinear",
         [uniform((2, 3, 7), -5, 5), uniform((3,), 0.01, 0.1), whole((3,), U8)], {"axis": 1}, 13),
    Case("QuantizeLinear_13_last_axis", "QuantizeLinear",
         [uniform((2, 3, 7), -5, 5), uniform((7,), 0.01, 0.1), whole((7,), I8)], {"axis": -1}, 13),
    Case("QuantizeLinear_21_i16", "QuantizeLinear",
         [uniform((2, 3, 7), -5, 5), F(0.0003), I16(-70)], {}, 21),
    Case("QuantizeLinear_21_u16_axis", "QuantizeLinear",
         [uniform((2, 3, 7), -5, 5), uniform((3,), 0.0001, 0.001), whole((3,), U16)], {"axis": 1}, 21),
    Case("QuantizeLinear_21_block", "QuantizeLinear",
         [uniform((2, 6, 3), -5, 5), uniform((2, 3, 3), 0.01, 0.1), whole((2, 3, 3), I8)],
         {"axis": 1, "block_size": 2}, 21),
    Case("QuantizeLinear_21_block_last", "QuantizeLinear",
         [uniform((4, 7), -5, 5), uniform((4, 3), 0.01, 0.1)],
         {"axis": 1, "block_size": 3, "output_dtype": 3}, 21),
    Case("DequantizeLinear_10_u8", "DequantizeLinear", [whole((2, 3, 7), U8), F(0.03), U8(120)], {}, 10),
    Case("DequantizeLinear_10_i32", "DequantizeLinear", [whole((2, 3, 7), I32, -9999, 9999), F(0.03)], {}, 10),
    Case("DequantizeLinear_13_axis0", "DequantizeLinear",
         [whole((4, 2, 3, 3), I8), uniform((4,), 0.01, 0.1), whole((4,), I8)], {"axis": 0}, 13),
    Case("DequantizeLinear_13_i32_axis", "DequantizeLinear",
         [whole((4,), I32, -9999, 9999), uniform((4,), 0.01, 0.1)], {"axis": 0}, 13),
    Case("DequantizeLinear_21_u16", "DequantizeLinear", [whole((5,), U16), F(0.03), U16(999)], {}, 21),
    Case("DequantizeLinear_21_i16", "DequantizeLinear", [whole((5,), I16), F(0.03), I16(-999)], {}, 21),
    Case("DequantizeLinear_21_block", "DequantizeLinear",
         [whole((6, 4), I8), uniform((3, 4), 0.01, 0.1), whole((3, 4), I8)], {"axis": 0, "block_size": 2}, 21),
    Case("DequantizeLinear_21_int4", "DequantizeLinear",
         [int4((3, 5), "int4"), F(0.3), int4((), "int4")], {}, 21, constants=(0, 1, 2)),
    Case("DequantizeLinear_21_uint4_block", "DequantizeLinear",
         [int4((3, 7), "uint4"), uniform((3, 3), 0.1, 1), int4((3, 3), "uint4")],
         {"axis": 1, "block_size": 3}, 21, constants=(0, 1, 2)),
    Case("DynamicQuantizeLinear", "DynamicQuantizeLinear", [uniform((3, 40), -2, 5)], {}, 11, 3),
    Case("DynamicQuantizeLinear_positive", "DynamicQuantizeLinear", [uniform((3, 9), 1, 5)], {}, 11, 3),
    Case("DynamicQuantizeLinear_negative", "DynamicQuantizeLinear", [uniform((3, 9), -5, -1)], {}, 11, 3),
    Case("DynamicQuantizeLinear_zero", "DynamicQuantizeLinear", [np.zeros((3, 2), F)], {}, 11, 3),
]


def qconv(name, x, w, bias=True, xType=U8, wType=I8, yType=U8, perChannel=False, **attributes):
    scales = uniform((w[0],), 0.001, 0.01) if perChannel else F(0.004)
    zeros = np.zeros((w[0],) if perChannel else (), wType) if wType == I8 else wType(131)
    inputs = [whole(x, xType), F(0.02), xType(100), whole(w, wType), scales, zeros, F(0.9), yType(90)]
    if bias:
        inputs.append(whole((w[0],), I32, -3000, 3000))
    return Case(f"QLinearConv_{name}", "QLinearConv", inputs, attributes, 10,
                constants=tuple(range(1, len(inputs))))


def convInteger(name, x, w, xZero=None, wZero=None, xType=U8, wType=I8, **attributes):
    inputs = [whole(x, xType), whole(w, wType), xZero, wZero]
    while inputs[-1] is None:
        inputs.pop()
    return Case(f"ConvInteger_{name}", "ConvInteger", inputs, attributes, 10, constants=(1, 3))


INTEGERS = [
    convInteger("plain", (1, 3, 6, 7), (4, 3, 3, 3), wType=U8),
    convInteger("zeros", (2, 3, 6, 7), (4, 3, 3, 3), U8(120), U8(131), wType=U8, pads=[1, 1, 1, 1], strides=[2, 2]),
    convInteger("signed_weights", (1, 5, 6, 7), (9, 5, 1, 1), U8(20), I8(0)),
    convInteger("depthwise", (1, 5, 6, 7), (5, 1, 3, 3), U8(20), U8(99), wType=U8, group=5, pads=[1, 1, 1, 1]),
    convInteger("groups", (1, 6, 6, 7), (4, 3, 3, 3), U8(20), U8(99), wType=U8, group=2),
    convInteger("1d", (1, 6, 9), (4, 6, 3), U8(20), U8(99), wType=U8, pads=[1, 1]),
    qconv("3x3", (1, 5, 7, 9), (6, 5, 3, 3), pads=[1, 1, 1, 1]),
    qconv("channels", (2, 5, 7, 9), (6, 5, 3, 3), perChannel=True, pads=[1, 1, 1, 1], strides=[2, 2]),
    qconv("signed", (1, 5, 7, 9), (6, 5, 1, 1), perChannel=True, xType=I8, yType=I8),
    qconv("unsigned", (1, 5, 7, 9), (6, 5, 1, 1), wType=U8, bias=False),
    qconv("depthwise", (1, 6, 7, 9), (6, 1, 3, 3), perChannel=True, xType=I8, yType=I8, group=6, pads=[1, 1, 1, 1]),
]

CASES += QUANTIZATIONS + INTEGERS
