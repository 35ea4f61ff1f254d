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


def reduction(op, name, shape, axes=None, opset=13, dtype=F, low=1, high=4, since=18, **attributes):
    inputs = [numbers(shape, dtype, low, high)]
    if axes is not None and opset < since:
        attributes["axes"] = axes
    elif axes is not None:
        inputs.append(np.array(axes, L))
    return Case(f"{op}_{name}", op, inputs, attributes, opset, constants=(1,))


def reductions(op, since=18):
    return [
        reduction(op, "all", (2, 3, 4), since=since),
        reduction(op, "last", (2, 3, 9), [-1], 13, since=since),
        reduction(op, "first", (3, 2, 70), [0], 11, since=since, keepdims=0),
        reduction(op, "middle", (2, 3, 4, 5), [1], 18, since=since),
        reduction(op, "plane", (2, 3, 4, 5), [2, 3], 18, since=since, keepdims=0),
        reduction(op, "outer_inner", (2, 3, 4, 5), [0, 2], 18, since=since),
        reduction(op, "everyone", (2, 3, 4), [0, 1, 2], 18, since=since),
        reduction(op, "nothing", (2, 3), None, 18, since=since, noop_with_empty_axes=1),
        reduction(op, "empty_axes", (2, 3), [], 18, since=since, noop_with_empty_axes=0),
        *([] if op.startswith("ReduceL") or op == "ReduceProd" else [reduction(op, "double", (2, 3, 4), [1], 13, D, since=since)]),
        *[reduction(op, np.dtype(t).name, (2, 3, 4), [1], 13, t, since=since) for t in (I, L)],
    ]


REDUCTIONS = [
    *[case for op in ("ReduceMax", "ReduceMin", "ReduceMean", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare",
                      "ReduceLogSum", "ReduceLogSumExp") for case in reductions(op)],
    *reductions("ReduceSum", 13),
    Case("ReduceMean_negative_int", "ReduceMean", [ints(-7, -2, 4, -8, dtype=I)], opset=13),
    Case("ReduceLogSumExp_large", "ReduceLogSumExp", [np.array([[1000, 1001], [-1000, -999]], F)], {"axes": [1]}, 13),
    Case("ReduceMax_empty", "ReduceMax", [np.zeros((2, 0), F), ints(1)], opset=18, constants=(1,)),
    Case("ReduceSum_empty", "ReduceSum", [np.zeros((0, 2), F), ints(0)], opset=13, constants=(1,)),
    *[Case(f"{op}_{a}{k}{l}{o}".replace("-", "m"), op, [numbers((3, 4, 5), L if o == 11 else I, 0, 3)],
           {"axis": a, "keepdims": k} | ({"select_last_index": l} if o > 11 else {}), o)
      for op in ("ArgMax", "ArgMin") for a, k, l, o in ((0, 1, 0, 13), (-1, 0, 0, 13), (1, 1, 1, 13), (2, 0, 1, 12))],
    *[Case(f"{op}_float", op, [uniform((2, 7, 3))], {"axis": 1}, 11) for op in ("ArgMax", "ArgMin")],
    *[Case(f"CumSum_{e}{r}_{np.dtype(t).name}", "CumSum", [numbers((2, 3, 4), t), np.array(a, L)], {"exclusive": e, "reverse": r}, 14)
      for e, r, a, t in ((0, 0, 1, F), (1, 0, -1, D), (0, 1, 0, I), (1, 1, 2, L))],
]

