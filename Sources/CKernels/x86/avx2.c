#if defined(__x86_64__)
#include <immintrin.h>

#define ISA_NAME "avx2"
#define ISA_TABLE ck_kernels_avx2
#define ISA_GRADIENT_TABLE ck_gradient_kernels_avx2
#define ISA_TARGET __attribute__((target("avx2,fma")))
#define VECTOR_LENGTH 8
#define REGISTER_ROWS 4
#define EVEN_LANES 0, 2, 4, 6, 8, 10, 12, 14
#define ODD_LANES 1, 3, 5, 7, 9, 11, 13, 15
#include "vector.inc"

INLINE __m256i lanes_between(int first, int end) {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_andnot_si256(_mm256_cmpgt_epi32(_mm256_set1_epi32(first), lane),
                             _mm256_cmpgt_epi32(_mm256_set1_epi32(end), lane));
}
INLINE vf load_lanes(const float *p, int first, int end) {
  return (vf)_mm256_maskload_ps(p, lanes_between(first, end));
}
INLINE void store_part(float *p, vf v, int count) {
  if (count >= VECTOR_LENGTH) {
    store(p, v);
  } else {
    _mm256_maskstore_ps(p, lanes_between(0, count), (__m256)v);
  }
}

// Twelve sums, three vectors and a weight fill the registers; left to themselves, compilers spill
// sums.
INLINE void add_products(vf *sum, const float *weight, const vf *x, const int vectors) {
  if (vectors == 3) {
    vf w;
    __asm__(
        "vbroadcastss %7, %3\n\t"
        "vfmadd231ps %4, %3, %0\n\t"
        "vfmadd231ps %5, %3, %1\n\t"
        "vfmadd231ps %6, %3, %2"
        : "+x"(sum[0]), "+x"(sum[1]), "+x"(sum[2]), "=&x"(w)
        : "x"(x[0]), "x"(x[1]), "x"(x[2]), "m"(*weight));
  } else {
    for (int j = 0; j < vectors; j++) sum[j] += splat(*weight) * x[j];
  }
}

#include "kernels.inc"
#endif
