#include "CKernels.h"

extern const ck_kernels ck_kernels_portable;
extern const ck_gradient_kernels ck_gradient_kernels_portable;
#if defined(__x86_64__)
extern const ck_kernels ck_kernels_avx2;
extern const ck_kernels ck_kernels_avx512;
extern const ck_gradient_kernels ck_gradient_kernels_avx2;
extern const ck_gradient_kernels ck_gradient_kernels_avx512;
#endif

ck_isa ck_best_isa(void) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq"))
    return CK_AVX512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return CK_AVX2;
#endif
  return CK_PORTABLE;
}

const ck_kernels *ck_kernels_for(ck_isa isa) {
#if defined(__x86_64__)
  ck_isa best = ck_best_isa();
  if (isa > best) isa = best;
  if (isa == CK_AVX512) return &ck_kernels_avx512;
  if (isa == CK_AVX2) return &ck_kernels_avx2;
#else
  (void)isa;
#endif
  return &ck_kernels_portable;
}

const ck_gradient_kernels *ck_gradient_kernels_for(ck_isa isa) {
#if defined(__x86_64__)
  ck_isa best = ck_best_isa();
  if (isa > best) isa = best;
  if (isa == CK_AVX512) return &ck_gradient_kernels_avx512;
  if (isa == CK_AVX2) return &ck_gradient_kernels_avx2;
#else
  (void)isa;
#endif
  return &ck_gradient_kernels_portable;
}
