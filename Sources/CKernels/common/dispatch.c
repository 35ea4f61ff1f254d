#include "sets.h"

// Every family there is. Those of other architectures have no sets in this build.
static const ck_family_sets *const families[] = {&ck_x86, &ck_arm, &ck_portable};

const ck_instruction_set *ck_supported_set(size_t place) {
  for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
    for (size_t i = 0; i < families[f]->count; i++) {
      const ck_instruction_set *set = families[f]->sets + i;
      if (set->isSupported() && place-- == 0) return set;
    }
  }
  return NULL;
}
