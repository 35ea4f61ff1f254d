#ifndef COMPRESS_CPNG_SHIM_H
#define COMPRESS_CPNG_SHIM_H
#include <png.h>
#endif
