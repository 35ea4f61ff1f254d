"""Cases for the operators that move data or calculate; see make_operator_goldens.py."""

import numpy as np
from onnx import TensorProto, helper

from make_operator_goldens import Case, uniform

F, D, H, L, I, B = np.float32, np.float64, np.float16, np.int64, np.int32, np.bool_


def ints(*values, dtype=L):
    return np.array(values, dtype)


def scalar(value, dtype=F):
    return np.array(value, dtype)


def booleans(*shape):
    return lambda generator: generator.integers(0, 2, size=shape).astype(B)


def numbers(shape, dtype, low=1, high=9):
    return uniform(shape, low, high, dtype)


BINARY_SHAPES = [((2, 3, 5), (2, 3, 5)), ((2, 3, 5), (3, 1)), ((1, 3, 1), (2, 1, 5)), ((), (4,)), ((2, 17), (1,))]


def binary(op, opset=14, dtypes=(F, D, I, L), shapes=BINARY_SHAPES, low=1, high=9, **attributes):
    cases = []
    for dtype in dtypes:
        for index, (a, b) in enumerate(shapes if dtype is dtypes[0] else shapes[1:2]):
            name = f"{op}_{opset}_{np.dtype(dtype).name}_{index}" + "".join(map(str, attributes.values()))
            cases.append(Case(name, op, [numbers(a, dtype, low, high), numbers(b, dtype, low, high)], attributes, opset))
    return cases


ARITHMETIC = [
    *binary("Add", 7), *binary("Add"), *binary("Sub"), *binary("Mul"),
    *binary("Div", low=-9, high=-1), *binary("Div", 7, (F,)),
    *binary("Pow", 12, (F,), high=3), *binary("Pow", 15, (D, I, L), high=4),
    Case("Pow_int_exponent", "Pow", [uniform((2, 3), -2, 2), ints(2)], opset=15),
    Case("Pow_half", "Pow", [uniform((2, 3), 0, 2), scalar(0.5)], opset=13),
    *binary("Mod", 13, (I, L), low=-9, high=-2), *binary("Mod", 13, (F, I), fmod=1),
    Case("Mod_signs", "Mod", [ints(-7, 7, -7, 7, 6), ints(3, -3, -3, 3, -3)], opset=13),
    Case("Mod_signs_fmod", "Mod", [ints(-7, 7, -7, 7, 6), ints(3, -3, -3, 3, -3)], {"fmod": 1}, 13),
    Case("Div_signs", "Div", [ints(-7, 7, -7, 7, 6), ints(3, -3, -3, 3, -3)]),
    *[Case(f"{op}_{n}_{opset}", op, [uniform((3, 1, 5)), uniform((4, 1)), uniform((5,))][:n], opset=opset)
      for op in ("Sum", "Mean", "Min", "Max") for n in (1, 2, 3) for opset in (8, 13)],
    *[Case(f"{op}_nan", op, [np.array([np.nan, 1, np.nan, 2, 0, 1, 2, 3, 4], F), np.array([1, np.nan, np.nan, 3, 1, 0, np.nan, 2, 9], F)])
      for op in ("Min", "Max")],
    *binary("Min", 13, (D, I, L)), *binary("Max", 13, (D, I, L)),
    *binary("BitwiseAnd", 18, (I, np.uint8)), *binary("BitwiseOr", 18, (I,)), *binary("BitwiseXor", 18, (I,)),
    *binary("BitShift", 11, (np.uint8, np.uint32), high=5, direction="LEFT"),
    *binary("BitShift", 11, (np.uint64,), high=5, direction="RIGHT"),
    Case("BitwiseNot_int32", "BitwiseNot", [numbers((3, 4), I)], opset=18),
]


def unary(op, opset=13, low=-4.0, high=4.0, dtypes=(F,)):
    return [Case(f"{op}_{opset}_{np.dtype(dtype).name}", op, [uniform((2, 3, 5), low, high, dtype)], opset=opset)
            for dtype in dtypes]


UNARY = [
    *unary("Neg", dtypes=(F, D, I, L, np.int8)), *unary("Abs", dtypes=(F, D, I, L, np.uint8), low=0),
    *unary("Abs", 6), *unary("Sign", dtypes=(F, D, I, L)), *unary("Exp", 6), *unary("Exp", dtypes=(F, D)),
    *unary("Log", low=0.1), *unary("Sqrt", low=0, dtypes=(F, D)), *unary("Reciprocal", low=1, dtypes=(F, D)),
    *unary("Floor", dtypes=(F, D)), *unary("Ceil"), *unary("Erf"), *unary("Sin", 7), *unary("Cos", 7),
    *unary("Tan", 7, -1, 1), *unary("Asin", 7, -1, 1), *unary("Acos", 7, -1, 1), *unary("Atan", 7),
    *unary("Sinh", 9), *unary("Cosh", 9), *unary("Asinh", 9), *unary("Acosh", 9, 1), *unary("Atanh", 9, -0.9, 0.9),
    Case("Round_halves", "Round", [np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.4, -2.6], F)], opset=11),
    Case("Sign_zero", "Sign", [np.array([-2.5, 0, 3], F)], opset=13),
    Case("IsNaN_9", "IsNaN", [np.array([1, np.nan, np.inf], F)], opset=13),
    *[Case(f"IsInf_{n}{p}", "IsInf", [np.array([1, np.nan, np.inf, -np.inf], F)],
           {"detect_negative": n, "detect_positive": p}, 10) for n in (0, 1) for p in (0, 1)],
]

