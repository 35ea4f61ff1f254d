#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "int8.h"

// output[q] = the four rows' bytes at q · stride, xored with the flips. With a stride of 2, and
// beyond the last whole vector, rows are read up to 32 bytes further than asked for.
static void interleave_scalar(const uint8_t *const rows[4], ptrdiff_t stride, ptrdiff_t first,
                              ptrdiff_t count, uint32_t flips, uint8_t *output) {
  for (ptrdiff_t q = first; q < count; q++) {
    uint8_t four[4];
    for (int j = 0; j < 4; j++) four[j] = rows[j][q * stride];
    uint32_t position;
    memcpy(&position, four, 4);
    position ^= flips;
    memcpy(output + 4 * q, &position, 4);
  }
}

#if defined(__SSE2__)
static inline __m128i sixteen(const uint8_t *row, ptrdiff_t q, ptrdiff_t stride) {
  if (stride == 1) return _mm_loadu_si128((const __m128i *)(row + q));
  const __m128i even = _mm_set1_epi16(0xff);
  __m128i a = _mm_loadu_si128((const __m128i *)(row + 2 * q));
  __m128i b = _mm_loadu_si128((const __m128i *)(row + 2 * q + 16));
  return _mm_packus_epi16(_mm_and_si128(a, even), _mm_and_si128(b, even));
}

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
#else
static void interleave(const uint8_t *const rows[4], ptrdiff_t stride, ptrdiff_t count,
                       uint32_t flips, int mayOverread, uint8_t *output) {
  (void)mayOverread;
  interleave_scalar(rows, stride, 0, count, flips, output);
}
#endif

void ck_int8_pack_channels(const ck_int8_pack *k) {
  ptrdiff_t padded = k->strideWidth * k->pitch, bufferRow = padded + 64;
  uint8_t flipBytes[4] = {0, 0, 0, 0};
  uint8_t *buffers[5];
  for (int j = 0; j < 5; j++) buffers[j] = k->buffer + j * bufferRow;
  for (int j = 0; j < k->channels; j++) {
    flipBytes[j] = k->flip;
    memset(buffers[j], k->zero, (size_t)bufferRow);
  }
  memset(buffers[4], 0, (size_t)bufferRow);
  uint32_t flips;
  memcpy(&flips, flipBytes, 4);
  int isDirect = k->padLeft == 0 && padded == k->width && k->strideWidth == 1;
  ptrdiff_t kept = padded - k->padLeft < k->width ? padded - k->padLeft : k->width;
  const uint8_t *rows[4];
  for (ptrdiff_t phase = 0; phase < k->strideHeight; phase++) {
    for (ptrdiff_t row = 0; row < k->rows; row++) {
      ptrdiff_t y = row * k->strideHeight + phase - k->padTop;
      int isInside = y >= 0 && y < k->height;
      for (int j = 0; j < 4; j++) {
        rows[j] = buffers[j < k->channels ? j : 4];
        if (j >= k->channels) continue;
        const uint8_t *source = k->input + (j * k->height + y) * k->width;
        if (!isInside) {
          memset(buffers[j], k->zero, (size_t)padded);
        } else if (isDirect) {
          rows[j] = source;
        } else {
          memset(buffers[j], k->zero, (size_t)k->padLeft);
          if (kept > 0) memcpy(buffers[j] + k->padLeft, source, (size_t)kept);
        }
      }
      for (ptrdiff_t column = 0; column < k->strideWidth; column++) {
        const uint8_t *shifted[4];
        for (int j = 0; j < 4; j++) shifted[j] = rows[j] + column;
        uint8_t *output =
            k->output + 4 * k->pitch * ((phase * k->strideWidth + column) * k->rows + row);
        interleave(shifted, k->strideWidth, k->pitch, flips, !isDirect, output);
      }
    }
  }
}
