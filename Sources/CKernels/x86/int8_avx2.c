#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#include "sets.h"

#define ISA_NAME "avx2"
#define ISA_TABLE ck_int8_avx2
#define ISA_PACK_CHANNELS ck_int8_pack_sse2
#define ISA_TARGET __attribute__((target("avx2,fma")))
#define VECTOR_LENGTH 8
#define BLOCK_ROWS 4
#define BLOCK_VECTORS 2

#define AVX2_INLINE ISA_TARGET static inline __attribute__((always_inline))

typedef __m256i bytes_t;
typedef __m256i weights_t;
typedef __m256i lanes_t;

AVX2_INLINE bytes_t load_bytes(const uint8_t *p) {
  return _mm256_loadu_si256((const __m256i *)p);
}
AVX2_INLINE lanes_t zero_lanes(void) { return _mm256_setzero_si256(); }
AVX2_INLINE lanes_t load_lanes(const int32_t *p) {
  return _mm256_loadu_si256((const __m256i *)p);
}
AVX2_INLINE void store_lanes(int32_t *p, lanes_t v) { _mm256_storeu_si256((__m256i *)p, v); }
AVX2_INLINE lanes_t add_lanes(lanes_t a, lanes_t b) { return _mm256_add_epi32(a, b); }
AVX2_INLINE weights_t spread(const int8_t *w) {
  int32_t four;
  memcpy(&four, w, 4);
  return _mm256_set1_epi32(four);
}
AVX2_INLINE lanes_t dot(lanes_t sum, bytes_t x, weights_t w) {
  __m256i pairs = _mm256_maddubs_epi16(x, w);
  return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
#define ISA_PAIRS_SATURATE 1

#define ISA_HAS_TO_INT8

typedef struct {
  __m256i offset, factor, zero;
  __m256 scale, high;
  int isSigned;
} finish_t;

AVX2_INLINE finish_t finish_of(int32_t offset, int32_t factor, float scale, int32_t zero,
                               int isSigned) {
  return (finish_t){_mm256_set1_epi32(offset), _mm256_set1_epi32(factor),
                    _mm256_set1_epi16((int16_t)zero), _mm256_set1_ps(scale),
                    _mm256_set1_ps(0x1p20f), isSigned};
}

// What is too low becomes the lowest integer there is, also beyond 32 bits, and the lowest byte
// when it is packed. What is too high must not leave 32 bits, where it would become the lowest
// integer too.
AVX2_INLINE __m256i finished(const finish_t *f, const int32_t *sums, const int32_t *inputSums) {
  __m256i sum = _mm256_add_epi32(_mm256_loadu_si256((const __m256i *)sums), f->offset);
  if (inputSums) {
    __m256i inputs = _mm256_loadu_si256((const __m256i *)inputSums);
    sum = _mm256_sub_epi32(sum, _mm256_mullo_epi32(f->factor, inputs));
  }
  __m256 value = _mm256_mul_ps(_mm256_cvtepi32_ps(sum), f->scale);
  return _mm256_cvtps_epi32(_mm256_min_ps(value, f->high));
}

// Adds the zero point to 32 integers and packs them, saturating.
AVX2_INLINE __m256i packed(const finish_t *f, __m256i a, __m256i b, __m256i c, __m256i d) {
  __m256i first = _mm256_adds_epi16(_mm256_packs_epi32(a, b), f->zero);
  __m256i second = _mm256_adds_epi16(_mm256_packs_epi32(c, d), f->zero);
  __m256i bytes = f->isSigned ? _mm256_packs_epi16(first, second)
                              : _mm256_packus_epi16(first, second);
  return _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

AVX2_INLINE void to_int8_run(const finish_t *f, const int32_t *sums, const int32_t *inputSums,
                             uint8_t *y, ptrdiff_t count) {
  ptrdiff_t i = 0;
#define PART(j) finished(f, sums + i + 8 * (j), inputSums ? inputSums + i + 8 * (j) : NULL)
  for (; i + 32 <= count; i += 32)
    _mm256_storeu_si256((__m256i *)(y + i), packed(f, PART(0), PART(1), PART(2), PART(3)));
  for (; i + 16 <= count; i += 16) {
    __m256i first = PART(0), second = PART(1);
    _mm_storeu_si128((__m128i *)(y + i),
                     _mm256_castsi256_si128(packed(f, first, second, first, second)));
  }
  for (; i + 8 <= count; i += 8) {
    __m256i part = PART(0);
    _mm_storel_epi64((__m128i *)(y + i),
                     _mm256_castsi256_si128(packed(f, part, part, part, part)));
  }
#undef PART
  if (i < count) {
    int32_t last[8] = {0}, lastInputs[8] = {0};
    uint8_t bytes[32];
    size_t size = (size_t)(count - i);
    memcpy(last, sums + i, 4 * size);
    if (inputSums) memcpy(lastInputs, inputSums + i, 4 * size);
    __m256i part = finished(f, last, inputSums ? lastInputs : NULL);
    _mm256_storeu_si256((__m256i *)bytes, packed(f, part, part, part, part));
    memcpy(y + i, bytes, size);
  }
}

AVX2_INLINE void to_int8(const int32_t *sums, const int32_t *inputSums, int32_t offset,
                         int32_t factor, float scale, int32_t zero, int isSigned, uint8_t *y,
                         ptrdiff_t count) {
  const finish_t f = finish_of(offset, factor, scale, zero, isSigned);
  if (inputSums) {
    to_int8_run(&f, sums, inputSums, y, count);
  } else {
    to_int8_run(&f, sums, NULL, y, count);
  }
}

#define ISA_HAS_COMBINE

AVX2_INLINE __m256 centred_lanes(const uint8_t *p, int isSigned, __m256i zero) {
  __m128i bytes = _mm_loadl_epi64((const __m128i *)p);
  __m256i whole = isSigned ? _mm256_cvtepi8_epi32(bytes) : _mm256_cvtepu8_epi32(bytes);
  return _mm256_cvtepi32_ps(_mm256_sub_epi32(whole, zero));
}

AVX2_INLINE __m256i combined(const ck_int8_combination *k, const finish_t *f, const uint8_t *a,
                             const uint8_t *b, int isProduct) {
#pragma clang fp contract(off)
  __m256 u = centred_lanes(a, k->signedA, _mm256_set1_epi32(k->zeroA));
  __m256 v = centred_lanes(b, k->signedB, _mm256_set1_epi32(k->zeroB));
  __m256 scaleB = _mm256_set1_ps(k->scaleB);
  __m256 value = isProduct ? _mm256_mul_ps(_mm256_mul_ps(u, v), f->scale)
                           : _mm256_add_ps(_mm256_mul_ps(u, f->scale), _mm256_mul_ps(v, scaleB));
  return _mm256_cvtps_epi32(_mm256_min_ps(value, f->high));
}

AVX2_INLINE void combine_run(const ck_int8_combination *k, int isProduct) {
  const finish_t f = finish_of(0, 0, k->scaleA, k->zeroY, k->signedY);
  uint8_t a[32], b[32], y[32];
  memset(a, *k->a, 32);
  memset(b, *k->b, 32);
  for (ptrdiff_t i = 0; i < k->count; i += 32) {
    size_t size = k->count - i < 32 ? (size_t)(k->count - i) : 32;
    const uint8_t *ownA = k->stepA ? k->a + i : a, *ownB = k->stepB ? k->b + i : b;
    if (size < 32) {
      ownA = memcpy(a, ownA, size);
      ownB = memcpy(b, ownB, size);
    }
#define PART(j) combined(k, &f, ownA + 8 * (j), ownB + 8 * (j), isProduct)
    __m256i bytes = packed(&f, PART(0), PART(1), PART(2), PART(3));
#undef PART
    if (size == 32) {
      _mm256_storeu_si256((__m256i *)(k->y + i), bytes);
    } else {
      _mm256_storeu_si256((__m256i *)y, bytes);
      memcpy(k->y + i, y, size);
    }
  }
}

ISA_TARGET static void combine(const ck_int8_combination *k) {
  if (k->operation == CK_INT8_MULTIPLY) {
    combine_run(k, 1);
  } else {
    combine_run(k, 0);
  }
}

#define ISA_HAS_BYTE_PERMUTE

// Sixteen entries at a time. A permutation answers 0 where the index's top bit is set, so an index
// that falls by 16 a time stops answering once it is below zero; the answers before add up, by
// exclusive or, to its entry. Indices of 128 and more start below zero and are looked up with their
// top bit turned.
#define LOOK_UP(VECTOR, LOAD, STORE, STEP, XOR, SHUFFLE, SUBTRACT, SET)         \
  {                                                                            \
    VECTOR low = LOAD((const VECTOR *)(x + i)), high = XOR(low, SET((char)0x80)); \
    VECTOR found = SET(0), other = found;                                      \
    _Pragma("unroll") for (int j = 0; j < 8; j++) {                            \
      found = XOR(found, SHUFFLE(STEP(j), low));                               \
      other = XOR(other, SHUFFLE(STEP(8 + j), high));                          \
      low = SUBTRACT(low, SET(16));                                            \
      high = SUBTRACT(high, SET(16));                                          \
    }                                                                          \
    STORE((VECTOR *)(y + i), XOR(found, other));                               \
  }
#define STEP16(j) _mm_loadu_si128((const __m128i *)(entries + 256 + 16 * (j)))
#define STEP32(j) _mm256_broadcastsi128_si256(STEP16(j))

ISA_TARGET static void table(const uint8_t *x, const uint8_t *entries, uint8_t *y,
                             ptrdiff_t count) {
  ptrdiff_t i = 0;
  for (; i + 32 <= count; i += 32)
    LOOK_UP(__m256i, _mm256_loadu_si256, _mm256_storeu_si256, STEP32, _mm256_xor_si256,
            _mm256_shuffle_epi8, _mm256_subs_epi8, _mm256_set1_epi8)
  for (; i + 16 <= count; i += 16)
    LOOK_UP(__m128i, _mm_loadu_si128, _mm_storeu_si128, STEP16, _mm_xor_si128, _mm_shuffle_epi8,
            _mm_subs_epi8, _mm_set1_epi8)
  for (; i < count; i++) y[i] = entries[x[i]];
}

ISA_TARGET static void depthwise_taps(const ck_int8_depthwise *p);

/// Pairs of taps that a filter may have at most.
#define PAIRS 64

// Eight or sixteen outputs of a row.
AVX2_INLINE void depthwise_outputs(const uint8_t *source, ptrdiff_t stride, __m256i spreading,
                                   const ptrdiff_t *offsets, const int32_t *weights, int pairs,
                                   int32_t *sums, int isWhole) {
  __m256i first = _mm256_setzero_si256(), second = first;
  for (int t = 0; t < pairs; t++) {
    const uint8_t *own = source + offsets[t];
    __m256i w = _mm256_set1_epi32(weights[t]);
    __m256i a = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)own));
    first = _mm256_add_epi32(first, _mm256_madd_epi16(_mm256_shuffle_epi8(a, spreading), w));
    if (!isWhole) continue;
    __m256i b = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(own + 8 * stride)));
    second = _mm256_add_epi32(second, _mm256_madd_epi16(_mm256_shuffle_epi8(b, spreading), w));
  }
  store_lanes(sums, first);
  if (isWhole) store_lanes(sums + 8, second);
}

