#if defined(__x86_64__)
#include <emmintrin.h>

// Sixteen positions at a time. A file of its own, since every CPU of the family has SSE2, and since
// with more than that compilers join its shuffles to slower ones.
#define PACK_CHANNELS ck_int8_pack_sse2

#include "int8_interleave_scalar.inc"

static inline __m128i sixteen(const uint8_t *row, ptrdiff_t q, ptrdiff_t stride) {
  if (stride == 1) return _mm_loadu_si128((const __m128i *)(row + q));
  const __m128i even = _mm_set1_epi16(0xff);
  __m128i a = _mm_loadu_si128((const __m128i *)(row + 2 * q));
  __m128i b = _mm_loadu_si128((const __m128i *)(row + 2 * q + 16));
  return _mm_packus_epi16(_mm_and_si128(a, even), _mm_and_si128(b, even));
}

// With a stride of 2, and beyond the last whole vector, rows are read up to 32 bytes further than
// asked for.
static void interleave(const uint8_t *const rows[4], ptrdiff_t stride, ptrdiff_t count,
                       uint32_t flips, int mayOverread, uint8_t *output) {
  if (stride > 2) {
    interleave_scalar(rows, stride, 0, count, flips, output);
    return;
  }
  const __m128i flip = _mm_set1_epi32((int)flips);
  ptrdiff_t q = 0;
  for (; q < count; q += 16) {
    if (q + 16 > count && !mayOverread) break;
    __m128i a = sixteen(rows[0], q, stride), b = sixteen(rows[1], q, stride);
    __m128i c = sixteen(rows[2], q, stride), d = sixteen(rows[3], q, stride);
    __m128i abLow = _mm_unpacklo_epi8(a, b), abHigh = _mm_unpackhi_epi8(a, b);
    __m128i cdLow = _mm_unpacklo_epi8(c, d), cdHigh = _mm_unpackhi_epi8(c, d);
    __m128i out[4] = {
        _mm_xor_si128(_mm_unpacklo_epi16(abLow, cdLow), flip),
        _mm_xor_si128(_mm_unpackhi_epi16(abLow, cdLow), flip),
        _mm_xor_si128(_mm_unpacklo_epi16(abHigh, cdHigh), flip),
        _mm_xor_si128(_mm_unpackhi_epi16(abHigh, cdHigh), flip),
    };
    if (q + 16 <= count) {
      for (int i = 0; i < 4; i++) _mm_storeu_si128((__m128i *)(output + 4 * q) + i, out[i]);
    } else {
      memcpy(output + 4 * q, out, (size_t)(4 * (count - q)));
    }
  }
  if (q < count) interleave_scalar(rows, stride, q, count, flips, output);
}

#include "int8_pack.inc"
#endif
