// Compares kernels of every instruction set that the CPU has with plain loops; see `run`.

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "CKernels.h"

static uint32_t state;
static uint32_t next(void) { return state = state * 1664525u + 1013904223u; }
static float number(void) { return (float)(next() >> 8) / (float)(1 << 23) - 1.f; }

static int faults;
static void expect(int holds, const char *set, const char *what) {
  if (holds) return;
  printf("%s: %s differs\n", set, what);
  faults++;
}

static int near(double a, double b) { return fabs(a - b) <= 1e-5 * (1 + fabs(b)); }

// Eight rows of weights times columns of which every fifth and sixth are left out, with a clip.
static void check_product(const ck_instruction_set *set) {
  enum { DEPTH = 13, COLUMNS = 11, ROWS = 7, RUN = 4, GAP = 2 };
  float a[DEPTH * 8], b[DEPTH * 64], bias[8], c[ROWS * 64];
  ptrdiff_t offsets[DEPTH];
  for (int i = 0; i < DEPTH * 8; i++) a[i] = number();
  for (int i = 0; i < DEPTH * 64; i++) b[i] = number();
  for (int i = 0; i < 8; i++) bias[i] = number();
  for (int k = 0; k < DEPTH; k++) offsets[k] = k * 64;
  ck_gemm_block block = {
      .a = a, .b = b, .offsets = offsets, .c = c, .bias = bias, .depth = DEPTH, .cStride = 64,
      .rows = ROWS, .columns = COLUMNS, .firstRun = RUN, .run = RUN, .gap = GAP,
      .activation = {CK_CLIP, -0.5f, 0.75f}, .residualMode = CK_RESIDUAL_NONE};
  set->kernels->gemmBlock8(&block);
  int holds = 1;
  for (int r = 0; r < ROWS; r++) {
    for (int x = 0, at = 0; x < COLUMNS; x++) {
      if (x % (RUN + GAP) >= RUN) continue;
      double sum = bias[r];
      for (int k = 0; k < DEPTH; k++) sum += (double)a[k * 8 + r] * b[k * 64 + x];
      holds &= near(c[r * 64 + at++], fmin(fmax(sum, -0.5), 0.75));
    }
  }
  expect(holds, set->name, "gemmBlock8");
}

static void check_depthwise(const ck_instruction_set *set) {
  enum { SIZE = 19 };
  for (int kernel = 3; kernel <= 5; kernel += 2) {
    for (int stride = 1; stride <= 2; stride++) {
      float x[SIZE * SIZE + 64], w[25], y[SIZE * SIZE];
      for (int i = 0; i < SIZE * SIZE + 64; i++) x[i] = number();
      for (int i = 0; i < kernel * kernel; i++) w[i] = number();
      int pad = kernel / 2, out = (SIZE - 1) / stride + 1;
      ck_depthwise_plane plane = {
          .input = x, .output = y, .weights = w, .height = SIZE, .width = SIZE,
          .outputWidth = out, .padTop = pad, .padLeft = pad, .firstRow = 0, .endRow = out,
          .bias = 0.25f, .activation = {CK_SILU, 0, 0}};
      set->kernels->depthwise[kernel == 5][stride - 1](&plane);
      int holds = 1;
      for (int row = 0; row < out; row++) {
        for (int column = 0; column < out; column++) {
          double sum = 0.25;
          for (int i = 0; i < kernel * kernel; i++) {
            int v = row * stride - pad + i / kernel, u = column * stride - pad + i % kernel;
            if (v >= 0 && v < SIZE && u >= 0 && u < SIZE) sum += (double)w[i] * x[v * SIZE + u];
          }
          holds &= near(y[row * out + column], sum / (1 + exp(-sum)));
        }
      }
      expect(holds, set->name, "depthwise");
    }
  }
}

static void check_elements(const ck_instruction_set *set) {
  enum { COUNT = 37 };
  float x[COUNT], dy[COUNT], y[COUNT], dx[COUNT];
  for (int i = 0; i < COUNT; i++) x[i] = 8 * number();
  for (int i = 0; i < COUNT; i++) dy[i] = number();
  set->kernels->map((ck_activation){CK_TANH, 0, 0}, x, y, COUNT);
  set->gradientKernels->mapGradient((ck_activation){CK_SIGMOID, 0, 0}, dy, x, dx, COUNT);
  double sum = 0;
  int maps = 1, gradients = 1;
  for (int i = 0; i < COUNT; i++) {
    double s = 1 / (1 + exp(-(double)x[i]));
    maps &= near(y[i], tanh(x[i]));
    gradients &= near(dx[i], dy[i] * s * (1 - s));
    sum += x[i];
  }
  expect(maps, set->name, "map");
  expect(gradients, set->name, "mapGradient");
  expect(near(set->gradientKernels->sum(x, COUNT), sum), set->name, "sum");
}

