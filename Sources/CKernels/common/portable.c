#define ISA_NAME "portable"
#define ISA_TABLE ck_kernels_portable
#define ISA_GRADIENT_TABLE ck_gradient_kernels_portable
#define ISA_TARGET
#define VECTOR_LENGTH 4
#define REGISTER_ROWS 4
#define EVEN_LANES 0, 2, 4, 6
#define ODD_LANES 1, 3, 5, 7
#include "vector.inc"

INLINE vf load_lanes(const float *p, int first, int end) {
  vf lanes = splat(0.f);
  for (int i = first; i < end && i < VECTOR_LENGTH; i++) lanes[i] = p[i];
  return lanes;
}
INLINE void store_part(float *p, vf v, int count) {
  if (count >= VECTOR_LENGTH) {
    store(p, v);
  } else {
    for (int i = 0; i < count; i++) p[i] = v[i];
  }
}

INLINE void add_products(vf *sum, const float *weight, const vf *x, const int vectors) {
  for (int j = 0; j < vectors; j++) sum[j] += splat(*weight) * x[j];
}

#include "kernels.inc"
