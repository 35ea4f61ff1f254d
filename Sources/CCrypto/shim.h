#ifndef COMPRESS_CCRYPTO_SHIM_H
#define COMPRESS_CCRYPTO_SHIM_H
#include <openssl/evp.h>
#endif
