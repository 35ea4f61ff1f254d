#ifndef COMPRESS_CKERNELS_H
#define COMPRESS_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "int8.h"

/// Elementwise functions that kernels apply on their way out; `a` and `b` are their parameters.
typedef enum {
  CK_IDENTITY,
  CK_RELU,          // max(x, 0)
  CK_LEAKY_RELU,    // x < 0 ? a·x : x
  CK_CLIP,          // min(max(x, a), b)
  CK_SIGMOID,       // 1 / (1 + e^−x)
  CK_SILU,          // x / (1 + e^−x)
  CK_HARD_SWISH,    // x · min(max(x + 3, 0), 6) / 6
  CK_HARD_SIGMOID,  // min(max(a·x + b, 0), 1)
  CK_EXP,
  CK_TANH,
  CK_ELU,           // x < 0 ? a·(e^x − 1) : x
} ck_function;

/// A function with its parameters.
typedef struct {
  ck_function function;
  float a;
  float b;
} ck_activation;

/// Where a residual tensor is added to a result: not, before the activation or after it.
typedef enum { CK_RESIDUAL_NONE, CK_RESIDUAL_BEFORE, CK_RESIDUAL_AFTER } ck_residual;

/// A block of rows of a product: `rows` ≤ 8 packed rows of A times a tile of B.
typedef struct {
  const float *a;      // [depth, mr] packed, mr = 8 or 4
  const float *b;      // row k at b + k · bStride
  float *c;            // row r at c + r · cStride
  const float *bias;   // one a row, or null
  const float *residual;  // like c, or null
  size_t depth;
  size_t bStride;
  size_t cStride;
  int rows;            // rows of the block that are stored
  int columns;         // columns of the tile that are stored, at most 3 vectors
  ck_activation activation;
  ck_residual residualMode;
} ck_gemm_block;

/// One plane of a depthwise convolution, its input padded and split into stride phases.
typedef struct {
  const float *input;      // padded plane, phases of columns one after the other
  float *output;           // [height, width]
  const float *weights;    // [kernelHeight, kernelWidth]
  const float *residual;   // like output, or null
  const ptrdiff_t *offsets;  // input offset of each tap, in elements
  ptrdiff_t rowStride;     // input elements from one output row to the next
  int taps;
  int height;
  int width;
  float bias;
  ck_activation activation;
  ck_residual residualMode;
} ck_depthwise_plane;

/// The kernels of one instruction set.
typedef struct {
  const char *name;
  int vectorLength;  // floats a vector
  /// C = activation(A·B + bias (+ residual)), one block of rows of 8 (mr = 8) or 4 (mr = 4).
  void (*gemmBlock8)(const ck_gemm_block *block);
  void (*gemmBlock4)(const ck_gemm_block *block);
  void (*depthwisePlane)(const ck_depthwise_plane *plane);
  /// y[i] = f(x[i]); x may be y.
  void (*map)(ck_activation activation, const float *x, float *y, size_t count);
  /// y[i] = f(x[i] · scale + shift)
  void (*scaleShift)(ck_activation activation, const float *x, float *y, size_t count,
                     float scale, float shift);
} ck_kernels;

/// The kernels of one instruction set that carry gradients back.
typedef struct {
  /// dx[i] = dy[i] · f′(x[i]); dx may be dy or x.
  void (*mapGradient)(ck_activation activation, const float *dy, const float *x, float *dx,
                      size_t count);
} ck_gradient_kernels;

/// Instruction sets, weakest first.
typedef enum { CK_PORTABLE, CK_AVX2, CK_AVX512 } ck_isa;

/// The strongest instruction set the CPU has.
ck_isa ck_best_isa(void);

/// The kernels of an instruction set; what the CPU lacks is replaced by the strongest it has.
const ck_kernels *ck_kernels_for(ck_isa isa);

/// The gradient kernels of an instruction set, with the same fallback.
const ck_gradient_kernels *ck_gradient_kernels_for(ck_isa isa);

#endif
