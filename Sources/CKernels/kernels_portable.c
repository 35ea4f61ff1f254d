#define ISA_NAME "portable"
#define ISA_TABLE ck_kernels_portable
#define ISA_GRADIENT_TABLE ck_gradient_kernels_portable
#define VECTOR_LENGTH 4
#define ISA_TARGET
#include "kernels.inc"
