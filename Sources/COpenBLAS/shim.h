#ifndef COMPRESS_COPENBLAS_SHIM_H
#define COMPRESS_COPENBLAS_SHIM_H
#include <cblas.h>
#endif
