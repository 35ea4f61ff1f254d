#ifndef COMPRESS_CWEBP_SHIM_H
#define COMPRESS_CWEBP_SHIM_H
#include <webp/decode.h>
#endif
