#include <string.h>

#include "CKernels.h"
#include "int8.h"

extern const ck_int8_kernels ck_int8_portable;
#if defined(__x86_64__)
extern const ck_int8_kernels ck_int8_avx2;
extern const ck_int8_kernels ck_int8_avx512;
extern const ck_int8_kernels ck_int8_avx512_vbmi;
#endif

const ck_int8_kernels *ck_int8_kernels_for(int isa) {
#if defined(__x86_64__)
  ck_isa best = ck_best_isa();
  if (isa > (int)best) isa = (int)best;
  if (isa == CK_AVX512 && __builtin_cpu_supports("avx512vnni"))
    return __builtin_cpu_supports("avx512vbmi") ? &ck_int8_avx512_vbmi : &ck_int8_avx512;
  if (isa >= CK_AVX2) return &ck_int8_avx2;
#else
  (void)isa;
#endif
  return &ck_int8_portable;
}

void ck_int8_prepare_table(const uint8_t *entries, uint8_t *table) {
  memmove(table, entries, 256);
  for (int i = 0; i < 256; i++) table[256 + i] = table[i] ^ (i % 128 < 16 ? 0 : table[i - 16]);
}
