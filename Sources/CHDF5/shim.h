#ifndef COMPRESS_CHDF5_SHIM_H
#define COMPRESS_CHDF5_SHIM_H
#include <hdf5.h>
#endif