LOGIC = [
    *[case for op in ("Less", "Greater") for case in binary(op, 9, (F, D, I, L), high=3)],
    *[case for op in ("LessOrEqual", "GreaterOrEqual") for case in binary(op, 16, (F, D, I, L), high=3)],
    *binary("Equal", 13, (F, D, I, L), high=3),
    Case("Equal_bool", "Equal", [booleans(2, 3), booleans(3)], opset=13),
    Case("Less_nan", "Less", [np.array([np.nan, 1, 2], F), np.array([1, np.nan, 3], F)], opset=13),
    *[Case(f"{op}_7", op, [booleans(2, 3, 4), booleans(3, 1)], opset=7) for op in ("And", "Or", "Xor")],
    Case("Not_1", "Not", [booleans(2, 3)], opset=7),
    *[Case(f"Where_{np.dtype(t).name}", "Where", [booleans(2, 1, 4), numbers((3, 1), t), numbers((), t)], opset=16)
      for t in (F, D, I, L, np.uint8)],
    Case("Where_rows", "Where", [booleans(2, 3, 4), uniform((2, 3, 4)), uniform((2, 3, 4))], opset=9),
]

CASTABLE = {"FLOAT": F, "DOUBLE": D, "FLOAT16": H, "INT8": np.int8, "INT16": np.int16, "INT32": I, "INT64": L,
            "UINT8": np.uint8, "UINT16": np.uint16, "UINT32": np.uint32, "UINT64": np.uint64, "BOOL": B}


def castable(dtype):
    values = [0, 1, 2, 3, 100, 127]
    if np.issubdtype(dtype, np.floating):
        values += [-0.5, 1.5, 2.5, 0.49, 99.99, 1 / 3]
    elif np.issubdtype(dtype, np.signedinteger):
        values += [-1, -128]
    elif dtype is not B:
        values += [200, 255]
    return np.array(values).astype(dtype)


CAST = [
    *[Case(f"Cast_{a}_{b}", "Cast", [castable(CASTABLE[a])], {"to": getattr(TensorProto, b)}, 13, tolerance="exact")
      for a in CASTABLE for b in CASTABLE
      if not (b.startswith("UINT") and not a.startswith("UINT") and a != "BOOL") or a.startswith("INT")],
    Case("Cast_wraps", "Cast", [ints(300, -1, -129, 2**40, 2**33 + 5)], {"to": TensorProto.INT8}, 13),
    Case("Cast_large_reals", "Cast", [np.array([300.7, -1.5, -129, 255.9, 1e5, -1e10, np.nan, np.inf], F)],
         {"to": TensorProto.INT32}, 13),
    Case("Cast_large_reals_uint8", "Cast", [np.array([300.7, -1.5, -129, 255.9, 70000], F)],
         {"to": TensorProto.UINT8}, 13),
    Case("Cast_half_rounding", "Cast", [uniform((40,), -70000, 70000)], {"to": TensorProto.FLOAT16}, 13, tolerance="exact"),
    Case("CastLike_15", "CastLike", [uniform((2, 3), -9, 9), ints(1)], opset=15),
]

