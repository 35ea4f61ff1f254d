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

/// A block of a product: up to 8 packed rows of A times up to 3 vectors of columns of B.
///
/// The columns are places of a flattened image whose rows may be followed by gaps: `firstRun`
/// columns are wanted, then `gap` are left out, `run` are wanted and so on. C holds the wanted ones
/// next to one another.
typedef struct {
  const float *a;            // [depth, 8] or [depth, 4]
  const float *b;            // row k at b + offsets[k], readable in whole vectors
  const ptrdiff_t *offsets;  // [depth]
  float *c;                  // row r at c + r · cStride
  const float *bias;         // [8]
  const float *residual;     // laid out like c, or null
  size_t depth;
  size_t cStride;
  int rows;                  // rows that are stored
  int columns;               // columns up to the last wanted one
  int firstRun;
  int run;
  int gap;
  ck_activation activation;
  ck_residual residualMode;
} ck_gemm_block;

/// Rows of one plane of a depthwise convolution of a square kernel, without a residual.
typedef struct {
  const float *input;      // [height, width]
  float *output;           // [outputHeight, outputWidth]
  const float *weights;    // [kernel, kernel]
  int height;
  int width;
  int outputWidth;
  int padTop;
  int padLeft;
  int firstRow;            // output rows firstRow ..< endRow are made
  int endRow;
  float bias;
  ck_activation activation;
} ck_depthwise_plane;

/// One plane of a depthwise convolution of any kernel, on a frame of its own; see `ck_frame`.
typedef struct {
  const float *frame;
  float *output;           // [outputHeight, outputWidth]
  const float *weights;    // [taps]
  const float *residual;   // like output, or null
  const ptrdiff_t *offsets;  // place of each tap in the frame
  ptrdiff_t rowWidth;      // of the frame
  int taps;
  int outputHeight;
  int outputWidth;
  float bias;
  ck_activation activation;
  ck_residual residualMode;
} ck_depthwise_taps;

/// Rows of an image to be copied into a frame of zeros, split into the phases of the strides:
/// `output[channel][rowPhase][columnPhase][row][column] = input[channel][y][x]` with
/// `y = firstRow + row · strideHeight + rowPhase` and
/// `x = column · strideWidth + columnPhase − padLeft`.
typedef struct {
  const float *input;      // [channels, height, width]
  float *output;
  ptrdiff_t height;
  ptrdiff_t width;
  ptrdiff_t firstRow;      // negative within the padding
  ptrdiff_t padLeft;
  ptrdiff_t strideHeight;
  ptrdiff_t strideWidth;
  ptrdiff_t rowPhases;     // phases that are made, at most the stride
  ptrdiff_t columnPhases;
  ptrdiff_t rows;          // of one phase
  ptrdiff_t rowWidth;
  ptrdiff_t channelStride;  // of the output; what lies between the channels becomes zero
  ptrdiff_t channels;
} ck_frame;

/// Rows of one plane of a pool.
typedef struct {
  const float *input;      // [height, width]
  float *output;           // [outputHeight, outputWidth]
  float *buffer;           // a padded row and two vectors of 16
  int height;
  int width;
  int outputWidth;
  int kernelHeight;
  int kernelWidth;
  int strideHeight;
  int strideWidth;
  int dilationHeight;
  int dilationWidth;
  int padTop;
  int padLeft;
  int firstRow;            // output rows firstRow ..< endRow are made
  int endRow;
  int rowWidth;            // columns from the first tap of the first output to the last of the last
} ck_pool_plane;

/// The kernels of one instruction set.
typedef struct {
  const char *name;
  int vectorLength;  // floats a vector
  /// C = activation(A·B + bias (+ residual)), one block of rows of 8 (mr = 8) or 4 (mr = 4).
  void (*gemmBlock8)(const ck_gemm_block *block);
  void (*gemmBlock4)(const ck_gemm_block *block);
  /// Depthwise convolution of a plane; index: kernel 3 or 5, stride 1 or 2.
  void (*depthwise[2][2])(const ck_depthwise_plane *plane);
  void (*depthwiseTaps)(const ck_depthwise_taps *plane);
  void (*fillFrame)(const ck_frame *frame);
  /// The maximum or the sum of each window of a plane.
  void (*poolMaximum)(const ck_pool_plane *plane);
  void (*poolSum)(const ck_pool_plane *plane);
  /// y[i] = f(x[i]); x may be y.
  void (*map)(ck_activation activation, const float *x, float *y, size_t count);
  /// y[i] = f(x[i] · scale + shift)
  void (*scaleShift)(ck_activation activation, const float *x, float *y, size_t count,
                     float scale, float shift);
} ck_kernels;

/// A plane and the frame it is multiplied with under each tap; see `ck_frame`. Frames hold finite
/// numbers in whole vectors.
typedef struct {
  const float *plane;        // [rows, columns]
  const float *frame;
  const ptrdiff_t *offsets;  // [taps], place of each tap in the frame
  float *sums;               // [taps]
  ptrdiff_t rowWidth;        // of the frame
  int rows;
  int columns;
  int taps;
} ck_plane_products;

/// The kernels of one instruction set that carry gradients back.
typedef struct {
  /// dx[i] = dy[i] · f′(x[i]); dx may be dy or x.
  void (*mapGradient)(ck_activation activation, const float *dy, const float *x, float *dx,
                      size_t count);
  /// y[i · step + r] = x[r · stride + i] for the first `rows` of eight, 0 for the rest.
  void (*interleave8)(const float *x, ptrdiff_t stride, int rows, ptrdiff_t count, float *y,
                      ptrdiff_t step);
  /// Σ x[i]
  float (*sum)(const float *x, size_t count);
  /// Σ (x[i] − shift)²
  float (*squares)(const float *x, size_t count, float shift);
  /// Σ a[i] · (b[i] − shift)
  float (*product)(const float *a, const float *b, size_t count, float shift);
  /// y[i] = ofA · a[i] + ofB · b[i] + offset; y may be a or b.
  void (*blend)(const float *a, const float *b, float *y, size_t count, float ofA, float ofB,
                float offset);
  /// sums[t] = Σ plane[row, column] · frame[offsets[t] + row · rowWidth + column]
  void (*planeProducts)(const ck_plane_products *products);
  /// y[2i] = even[i] and y[2i + 1] = odd[i] for `count` elements of y; null stands for zeros.
  void (*interleave2)(const float *even, const float *odd, float *y, ptrdiff_t count);
} ck_gradient_kernels;

/// What instruction sets have in common: the architecture whose CPUs know them.
typedef enum { CK_PORTABLE, CK_X86, CK_ARM } ck_family;

/// An instruction set: what it asks of the CPU, and its kernels.
typedef struct {
  const char *name;
  ck_family family;
  /// Whether the CPU that this runs on has it.
  int (*isSupported)(void);
  const ck_kernels *kernels;
  const ck_gradient_kernels *gradientKernels;
  const ck_int8_kernels *int8Kernels;
} ck_instruction_set;

/// The instruction sets of a family, each before those that it is preferred to.
typedef struct {
  const ck_instruction_set *sets;
  size_t count;
} ck_family_sets;

/// The instruction set at a place among those that the CPU has, or null behind the last.
///
/// Those of the CPU's own family come first, in the order of their family. The portable one, which
/// every CPU has, is the last.
const ck_instruction_set *ck_supported_set(size_t place);

#endif