ELEMENTS = [
    *[Case(f"GatherElements_{i}", "GatherElements", [numbers((3, 4, 5), t), uniform(s, -3, 2, L)], {"axis": a}, 13)
      for i, (s, a, t) in enumerate([((3, 4, 5), 0, F), ((3, 2, 5), 1, D), ((2, 4, 7), -1, np.uint8)])],
    *[Case(f"GatherND_{i}", "GatherND", [numbers(d, t), uniform(s, -2, 1, L)], {"batch_dims": b} if b is not None else {}, 13 if b is not None else 11)
      for i, (d, s, b, t) in enumerate([((2, 3, 4), (5, 2), None, F), ((2, 3, 4), (2, 3), None, L), ((2, 3, 4), (2, 1), 1, F),
                                        ((2, 3, 4), (2, 3, 1), 2, F), ((2, 3), (4, 1, 1), 0, np.uint8)])],
    *[Case(f"ScatterND_{r}_{i}", "ScatterND", [numbers((4, 5, 6), t), ix, numbers(u, t)], {"reduction": r}, o)
      for r, o in (("add", 16), ("mul", 16), ("min", 18), ("max", 18))
      for i, (ix, u, t) in enumerate([(np.array([[0], [2], [0]], L), (3, 5, 6), F), (np.array([[[1, 2], [-1, 0]]], L), (1, 2, 6), D)])],
    Case("ScatterND_11", "ScatterND", [numbers((4, 5), F), np.array([[1], [3]], L), numbers((2, 5), F)], opset=11),
    Case("ScatterND_int64", "ScatterND", [numbers((6,), L), np.array([[1], [-1]], L), numbers((2,), L)], opset=13),
    *[Case(f"ScatterElements_{r}_{i}", "ScatterElements", [numbers((3, 4), t), ix, numbers(ix.shape, t)], {"axis": a, "reduction": r}, 18)
      for r in ("none", "add", "mul", "min", "max")
      for i, (ix, a, t) in enumerate([(np.array([[1, 0, 2, 0], [0, 2, 1, 2]], L), 0, F), (np.array([[1, -1], [0, 2]], I), 1, L if r != "none" else D)])],
    Case("ScatterElements_11", "ScatterElements", [numbers((3, 4), F), np.array([[1, 3]], L), numbers((1, 2), F)], {"axis": -1}, 11),
    Case("Scatter_9", "Scatter", [numbers((3, 4), F), np.array([[1, 2]], L), numbers((1, 2), F)], {"axis": 1}, 9),
    *[Case(f"Range_{i}", "Range", [scalar(v, t) for v in (a, b, c)], opset=11, constants=(0, 1, 2))
      for i, (a, b, c, t) in enumerate([(0, 5, 1, L), (10, 3, -3, L), (1, 1, 1, L), (0, 1, 0.3, F), (3, -1, -0.5, D), (5, 0, 1, I)])],
    *[Case(f"Trilu_{u}_{k}".replace("-", "m"), "Trilu", [uniform((2, 3, 4)), None if k is None else scalar(k, L)][:1 if k is None else 2], {"upper": u}, 14)
      for u in (0, 1) for k in (None, -1, 0, 2, 9, -9)],
    *[Case(f"EyeLike_{i}", "EyeLike", [np.zeros(s, t)], a, 9)
      for i, (s, t, a) in enumerate([((3, 4), F, {}), ((4, 3), L, {"k": 1}), ((3, 3), F, {"k": -2, "dtype": TensorProto.INT32}), ((2, 2), F, {"k": 7})])],
    *[Case(f"OneHot_{i}", "OneHot", [np.array(ix, t), scalar(5, L), np.array([0, 1] if v is L else [-1, 2], v)], {"axis": a}, 11, constants=(1,))
      for i, (ix, a, t, v) in enumerate([([0, 2, -1, 7, -6], -1, L, F), ([[1, 4], [0, 3]], 1, L, L), ([1, 2], 0, L, F)])],
    *[Case(f"NonZero_{np.dtype(t).name}", "NonZero", [numbers((2, 3, 4), t, 0, 1)], opset=13) for t in (L, I, np.uint8)],
    Case("NonZero_float", "NonZero", [np.array([[0, -0.0, 1], [2, 0, np.nan]], F)], opset=9),
    Case("NonZero_bool", "NonZero", [booleans(5)], opset=13), Case("NonZero_scalar", "NonZero", [np.array(3, F)], opset=13),
    Case("NonZero_none", "NonZero", [np.zeros((2, 3), F)], opset=13),
    *[Case(f"Compress_{i}", "Compress", [uniform((3, 4)), np.array(c, B)], {} if a is None else {"axis": a}, 11)
      for i, (c, a) in enumerate([([1, 0, 1], 0), ([0, 1], -1), ([0, 1, 0, 0, 1, 1], None)])],
    *[Case(f"TopK_{i}", "TopK", [numbers(s, t, 0, 6), ints(k)], a, o, 2, constants=(1,))
      for i, (s, t, k, a, o) in enumerate([((3, 9), F, 4, {}, 10), ((3, 9), L, 4, {"largest": 0}, 11), ((7, 3), F, 3, {"axis": 0}, 11),
                                           ((2, 5, 3), F, 5, {"axis": 1, "largest": 0}, 11), ((40,), D, 17, {}, 11), ((5,), F, 0, {}, 11)])],
    Case("TopK_ties", "TopK", [np.array([1, 3, 3, 2, 3, 1], F), ints(4)], opset=11, outputs=2, constants=(1,)),
    Case("TopK_7", "TopK", [uniform((3, 9))], {"axis": 1, "k": 2}, 9, 2),
]


def boxes(count, centred=False):
    def draw(generator):
        centres = generator.uniform(0, 20, size=(1, count, 2))
        sizes = generator.uniform(3, 9, size=(1, count, 2))
        parts = [centres, sizes] if centred else [centres - sizes / 2, centres + sizes / 2]
        return np.concatenate(parts, -1).astype(F)
    return draw


def suppression(name, inputs, **attributes):
    return Case(f"NonMaxSuppression_{name}", "NonMaxSuppression", inputs, attributes, 11)


GRID_SCORES = lambda generator: (generator.integers(0, 10, size=(1, 2, 60)) / 10).astype(F)
SUPPRESSION = [
    suppression("plain", [boxes(60), uniform((1, 3, 60), 0), ints(20), scalar([0.3]), scalar([0.4])]),
    suppression("ties", [boxes(60), GRID_SCORES, ints(50), scalar([0.5]), scalar([0.2])]),
    suppression("centred", [boxes(40, True), uniform((1, 2, 40), 0), ints(100), scalar(0.2)], center_point_box=1),
    suppression("no_overlap", [boxes(30), uniform((1, 1, 30), 0), ints(9)]),
    suppression("none", [boxes(30), uniform((1, 1, 30), 0)]),
    suppression("flipped", [np.array([[[4, 4, 0, 0], [0, 0, 4, 5], [9, 9, 9, 9], [0, 9, 3, 5]]], F), uniform((1, 1, 4), 0), ints(9), scalar(0.5)]),
]

CASES = [*ARITHMETIC, *UNARY, *LOGIC, *CAST, *SHAPES, *MOVES, *PADS, *REDUCTIONS, *ELEMENTS, *SUPPRESSION]