AVX2_INLINE void depthwise_rows(const ck_int8_depthwise *p, __m256i spreading,
                                const ptrdiff_t *offsets, const int32_t *weights, int pairs) {
  const ptrdiff_t stride = p->stride, count = p->count;
  for (ptrdiff_t y = 0; y < p->rows; y++) {
    const uint8_t *top = p->input + y * p->strideHeight * p->pitch;
    int32_t *sums = p->sums + y * count;
    ptrdiff_t x = 0;
    for (; count - x > 8; x += 16)
      depthwise_outputs(top + x * stride, stride, spreading, offsets, weights, pairs, sums + x, 1);
    if (count > x)
      depthwise_outputs(top + x * stride, stride, spreading, offsets, weights, pairs, sums + x, 0);
  }
}

// Eight outputs at a time: the bytes under two taps of each are spread to 16 bits side by side and
// multiplied at once. Eight outputs with a stride and dilation of s and d reach 7 s + d + 1 bytes.
ISA_TARGET static void depthwise(const ck_int8_depthwise *p) {
  int perRow = (p->kernelWidth + 1) / 2, pairs = perRow * p->kernelHeight;
  if (7 * p->stride + p->dilation > 15 || pairs > PAIRS) {
    depthwise_taps(p);
    return;
  }
  uint8_t order[32];
  for (int i = 0; i < 16; i++) {
    order[2 * i] = (uint8_t)(i / 2 * p->stride + i % 2 * p->dilation);
    order[2 * i + 1] = 0x80;
  }
  const __m256i spreading = _mm256_loadu_si256((const __m256i *)order);
  ptrdiff_t offsets[PAIRS];
  int32_t weights[PAIRS];
  for (int t = 0; t < pairs; t++) {
    int row = t / perRow, column = t % perRow * 2;
    const int8_t *w = p->weights + row * ((p->kernelWidth + 3) / 4 * 4) + column;
    offsets[t] = (ptrdiff_t)row * p->dilationHeight * p->pitch + (ptrdiff_t)column * p->dilation;
    weights[t] = (int32_t)((uint32_t)(uint16_t)w[0] | (uint32_t)(uint16_t)w[1] << 16);
  }
  if (pairs == 6) {
    depthwise_rows(p, spreading, offsets, weights, 6);
  } else {
    depthwise_rows(p, spreading, offsets, weights, pairs);
  }
}

#include "int8.inc"
#endif
