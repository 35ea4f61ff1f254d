#if defined(__x86_64__)
#include <immintrin.h>

#include "sets.h"

#define ISA_NAME "avx512 vnni"
#define ISA_TABLE ck_int8_avx512_vnni
#define ISA_TARGET __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx512vnni,fma")))

#include "int8_avx512.inc"

#include "int8.inc"
#endif
