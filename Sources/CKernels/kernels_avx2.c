#if defined(__x86_64__)
#define ISA_NAME "avx2"
#define ISA_TABLE ck_kernels_avx2
#define ISA_GRADIENT_TABLE ck_gradient_kernels_avx2
#define VECTOR_LENGTH 8
#define ISA_TARGET __attribute__((target("avx2,fma")))
#include "kernels.inc"
#endif
