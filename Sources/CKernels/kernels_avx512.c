#if defined(__x86_64__)
#define ISA_NAME "avx512"
#define ISA_TABLE ck_kernels_avx512
#define ISA_GRADIENT_TABLE ck_gradient_kernels_avx512
#define VECTOR_LENGTH 16
#define ISA_TARGET __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,fma")))
#include "kernels.inc"
#endif
