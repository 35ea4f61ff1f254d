#define PACK_CHANNELS ck_int8_pack_portable

#include "int8_interleave_scalar.inc"

static void interleave(const uint8_t *const rows[4], ptrdiff_t stride, ptrdiff_t count,
                       uint32_t flips, int mayOverread, uint8_t *output) {
  (void)mayOverread;
  interleave_scalar(rows, stride, 0, count, flips, output);
}

#include "int8_pack.inc"
