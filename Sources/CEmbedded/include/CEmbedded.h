#ifndef COMPRESS_CEMBEDDED_H
#define COMPRESS_CEMBEDDED_H

#include <stddef.h>

/// The bytes of the default detector, an ONNX file.
const unsigned char *compress_default_detector(void);
/// How many there are.
size_t compress_default_detector_size(void);

#endif
