#ifndef COMPRESS_CKERNELS_INT8_H
#define COMPRESS_CKERNELS_INT8_H

#include <stddef.h>
#include <stdint.h>

/// Output channels a block of integer sums has.
#define CK_INT8_ROWS 8
/// Pixels a tile of integer sums has at most.
#define CK_INT8_COLUMNS 48
/// What the weights of a pair may add up to where pairs saturate.
#define CK_INT8_PAIR 128
/// Bytes of a table that kernels look up in: its 256 entries, then the same, but every sixteen of
/// them exclusive-or'ed with the sixteen before, beginning anew at 128.
#define CK_INT8_TABLE 512

/// Further products of one row of a block, at places as those of its steps.
typedef struct {
  const ptrdiff_t *offsets;
  const int8_t *weights;  // [steps, 4]
  ptrdiff_t steps;
} ck_int8_rest;

/// One block of integer sums: eight output channels at a tile of pixels.
///
/// A position of the input holds four channels, a byte each. Step k multiplies the positions from
/// `input + offsets[k]` on by the four weights of each row, so a convolution needs no unfolding.
typedef struct {
  const uint8_t *input;      // first pixel of the tile
  const ptrdiff_t *offsets;  // one a step, in bytes
  const int8_t *weights;     // [steps, CK_INT8_ROWS, 4]
  int32_t *sums;             // [CK_INT8_ROWS, CK_INT8_COLUMNS]
  int steps;
  int columns;               // pixels wanted; the rest of the tile is undefined
  const ck_int8_rest *rest;  // what is added to the sums of each row, or null
} ck_int8_block;

/// Pixels of a tile that lie side by side in a plane.
typedef struct {
  int32_t place;    // of the first, in the tile
  int32_t count;
  ptrdiff_t pixel;  // of the first, in the plane
} ck_int8_run;

/// The sums of a block on their way to bytes: row r, pixel i becomes
/// `table[round(scales[r] · sum) + zero]` with
/// `sum = sums[r, i] + bias[r] − inputZero · weightSums[r] − weightZeros[r] · inputSums[i]`.
typedef struct {
  const int32_t *sums;         // [CK_INT8_ROWS, CK_INT8_COLUMNS]
  const int32_t *inputSums;    // [CK_INT8_COLUMNS], read for rows whose weights have a zero point
  const int32_t *weightSums;   // one a row, less what the weights' zero point takes from them
  const int32_t *weightZeros;  // one a row
  const int32_t *bias;         // one a row, or null
  const float *scales;         // one a row, `scaleStep` apart
  const uint8_t *table;        // as CK_INT8_TABLE describes it, or null
  uint8_t *y;                  // the plane of the first row
  const ck_int8_run *runs;     // what of the tile is wanted
  ptrdiff_t plane;             // bytes from one row's plane to the next
  int scaleStep;
  int rows;
  int columns;
  int runCount;
  int32_t inputZero;
  int32_t zero;
  int isSigned;                // not 0 where the bytes are signed
} ck_int8_finish;

/// Four channels of an image to be laid out as positions of four bytes, padded and split into the
/// phases of the strides: `output[rowPhase, columnPhase, row, column, channel]`.
typedef struct {
  const uint8_t *input;   // [channels, height, width]
  uint8_t *output;
  uint8_t *buffer;        // 5 · (strideWidth · pitch + 64) bytes
  ptrdiff_t height;
  ptrdiff_t width;
  ptrdiff_t padTop;
  ptrdiff_t padLeft;
  ptrdiff_t strideHeight;
  ptrdiff_t strideWidth;
  ptrdiff_t rows;         // of one phase
  ptrdiff_t pitch;        // positions in a row of one phase
  int channels;           // 1 ... 4; missing ones become 0
  uint8_t zero;           // what the padding holds, before the flip
  uint8_t flip;           // xored to every byte, 0x80 makes signed bytes unsigned
} ck_int8_pack;

/// Rows of one plane of a depthwise convolution, on a frame of bytes that holds the padding.
///
/// `sums[y · count + x] = Σ weights[i][j] · input[row · pitch + x · stride + j · dilation]` with
/// `row = y · strideHeight + i · dilationHeight`.
typedef struct {
  const uint8_t *input;   // readable 64 + 32 · stride bytes beyond the last tap
  const int8_t *weights;  // [kernelHeight, kernelWidth rounded up to whole fours], filled up with 0
  int32_t *sums;          // [rows, count], writable 32 bytes beyond
  ptrdiff_t pitch;
  ptrdiff_t rows;
  ptrdiff_t count;
  int kernelHeight;
  int kernelWidth;
  int strideHeight;
  int stride;
  int dilationHeight;
  int dilation;
} ck_int8_depthwise;

