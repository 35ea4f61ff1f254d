"""Products of quantised matrices as ONNX Runtime computes them, which sums whole numbers.

Ours multiplies reals, so a result may lie one step off where it falls near the middle of two.
"""

import numpy as np

from make_operator_goldens import Case, uniform

F, I32 = np.float32, np.int32
U8, I8 = np.uint8, np.int8


def gemm(name, m=5, k=7, n=6, bias=(6,), perColumn=False, aType=U8, bType=I8, scaled=True, zeros=False,
         **attributes):
    """QGemm of [m, k] and [k, n], each transposed where asked for."""
    a = (k, m) if attributes.get("transA") else (m, k)
    b = (n, k) if attributes.get("transB") else (k, n)
    extent = (n,) if perColumn else ()
    zero = uniform(extent, -40 if bType == I8 else 0, 40, bType) if zeros else np.zeros(extent, bType)
    inputs = [uniform(a, 0, 127, aType), F(0.02), aType(60), uniform(b, -120 if bType == I8 else 0, 120, bType),
              uniform(extent, 0.002, 0.01) if perColumn else F(0.006), zero,
              None if bias is None else uniform(bias, -3000, 3000, I32)]
    inputs += [F(0.05), aType(100 if aType == U8 else 3)] if scaled else []
    return Case(f"QGemm_{name}", "QGemm", inputs, attributes, 13, domain="com.microsoft",
                constants=tuple(range(1, len(inputs))), tolerance="integerStep" if scaled else None)


def matmul(name, a, b, aScale=(), bScale=(), bType=I8, zeros=False):
    inputs = [uniform(a, 0, 255, U8), uniform(aScale, 0.01, 0.03) if aScale else F(0.02),
              np.full(aScale, 100, U8), uniform(b, -120 if bType == I8 else 0, 120, bType),
              uniform(bScale, 0.002, 0.01) if bScale else F(0.006),
              uniform(bScale, 0, 40, bType) if zeros else np.zeros(bScale, bType), F(0.1), U8(110)]
    return Case(f"QLinearMatMul_{name}", "QLinearMatMul", inputs, {}, 10,
                constants=tuple(range(1, len(inputs))), tolerance="integerStep")


CASES = [
    gemm("plain"),
    gemm("transposed", transB=1),
    gemm("both_transposed", transA=1, transB=1, bias=None),
    gemm("alpha", alpha=0.5),
    gemm("alpha_large", alpha=1.75, transB=1, bias=(1, 6)),
    gemm("columns", perColumn=True),
    gemm("columns_zeros", perColumn=True, zeros=True, bType=U8),
    gemm("columns_transposed", perColumn=True, transB=1, zeros=True, bias=(5, 6)),
    gemm("columns_alpha", perColumn=True, transB=1, alpha=0.25),
    gemm("bias_scalar", bias=()),
    gemm("bias_one", bias=(1,), perColumn=True),
    gemm("bias_rows", bias=(5, 1), perColumn=True, alpha=0.5),
    gemm("bias_matrix", bias=(5, 6)),
    gemm("unsigned", bType=U8, zeros=True),
    gemm("signed", aType=I8),
    gemm("float", scaled=False, alpha=0.5),
    gemm("float_columns", scaled=False, perColumn=True, transB=1),
    matmul("plain", (5, 7), (7, 6)),
    matmul("stack", (2, 3, 5, 7), (7, 6)),
    matmul("columns", (5, 7), (7, 6), bScale=(6,)),
    matmul("columns_stack", (2, 3, 7), (7, 6), bScale=(6,), zeros=True),
    matmul("columns_unsigned", (2, 3, 7), (7, 6), bScale=(6,), bType=U8, zeros=True),
    matmul("columns_each", (2, 3, 7), (2, 7, 6), bScale=(2, 1, 6), zeros=True),
    matmul("vector", (7,), (7, 6)),
]
