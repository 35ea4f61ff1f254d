#if defined(__x86_64__)
#include <immintrin.h>

#include "int8.h"

#define ISA_NAME "avx2"
#define ISA_TABLE ck_int8_avx2
#define ISA_TARGET __attribute__((target("avx2,fma")))
#define VECTOR_LENGTH 8
#define BLOCK_ROWS 4
#define BLOCK_VECTORS 2

#define AVX2_INLINE ISA_TARGET static inline __attribute__((always_inline))

// Bytes as 16-bit numbers, those of even and of odd places: products of pairs fit 32 bits exactly.
typedef struct {
  __m256i even;
  __m256i odd;
} bytes_t;
typedef bytes_t weights_t;
typedef __m256i lanes_t;

AVX2_INLINE bytes_t load_bytes(const uint8_t *p) {
  __m256i x = _mm256_loadu_si256((const __m256i *)p);
  return (bytes_t){_mm256_and_si256(x, _mm256_set1_epi16(0xff)), _mm256_srli_epi16(x, 8)};
}
AVX2_INLINE lanes_t zero_lanes(void) { return _mm256_setzero_si256(); }
AVX2_INLINE void store_lanes(int32_t *p, lanes_t v) { _mm256_storeu_si256((__m256i *)p, v); }
AVX2_INLINE lanes_t add_lanes(lanes_t a, lanes_t b) { return _mm256_add_epi32(a, b); }
AVX2_INLINE weights_t spread(const int8_t *w) {
  int32_t four;
  __builtin_memcpy(&four, w, 4);
  __m256i all = _mm256_set1_epi32(four);
  return (weights_t){_mm256_srai_epi16(_mm256_slli_epi16(all, 8), 8), _mm256_srai_epi16(all, 8)};
}
AVX2_INLINE lanes_t dot(lanes_t sum, bytes_t x, weights_t w) {
  sum = _mm256_add_epi32(sum, _mm256_madd_epi16(x.even, w.even));
  return _mm256_add_epi32(sum, _mm256_madd_epi16(x.odd, w.odd));
}

typedef __m256i pairs_t;
typedef __m256i pair_weights_t;

AVX2_INLINE pairs_t load_pairs(const uint8_t *p) {
  return _mm256_loadu_si256((const __m256i *)p);
}
AVX2_INLINE pair_weights_t spread_pairs(const int8_t *w) {
  int32_t four;
  __builtin_memcpy(&four, w, 4);
  return _mm256_set1_epi32(four);
}
AVX2_INLINE lanes_t dot_pairs(lanes_t sum, pairs_t x, pair_weights_t w) {
  __m256i pairs = _mm256_maddubs_epi16(x, w);
  return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

#include "int8.inc"
#endif
