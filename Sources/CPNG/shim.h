#ifndef COMPRESS_CPNG_SHIM_H
#define COMPRESS_CPNG_SHIM_H
#include <png.h>
#include <string.h>

// libpng's formats and flags are macros with casts, which Swift cannot import.
static inline void compress_png_image_init(png_image *image) {
  memset(image, 0, sizeof *image);
  image->version = PNG_IMAGE_VERSION;
}
static inline png_uint_32 compress_png_format_rgb(void) { return PNG_FORMAT_RGB; }
static inline png_uint_32 compress_png_format_rgba(void) { return PNG_FORMAT_RGBA; }
static inline png_uint_32 compress_png_flag_16bit_srgb(void) { return PNG_IMAGE_FLAG_16BIT_sRGB; }
static inline int compress_png_failed(const png_image *image) { return PNG_IMAGE_FAILED(*image); }
#endif