SHAPES = [
    *[Case(f"Reshape_{i}", "Reshape", [uniform((2, 3, 4)), ints(*s)], opset=o, constants=(1,))
      for i, (s, o) in enumerate([((4, 6), 7), ((-1,), 9), ((0, -1), 13), ((2, 0, 2, -1), 13), ((0, 0, 0), 14), ((24, 1, 1), 19)])],
    Case("Reshape_allowzero", "Reshape", [np.zeros((0, 3), F), ints(3, 0)], {"allowzero": 1}, 14, constants=(1,)),
    Case("Reshape_zero_kept", "Reshape", [np.zeros((0, 3), F), ints(0, 3, 1)], opset=14, constants=(1,)),
    Case("Reshape_scalar", "Reshape", [uniform((1, 1)), np.zeros(0, L)], opset=13, constants=(1,)),
    *[Case(f"Flatten_{a}".replace("-", "m"), "Flatten", [uniform((2, 3, 4, 5))], {"axis": a}, 13) for a in (0, 1, 3, 4, -1, -2)],
    Case("Squeeze_all", "Squeeze", [uniform((1, 3, 1, 2))], opset=11),
    Case("Squeeze_attribute", "Squeeze", [uniform((1, 3, 1, 2))], {"axes": [0, -2]}, 11),
    Case("Squeeze_input", "Squeeze", [uniform((1, 3, 1, 2)), ints(2)], opset=13, constants=(1,)),
    Case("Unsqueeze_attribute", "Unsqueeze", [uniform((3, 2))], {"axes": [0, 3]}, 11),
    Case("Unsqueeze_input", "Unsqueeze", [uniform((3, 2)), ints(-1, 1)], opset=13, constants=(1,)),
    Case("Identity_13", "Identity", [uniform((3, 2))], opset=13),
    *[Case(f"Shape_{i}", "Shape", [uniform((2, 3, 4, 5))], a, 15) for i, a in enumerate(
        [{}, {"start": 1}, {"end": -1}, {"start": -3, "end": 3}, {"start": 3, "end": 1}, {"end": 9}])],
    Case("Shape_9", "Shape", [uniform((2, 3))], opset=9),
    Case("Size_13", "Size", [uniform((2, 3))], opset=13),
    Case("ConstantOfShape_9", "ConstantOfShape", [ints(2, 3)], opset=9, constants=(0,)),
    Case("ConstantOfShape_empty", "ConstantOfShape", [ints(2, 0)], opset=20, constants=(0,)),
]


def transposed(shape, perm, dtype=F, opset=13):
    name = f"Transpose_{'x'.join(map(str, shape))}_{''.join(map(str, perm))}_{np.dtype(dtype).name}"
    return Case(name, "Transpose", [numbers(shape, dtype)], {"perm": perm}, opset)


def sliced(name, shape, starts, ends, axes=None, steps=None, opset=13, dtype=L):
    if opset < 10:
        attributes = {"starts": starts, "ends": ends} | ({"axes": axes} if axes else {})
        return Case(f"Slice_{name}", "Slice", [uniform(shape)], attributes, opset)
    inputs = [uniform(shape), *[None if v is None else ints(*v, dtype=dtype) for v in (starts, ends, axes, steps)]]
    while inputs[-1] is None:
        inputs.pop()
    return Case(f"Slice_{name}", "Slice", inputs, opset=opset, constants=(1, 2, 3, 4))


def split(name, extents, opset, outputs, shape=(2, 6, 3), **attributes):
    inputs = [uniform(shape)]
    if extents and opset < 13:
        attributes["split"] = extents
    elif extents:
        inputs.append(ints(*extents))
    return Case(f"Split_{name}", "Split", inputs, attributes, opset, outputs, constants=(1,))


