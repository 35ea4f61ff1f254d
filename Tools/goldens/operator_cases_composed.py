"""Cases for operators that ONNX composes of others, and for those of detectors' heads; see make_operator_goldens.py."""

import numpy as np

from make_operator_goldens import Case, uniform

F, D, L, B = np.float32, np.float64, np.int64, np.bool_


def ints(*values):
    return np.array(values, L)


def booleans(*shape):
    return lambda generator: generator.integers(0, 2, size=shape).astype(B)


def attention(name, q, k, v=None, mask=None, past=None, outputs=1, dtype=F, **attributes):
    inputs = [uniform(s, -1.5, 1.5, dtype) for s in (q, k, v or k)]
    if mask is not None or past is not None:
        inputs.append(mask)
    if past is not None:
        inputs += [uniform(past, -1, 1, dtype), uniform(past, -1, 1, dtype)]
    return Case(f"Attention_{name}", "Attention", inputs, attributes, 23, outputs)


ATTENTION = [
    attention("plain", (2, 3, 4, 8), (2, 3, 6, 8), (2, 3, 6, 5)),
    attention("double", (1, 2, 3, 4), (1, 2, 3, 4), dtype=D),
    attention("packed_grouped", (2, 4, 24), (2, 6, 8), (2, 6, 10), q_num_heads=6, kv_num_heads=2),
    attention("causal", (1, 2, 5, 4), (1, 2, 5, 4), is_causal=1, scale=0.3),
    attention("boolean_mask", (2, 2, 3, 4), (2, 2, 5, 4), mask=booleans(3, 5)),
    attention("mask_of_heads", (2, 2, 3, 4), (2, 2, 5, 4), mask=uniform((2, 1, 3, 5), -2, 2)),
    attention("past", (1, 2, 2, 4), (1, 2, 3, 4), past=(1, 2, 4, 4), outputs=3),
    attention("capped", (1, 2, 3, 4), (1, 2, 5, 4), softcap=0.7, outputs=4, qk_matmul_output_mode=0),
    attention("probabilities", (1, 2, 3, 4), (1, 2, 5, 4), outputs=4, qk_matmul_output_mode=3),
]


def grid(name, x, grid, opset=16, low=-1.3, high=1.3, **attributes):
    return Case(f"GridSample_{name}", "GridSample", [uniform(x), uniform(grid, low, high)], attributes, opset, constants=(1,))


GRIDS = [
    grid(f"{mode}_{padding}_{align}_{opset}", (2, 3, 5, 7), (2, 4, 3, 2), opset, mode=mode, padding_mode=padding, align_corners=align)
    for opset, modes in ((16, ("bilinear", "nearest", "bicubic")), (20, ("linear", "nearest", "cubic")))
    for mode in modes for padding in ("zeros", "border", "reflection") for align in (0, 1) if opset == 16 or align == 0
] + [
    grid("far", (1, 2, 3, 4), (1, 5, 5, 2), low=-9, high=9, padding_mode="reflection"),
    grid("one_element", (1, 2, 1, 1), (1, 2, 2, 2), padding_mode="reflection", align_corners=1),
    *[grid(f"volume_{mode}_{padding}", (1, 2, 3, 4, 5), (1, 2, 3, 2, 3), 20, mode=mode, padding_mode=padding)
      for mode in ("linear", "nearest") for padding in ("zeros", "border", "reflection")],
]

AFFINE = [
    Case(f"AffineGrid_{len(size)}_{align}", "AffineGrid", [uniform((size[0], len(size) - 2, len(size) - 1)), ints(*size)],
         {"align_corners": align}, 20, constants=(1,))
    for size in ((2, 3, 4, 5), (1, 2, 3, 2, 4)) for align in (0, 1)
]

EQUATIONS = [
    ("ij,jk->ik", (3, 4), (4, 5)), ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)), ("bchw,bkc->bkhw", (2, 5, 3, 4), (2, 6, 5)),
    ("ij,jk", (3, 4), (4, 5)), ("i,j->ij", (3,), (4,)), ("ij->ji", (3, 4)), ("ij->", (3, 4)), ("ii->i", (4, 4)),
    ("ii", (4, 4)), ("...ij,...jk->...ik", (2, 1, 3, 4), (1, 5, 4, 2)), ("b...->...b", (3, 2, 4)),
    ("ij,kl->il", (2, 3), (4, 5)), ("ijk,jil,kl->il", (2, 3, 4), (3, 2, 5), (4, 5)),
    ("bnqd,bnkd->bnqk", (1, 2, 3, 4), (1, 2, 5, 4)), ("i,i->", (6,), (6,)), ("a b , b c -> a c", (2, 3), (3, 2)),
]
EINSUM = [
    *[Case(f"Einsum_{i}", "Einsum", [uniform(s) for s in shapes], {"equation": equation}, 12)
      for i, (equation, *shapes) in enumerate(EQUATIONS)],
    Case("Einsum_double", "Einsum", [uniform((3, 4), dtype=D), uniform((4, 2), dtype=D)], {"equation": "ij,jk->ik"}, 12),
    Case("Einsum_int64", "Einsum", [uniform((3, 4), -9, 9, L), uniform((4, 2), -9, 9, L)], {"equation": "ij,jk->ik"}, 12),
]


