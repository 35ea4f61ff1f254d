#include "sets.h"

#if defined(__x86_64__)
static int has_avx2(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static int has_avx512(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
}

static int has_vnni(void) { return has_avx512() && __builtin_cpu_supports("avx512vnni"); }

static int has_vbmi(void) { return has_vnni() && __builtin_cpu_supports("avx512vbmi"); }

#define SET(NAME, SUPPORTED, FLOATS, INTEGERS)              \
  {                                                         \
      .name = NAME,                                         \
      .family = CK_X86,                                     \
      .isSupported = SUPPORTED,                             \
      .kernels = &ck_kernels_##FLOATS,                      \
      .gradientKernels = &ck_gradient_kernels_##FLOATS,     \
      .int8Kernels = &ck_int8_##INTEGERS,                   \
  }

static const ck_instruction_set sets[] = {
    SET("avx512 vbmi", has_vbmi, avx512, avx512_vbmi),
    SET("avx512 vnni", has_vnni, avx512, avx512_vnni),
    SET("avx512", has_avx512, avx512, avx2),
    SET("avx2", has_avx2, avx2, avx2),
};

const ck_family_sets ck_x86 = {sets, sizeof sets / sizeof *sets};
#else
const ck_family_sets ck_x86 = {NULL, 0};
#endif
