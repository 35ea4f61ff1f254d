#if defined(__x86_64__)
#include <immintrin.h>

#include "sets.h"

#define ISA_NAME "avx512 vnni"
#define ISA_TABLE ck_int8_avx512_vbmi
#define ISA_TARGET \
  __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx512vnni,avx512vbmi,fma")))
#define ISA_HAS_BYTE_PERMUTE

#include "int8_avx512.inc"

// A table of 256 bytes in four registers: two permutations over 128 bytes each, and a choice by the
// top bit.
ISA_TARGET static void table(const uint8_t *x, const uint8_t *entries, uint8_t *y,
                             ptrdiff_t count) {
  __m512i a = _mm512_loadu_si512(entries), b = _mm512_loadu_si512(entries + 64);
  __m512i c = _mm512_loadu_si512(entries + 128), d = _mm512_loadu_si512(entries + 192);
  for (ptrdiff_t i = 0; i < count; i += 64) {
    __mmask64 kept = count - i >= 64 ? ~0ull : (1ull << (count - i)) - 1;
    __m512i index = _mm512_maskz_loadu_epi8(kept, x + i);
    __m512i low = _mm512_permutex2var_epi8(a, index, b);
    __m512i high = _mm512_permutex2var_epi8(c, index, d);
    _mm512_mask_storeu_epi8(y + i, kept,
                            _mm512_mask_blend_epi8(_mm512_movepi8_mask(index), low, high));
  }
}

// Sixteen outputs at a time: the four bytes under four taps of each are brought side by side and
// multiplied at once. 16 outputs with a stride and dilation of s and d reach 15 s + 3 d + 1 bytes.
AVX512_INLINE void depthwise_rows(const ck_int8_depthwise *p, const int fours) {
  uint8_t order[64];
  for (int i = 0; i < 64; i++) order[i] = (uint8_t)(i / 4 * p->stride + i % 4 * p->dilation);
  __m512i spreading = _mm512_loadu_si512(order);
  ptrdiff_t rowOfWeights = 4 * fours;
  for (ptrdiff_t y = 0; y < p->rows; y++) {
    const uint8_t *top = p->input + y * p->strideHeight * p->pitch;
    int32_t *sums = p->sums + y * p->count;
    for (ptrdiff_t x = 0; x < p->count; x += 32) {
      __m512i first = _mm512_setzero_si512(), second = first;
      for (int i = 0; i < p->kernelHeight; i++) {
        const uint8_t *row = top + (ptrdiff_t)i * p->dilationHeight * p->pitch + x * p->stride;
        for (int j = 0; j < fours; j++) {
          const uint8_t *source = row + 4 * (ptrdiff_t)j * p->dilation;
          int32_t four;
          __builtin_memcpy(&four, p->weights + i * rowOfWeights + 4 * j, 4);
          __m512i w = _mm512_set1_epi32(four);
          __m512i a = _mm512_loadu_si512(source);
          __m512i b = _mm512_loadu_si512(source + 16 * p->stride);
          first = _mm512_dpbusd_epi32(first, _mm512_permutexvar_epi8(spreading, a), w);
          second = _mm512_dpbusd_epi32(second, _mm512_permutexvar_epi8(spreading, b), w);
        }
      }
      ptrdiff_t left = p->count - x;
      __mmask16 k = left >= 16 ? 0xffff : (__mmask16)((1u << left) - 1);
      _mm512_mask_storeu_epi32(sums + x, k, first);
      if (left > 16) {
        k = left >= 32 ? 0xffff : (__mmask16)((1u << (left - 16)) - 1);
        _mm512_mask_storeu_epi32(sums + x + 16, k, second);
      }
    }
  }
}

ISA_TARGET static void depthwise_taps(const ck_int8_depthwise *p);

ISA_TARGET static void depthwise(const ck_int8_depthwise *p) {
  if (15 * p->stride + 3 * p->dilation > 63) {
    depthwise_taps(p);
  } else if (p->kernelWidth <= 4) {
    depthwise_rows(p, 1);
  } else if (p->kernelWidth <= 8) {
    depthwise_rows(p, 2);
  } else {
    depthwise_rows(p, (p->kernelWidth + 3) / 4);
  }
}

#include "int8.inc"
#endif