// Three channels of an image, padded by a column and a row, in phases of two, then a product with
// eight rows of weights, then bytes.
static void check_bytes(const ck_instruction_set *set) {
  enum { HEIGHT = 6, WIDTH = 37, ROWS = 4, PITCH = 20, STEPS = 3, COUNT = 17 };
  uint8_t x[3 * HEIGHT * WIDTH], buffer[5 * (2 * PITCH + 64)];
  static uint8_t packed[4 * 2 * 2 * ROWS * PITCH + 4096];
  for (size_t i = 0; i < sizeof x; i++) x[i] = (uint8_t)(next() >> 24);
  ck_int8_pack pack = {
      .input = x, .output = packed, .buffer = buffer, .height = HEIGHT, .width = WIDTH,
      .padTop = 1, .padLeft = 1, .strideHeight = 2, .strideWidth = 2, .rows = ROWS,
      .pitch = PITCH, .channels = 3, .zero = 7, .flip = 0x80};
  set->int8Kernels->packChannels(&pack);
  int holds = 1;
  for (int at = 0; at < 2 * 2 * ROWS * PITCH; at++) {
    int column = at % PITCH, row = at / PITCH % ROWS, phase = at / PITCH / ROWS;
    int v = row * 2 + phase / 2 - 1, u = column * 2 + phase % 2 - 1;
    for (int c = 0; c < 4; c++) {
      int inside = v >= 0 && v < HEIGHT && u >= 0 && u < WIDTH;
      uint8_t byte = c == 3 ? 0 : (uint8_t)((inside ? x[(c * HEIGHT + v) * WIDTH + u] : 7) ^ 0x80);
      holds &= packed[4 * at + c] == byte;
    }
  }
  expect(holds, set->name, "packChannels");

  int8_t w[STEPS * CK_INT8_ROWS * 4];
  int32_t sums[CK_INT8_ROWS * CK_INT8_COLUMNS];
  ptrdiff_t offsets[STEPS] = {0, 4, 4 * PITCH};
  // Pairs of weights of 7 bits stay within what every set adds exactly.
  for (size_t i = 0; i < sizeof w; i++) w[i] = (int8_t)((int)(next() >> 25) - 64);
  ck_int8_block block = {.input = packed, .offsets = offsets, .weights = w, .sums = sums,
                         .steps = STEPS, .columns = COUNT};
  set->int8Kernels->block(&block);
  holds = 1;
  for (int r = 0; r < CK_INT8_ROWS; r++) {
    uint8_t bytes[COUNT];
    set->int8Kernels->toInt8(sums + r * CK_INT8_COLUMNS, NULL, -50, 0, 0.01f, 3, 1, bytes, COUNT);
    for (int i = 0; i < COUNT; i++) {
      int32_t sum = 0;
      for (int s = 0; s < STEPS; s++)
        for (int c = 0; c < 4; c++)
          sum += packed[offsets[s] + 4 * i + c] * w[(s * CK_INT8_ROWS + r) * 4 + c];
      holds &= sums[r * CK_INT8_COLUMNS + i] == sum;
      float value = fminf(fmaxf((float)(sum - 50) * 0.01f, -131.f), 124.f);
      holds &= (int8_t)bytes[i] == (int)rintf(value) + 3;
    }
  }
  expect(holds, set->name, "block and toInt8");
}

int main(void) {
  const ck_instruction_set *set;
  for (size_t place = 0; (set = ck_supported_set(place)); place++) {
    for (state = 1; state < 40; ) {
      uint32_t seed = state;
      check_product(set);
      check_depthwise(set);
      check_elements(set);
      check_bytes(set);
      state = seed + 1;
    }
    printf("%s: checked\n", set->name);
  }
  return faults ? EXIT_FAILURE : EXIT_SUCCESS;
}
