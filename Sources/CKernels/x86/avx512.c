#if defined(__x86_64__)
#include <immintrin.h>

#define ISA_NAME "avx512"
#define ISA_TABLE ck_kernels_avx512
#define ISA_GRADIENT_TABLE ck_gradient_kernels_avx512
#define ISA_TARGET __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,fma")))
#define VECTOR_LENGTH 16
#define REGISTER_ROWS 8
#define EVEN_LANES 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define ODD_LANES 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#include "vector.inc"

INLINE vf load_lanes(const float *p, int first, int end) {
  __mmask16 lanes = (__mmask16)(((1u << end) - 1) & ~((1u << first) - 1));
  return (vf)_mm512_maskz_loadu_ps(lanes, p);
}
INLINE void store_part(float *p, vf v, int count) {
  if (count >= VECTOR_LENGTH) {
    store(p, v);
  } else {
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << count) - 1), (__m512)v);
  }
}

INLINE void add_products(vf *sum, const float *weight, const vf *x, const int vectors) {
  for (int j = 0; j < vectors; j++) sum[j] += splat(*weight) * x[j];
}

#include "kernels.inc"
#endif