/// How two runs of bytes become a third: as floats, added or multiplied, and quantised again.
typedef enum { CK_INT8_ADD, CK_INT8_MULTIPLY } ck_int8_operation;

/// One such combination; a step of 0 repeats one byte.
typedef struct {
  const uint8_t *a;
  const uint8_t *b;
  uint8_t *y;
  ptrdiff_t stepA;
  ptrdiff_t stepB;
  ptrdiff_t count;
  ck_int8_operation operation;
  // Of a and of b over that of y. For products scaleA alone counts: of a times b over y.
  float scaleA;
  float scaleB;
  int32_t zeroA;
  int32_t zeroB;
  int32_t zeroY;
  int signedA;   // not 0 where the bytes are signed
  int signedB;
  int signedY;
} ck_int8_combination;

/// The integer kernels of one instruction set.
typedef struct {
  const char *name;
  /// Not 0 where `block` multiplies as `saturatingBlock` does: the weights of a pair that are above
  /// zero may then add up to at most CK_INT8_PAIR, and so may the others, so that 255 times either
  /// stays within 16 bits. What exceeds that goes into the rest, which other kernels do not read.
  int pairsSaturate;
  void (*block)(const ck_int8_block *block);
  /// The same, but the products of the first and second and those of the third and fourth byte of
  /// each position are added within -32768 ... 32767, as by instructions of CPUs without VNNI.
  void (*saturatingBlock)(const ck_int8_block *block);
  /// The sums of the inputs alone, as if one row of weights were all ones: sums[columns].
  void (*inputSums)(const ck_int8_block *block);
  /// y[i] = sums[i] + offset − factor · inputSums[i]; inputSums may be null.
  void (*toInt32)(const int32_t *sums, const int32_t *inputSums, int32_t offset, int32_t factor,
                  int32_t *y, ptrdiff_t count);
  /// The same times `scale`, rounded to an integer, ties to even, plus `zero`, as the nearest byte,
  /// signed when `isSigned` is not 0.
  void (*toInt8)(const int32_t *sums, const int32_t *inputSums, int32_t offset, int32_t factor,
                 float scale, int32_t zero, int isSigned, uint8_t *y, ptrdiff_t count);
  /// The same times `scale` plus `bias`.
  void (*toFloat)(const int32_t *sums, const int32_t *inputSums, int32_t offset, int32_t factor,
                  float scale, float bias, float *y, ptrdiff_t count);
  /// A whole block's `toInt8` and `table`.
  void (*finish)(const ck_int8_finish *block);
  /// y[i] = x[i] / scale rounded, ties to even, plus `zero`, as the nearest byte, signed when
  /// `isSigned` is not 0.
  void (*quantize)(const float *x, uint8_t *y, ptrdiff_t count, float scale, int32_t zero,
                   int isSigned);
  /// y[i] = scale · (x[i] − zero); x holds signed bytes when `isSigned` is not 0.
  void (*dequantize)(const uint8_t *x, float *y, ptrdiff_t count, float scale, int32_t zero,
                     int isSigned);
  /// The smallest and largest of `count` ≥ 1 elements.
  void (*range)(const float *x, ptrdiff_t count, float *lowest, float *highest);
  /// Counts numbers in bins ⌊x · scale⌋ within −half ... half − 1, and what is not finite in one
  /// more: adds to four tables of 2 · half + 1 counts each, whose sums are the counts.
  void (*histogram)(const float *x, ptrdiff_t count, float scale, int32_t half, uint32_t *counts);
  /// y[i] = table[x[i]], the table as CK_INT8_TABLE describes it; x may be y.
  void (*table)(const uint8_t *x, const uint8_t *table, uint8_t *y, ptrdiff_t count);
  void (*depthwise)(const ck_int8_depthwise *plane);
  void (*combine)(const ck_int8_combination *combination);
  /// The larger of each pair of bytes, both signed when `isSigned` is not 0; y may be a or b.
  void (*maximum)(const uint8_t *a, const uint8_t *b, uint8_t *y, ptrdiff_t count, int isSigned);
  void (*packChannels)(const ck_int8_pack *pack);
} ck_int8_kernels;

/// Lays out a table of 256 entries for the kernels: CK_INT8_TABLE bytes, which may begin with the
/// entries.
void ck_int8_prepare_table(const uint8_t *entries, uint8_t *table);

#endif