def regions(generator):
    corners = generator.uniform(-2, 14, size=(6, 2, 2)).astype(F)
    return np.concatenate([corners.min(1), corners.max(1)], -1)


def roi(name, opset=16, **attributes):
    return Case(f"RoiAlign_{name}", "RoiAlign", [uniform((2, 3, 9, 11)), regions, ints(0, 1, 1, 0, 1, 0)],
                {"output_height": 3, "output_width": 2, **attributes}, opset)


def deform(name, x, w, out, groups=1, bias=False, mask=False, **attributes):
    taps = groups * w[2] * w[3]
    inputs = [uniform(x), uniform(w), uniform((x[0], 2 * taps, *out), -2.5, 2.5)]
    if bias or mask:
        inputs.append(uniform((w[0],)) if bias else None)
    if mask:
        inputs.append(uniform((x[0], taps, *out), 0))
    return Case(f"DeformConv_{name}", "DeformConv", inputs, {"offset_group": groups, **attributes}, 19)


HEADS = [
    roi("mean", sampling_ratio=2), roi("adaptive", spatial_scale=0.7), roi("old", 10, sampling_ratio=2, spatial_scale=0.5),
    roi("corner", coordinate_transformation_mode="output_half_pixel"), roi("largest", mode="max", sampling_ratio=1),
    deform("plain", (1, 3, 6, 7), (4, 3, 3, 3), (4, 5)),
    deform("padded", (2, 4, 5, 6), (6, 4, 3, 3), (3, 3), groups=2, bias=True, mask=True, pads=[1, 1, 1, 1], strides=[2, 2]),
    deform("groups", (1, 4, 6, 6), (6, 2, 2, 3), (5, 2), bias=True, group=2, dilations=[1, 2]),
]


def rotary(name, x, rest, **attributes):
    return Case(f"RotaryEmbedding_{name}", "RotaryEmbedding", [uniform(x), *rest], attributes, 23, constants=(1, 2))


def tables(*shape):
    return [uniform(shape), uniform(shape)]


NORMALIZATIONS = [
    *[Case(f"RMSNormalization_{i}", "RMSNormalization", [uniform((2, 3, 4, 5)), uniform(scale)], attributes, 23)
      for i, (scale, attributes) in enumerate([((5,), {}), ((4, 5), {"axis": 2}), ((3, 4, 5), {"axis": 1, "epsilon": 0.01})])],
    *[Case(f"LpNormalization_{i}", "LpNormalization", [uniform((2, 3, 4))], attributes, 1)
      for i, attributes in enumerate([{}, {"p": 1}, {"axis": 0}, {"axis": 1, "p": 1}])],
    Case("MeanVarianceNormalization", "MeanVarianceNormalization", [uniform((2, 3, 4, 5))], opset=13),
    Case("MeanVarianceNormalization_axes", "MeanVarianceNormalization", [uniform((2, 3, 4, 5))], {"axes": [1, 2, 3]}, 13),
    rotary("halves", (2, 3, 4, 8), tables(2, 4, 4)),
    rotary("places", (2, 3, 4, 8), [*tables(9, 4), np.arange(8, dtype=L).reshape(2, 4)], interleaved=1),
    rotary("packed", (2, 4, 24), tables(2, 4, 4), num_heads=3),
]

CHOICES = [
    Case("Shrink", "Shrink", [uniform((3, 9), -2, 2)], {"lambd": 0.6, "bias": 0.2}, 9),
    Case("Shrink_default", "Shrink", [uniform((3, 9), -2, 2)], opset=9),
    *[Case(f"Hardmax_{opset}_{axis}", "Hardmax", [uniform((2, 3, 4))], {"axis": axis}, opset) for opset in (11, 13) for axis in (0, 1, 2)],
    Case("Hardmax_ties", "Hardmax", [np.array([[1, 3, 3], [2, 2, 0]], F)], opset=13),
    Case("ReverseSequence_time", "ReverseSequence", [uniform((4, 3, 2)), ints(4, 0, 2)], opset=10),
    Case("ReverseSequence_batch", "ReverseSequence", [uniform((3, 4)), ints(1, 3, 4)], {"batch_axis": 0, "time_axis": 1}, 10),
    Case("Unique_all", "Unique", [np.array([2, 1, 1, 3, 4, 3], F)], opset=11, outputs=4),
    Case("Unique_order", "Unique", [np.array([2, 1, 1, 3, 4, 3], L)], {"sorted": 0}, 11, 4),
    Case("Unique_axis", "Unique", [np.array([[1, 0, 0], [1, 0, 0], [2, 3, 4]], F)], {"axis": 0}, 11, 4),
    Case("Unique_last", "Unique", [np.array([[1, 0, 1], [1, 0, 1], [2, 3, 2]], F)], {"axis": -1, "sorted": 0}, 11, 4),
]

CASES = [*ATTENTION, *GRIDS, *AFFINE, *EINSUM, *HEADS, *NORMALIZATIONS, *CHOICES]
