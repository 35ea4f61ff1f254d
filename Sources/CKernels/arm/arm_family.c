#include "sets.h"

// AArch64. There are no kernels of its own yet; the portable ones, whose vectors of four floats
// are what NEON's registers hold, serve it.
const ck_family_sets ck_arm = {NULL, 0};
