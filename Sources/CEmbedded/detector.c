#include "CEmbedded.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char detector[] = {
#embed "default.onnx"
};

const unsigned char *compress_default_detector(void) { return detector; }

size_t compress_default_detector_size(void) { return sizeof detector; }
