#include "sets.h"

static int always(void) { return 1; }

static const ck_instruction_set sets[] = {
    {
        .name = "portable",
        .family = CK_PORTABLE,
        .isSupported = always,
        .kernels = &ck_kernels_portable,
        .gradientKernels = &ck_gradient_kernels_portable,
        .int8Kernels = &ck_int8_portable,
    },
};

const ck_family_sets ck_portable = {sets, sizeof sets / sizeof *sets};
