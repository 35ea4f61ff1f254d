#include "CProcess.h"

#ifdef __linux__
#include <sys/prctl.h>
#endif

int compress_signal_at_parent_death(int signal_number) {
#ifdef __linux__
  return prctl(PR_SET_PDEATHSIG, (unsigned long)signal_number, 0, 0, 0);
#else
  (void)signal_number;
  return -1;
#endif
}
