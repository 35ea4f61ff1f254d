#ifndef COMPRESS_CKERNELS_SETS_H
#define COMPRESS_CKERNELS_SETS_H

#include "CKernels.h"

// What the files of this target share: the families that dispatch knows, and the kernels that their
// instruction sets are put together of. A family is a folder, and a line in `dispatch.c`.

extern const ck_family_sets ck_portable, ck_x86, ck_arm;

extern const ck_kernels ck_kernels_portable;
extern const ck_gradient_kernels ck_gradient_kernels_portable;
extern const ck_int8_kernels ck_int8_portable;
void ck_int8_pack_portable(const ck_int8_pack *pack);

#if defined(__x86_64__)
extern const ck_kernels ck_kernels_avx2, ck_kernels_avx512;
extern const ck_gradient_kernels ck_gradient_kernels_avx2, ck_gradient_kernels_avx512;
extern const ck_int8_kernels ck_int8_avx2, ck_int8_avx512_vnni, ck_int8_avx512_vbmi;
void ck_int8_pack_sse2(const ck_int8_pack *pack);
#endif

#endif
