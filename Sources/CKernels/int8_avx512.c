#if defined(__x86_64__)
#include <immintrin.h>

#include "int8.h"

#define ISA_NAME "avx512 vnni"
#define ISA_TABLE ck_int8_avx512
#define ISA_TARGET __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx512vnni,fma")))
#define VECTOR_LENGTH 16
#define BLOCK_ROWS 8
#define BLOCK_VECTORS 3

#define AVX512_INLINE ISA_TARGET static inline __attribute__((always_inline))

typedef __m512i bytes_t;
typedef __m512i weights_t;
typedef __m512i lanes_t;

AVX512_INLINE bytes_t load_bytes(const uint8_t *p) { return _mm512_loadu_si512(p); }
AVX512_INLINE lanes_t zero_lanes(void) { return _mm512_setzero_si512(); }
AVX512_INLINE void store_lanes(int32_t *p, lanes_t v) { _mm512_storeu_si512(p, v); }
AVX512_INLINE lanes_t add_lanes(lanes_t a, lanes_t b) { return _mm512_add_epi32(a, b); }
AVX512_INLINE weights_t spread(const int8_t *w) {
  int32_t four;
  __builtin_memcpy(&four, w, 4);
  return _mm512_set1_epi32(four);
}
AVX512_INLINE lanes_t dot(lanes_t sum, bytes_t x, weights_t w) {
  return _mm512_dpbusd_epi32(sum, x, w);
}

#include "int8.inc"
#endif
