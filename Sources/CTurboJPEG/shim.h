#ifndef COMPRESS_CTURBOJPEG_SHIM_H
#define COMPRESS_CTURBOJPEG_SHIM_H
#include <turbojpeg.h>
#endif