MAX = 2**63 - 1
MOVES = [
    *[transposed((2, 3, 4, 5), perm) for perm in ([0, 2, 3, 1], [0, 3, 1, 2], [3, 2, 1, 0], [0, 1, 2, 3], [1, 0, 2, 3], [0, 1, 3, 2], [2, 3, 0, 1])],
    *[transposed((3, 17, 33), [0, 2, 1], t) for t in (F, D, np.uint8, H)],
    transposed((1, 2, 3, 4, 1), [4, 0, 1, 3, 2]), transposed((1, 5, 1, 4), [0, 3, 2, 1]),
    Case("Transpose_default", "Transpose", [uniform((2, 3, 4))], opset=13),
    Case("Transpose_shuffle", "Transpose", [uniform((1, 2, 4, 3, 3))], {"perm": [0, 2, 1, 3, 4]}, 13),
    *[Case(f"Concat_{a}_{np.dtype(t).name}".replace("-", "m"), "Concat",
           [numbers((2, 3, 4), t), numbers((2, 3, 4), t), numbers((2, 3, 4), t)], {"axis": a}, 13)
      for a, t in ((0, F), (1, F), (-1, F), (2, L), (1, np.uint8))],
    Case("Concat_sizes", "Concat", [uniform((1, 2, 3)), uniform((1, 0, 3)), uniform((1, 5, 3))], {"axis": 1}, 11),
    split("equal_2", None, 7, 3, axis=1), split("sizes_2", [1, 3, 2], 7, 3, axis=1),
    split("sizes_11", [2, 4], 11, 2, axis=-2), split("equal_13", None, 13, 2), split("sizes_13", [1, 5], 13, 2, axis=1),
    split("equal_18", None, 18, 2, axis=1, num_outputs=2), split("smaller_last", None, 18, 4, (7, 2), num_outputs=4),
    split("sizes_18", [3, 3, 0], 18, 3, axis=1),
    sliced("9", (4, 6), [1, 0], [3, MAX], opset=9), sliced("9_axes", (4, 6), [-3], [-1], [1], opset=9),
    sliced("10", (4, 6, 3), [1], [5], [1], [2], 10), sliced("default", (4, 6), [1, 2], [3, 9]),
    sliced("backwards", (4, 6), [-1, 5], [-2**63, 1], [0, 1], [-1, -2]), sliced("clamped", (4, 6), [-99, 2], [99, 99], [0, 1], [1, 3]),
    sliced("empty", (4, 6), [3], [1], [0]), sliced("rows", (1, 8, 3), [2], [6], [1]), sliced("int32", (4, 6), [1], [3], [-1], [1], dtype=I),
    sliced("large_step", (4, 6), [0, 5], [MAX, 0], [0, 1], [MAX, -2**62]),
    *[sliced(f"focus_{y}{x}", (1, 3, 6, 8), [y, x], [MAX, MAX], [2, 3], [2, 2]) for y in (0, 1) for x in (0, 1)],
    *[Case(f"Gather_{i}", "Gather", [uniform((3, 4, 5)), np.array(index, t)], {"axis": axis}, 13)
      for i, (axis, index, t) in enumerate([(0, [0, 2], L), (1, [[3, -1], [0, 1]], L), (-1, 2, L), (2, [4, 0, 0], I), (0, [], L), (0, -1, I)])],
    Case("Gather_int64", "Gather", [numbers((6,), L), ints(2, 5)], {"axis": 0}, 13, constants=(1,)),
    Case("Gather_uint8", "Gather", [numbers((3, 7), np.uint8), ints(2, 5)], {"axis": 1}, 13, constants=(1,)),
    *[Case(f"Expand_{i}", "Expand", [uniform(a), ints(*b)], opset=13, constants=(1,))
      for i, (a, b) in enumerate([((3, 1), (2, 3, 4)), ((3, 1), (1,)), ((), (2, 2)), ((2, 3), (2, 3)), ((1, 5), (0, 5))])],
    *[Case(f"Tile_{i}", "Tile", [uniform(a), ints(*b)], opset=13, constants=(1,))
      for i, (a, b) in enumerate([((2, 3), (2, 2)), ((1, 2, 3, 1), (2, 1, 1, 3)), ((3,), (0,)), ((2, 3), (1, 1))])],
    *[Case(f"DepthToSpace_{m}", "DepthToSpace", [uniform((2, 12, 2, 3))], {"blocksize": 2, "mode": m}, 13) for m in ("DCR", "CRD")],
    Case("DepthToSpace_7", "DepthToSpace", [uniform((1, 9, 2, 3))], {"blocksize": 3}, 7),
    Case("SpaceToDepth_7", "SpaceToDepth", [uniform((2, 3, 4, 6))], {"blocksize": 2}, 7),
]


def padded(name, shape, pads, mode="constant", opset=13, value=None, axes=None, dtype=F):
    if opset < 11:
        attributes = {"pads": pads, "mode": mode} | ({} if value is None else {"value": value})
        return Case(f"Pad_{name}", "Pad", [uniform(shape)], attributes, opset)
    inputs = [numbers(shape, dtype), ints(*pads), None if value is None else scalar(value, dtype),
              None if axes is None else ints(*axes)]
    while inputs[-1] is None:
        inputs.pop()
    return Case(f"Pad_{name}", "Pad", inputs, {"mode": mode}, opset, constants=(1, 3))


PADS = [
    padded("2", (2, 3), [0, 1, 2, 0], opset=7, value=1.5), padded("2_reflect", (4, 5), [1, 2, 2, 1], "reflect", 10),
    padded("11", (1, 2, 3, 4), [0, 0, 1, 1, 0, 0, 1, 1], opset=11), padded("value", (2, 3), [1, 0, 0, 2], value=-7),
    padded("int64", (2, 3), [1, 0, 0, 2], value=-7, dtype=L), padded("negative", (4, 5), [-1, 2, 1, -2]),
    padded("uint8", (2, 3), [1, 0, 0, 2], value=7, dtype=np.uint8),
    padded("axes", (2, 3, 4), [1, 2, 0, 1], opset=18, axes=[-1, 0]),
    *[padded(f"{mode}_18", (3, 4), [1, 2, 2, 1], mode, 18) for mode in ("reflect", "edge")],
    padded("edge_far", (2, 3), [4, 0, 0, 5], "edge"), padded("edge_double", (2, 3), [1, 1, 1, 1], "edge", dtype=D),
    padded("wrap_19", (3, 4), [1, 2, 2, 1], "wrap", 19), padded("wrap_far", (2, 3), [1, 3, 2, 2], "wrap", 19),
    padded("edge_negative", (4, 5), [-1, 2, 1, -2], "edge"), padded("none", (2, 3), [0, 0, 0, 0]),
]

CASES = [*ARITHMETIC, *UNARY, *LOGIC, *CAST, *SHAPES, *MOVES, *PADS]
