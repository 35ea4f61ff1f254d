#include "sets.h"

#define ISA_NAME "portable"
#define ISA_TABLE ck_int8_portable
#define ISA_PACK_CHANNELS ck_int8_pack_portable
#define ISA_TARGET
#define VECTOR_LENGTH 4
#define BLOCK_ROWS 2
#define BLOCK_VECTORS 2

typedef uint8_t bytes_t __attribute__((ext_vector_type(16)));
typedef bytes_t unaligned_bytes_t __attribute__((aligned(1)));
typedef int32_t lanes_t __attribute__((ext_vector_type(4)));
typedef lanes_t unaligned_lanes_t __attribute__((aligned(4)));
typedef lanes_t weights_t;

static inline bytes_t load_bytes(const uint8_t *p) { return *(const unaligned_bytes_t *)p; }
static inline lanes_t zero_lanes(void) { return (lanes_t)(0); }
static inline void store_lanes(int32_t *p, lanes_t v) { *(unaligned_lanes_t *)p = v; }
static inline lanes_t add_lanes(lanes_t a, lanes_t b) { return a + b; }
static inline weights_t spread(const int8_t *w) { return (weights_t){w[0], w[1], w[2], w[3]}; }
static inline lanes_t dot(lanes_t sum, bytes_t x, weights_t w) {
  sum += __builtin_convertvector(x.s048c, lanes_t) * w[0];
  sum += __builtin_convertvector(x.s159d, lanes_t) * w[1];
  sum += __builtin_convertvector(x.s26ae, lanes_t) * w[2];
  return sum + __builtin_convertvector(x.s37bf, lanes_t) * w[3];
}

typedef bytes_t pairs_t;
typedef weights_t pair_weights_t;
#define load_pairs load_bytes
#define spread_pairs spread

static inline lanes_t within_16_bits(lanes_t v) {
  v = v < (lanes_t)(-32768) ? (lanes_t)(-32768) : v;
  return v > (lanes_t)(32767) ? (lanes_t)(32767) : v;
}
static inline lanes_t dot_pairs(lanes_t sum, pairs_t x, pair_weights_t w) {
  sum += within_16_bits(__builtin_convertvector(x.s048c, lanes_t) * w[0] +
                        __builtin_convertvector(x.s159d, lanes_t) * w[1]);
  return sum + within_16_bits(__builtin_convertvector(x.s26ae, lanes_t) * w[2] +
                              __builtin_convertvector(x.s37bf, lanes_t) * w[3]);
}

#include "int8.inc"
