#ifndef COMPRESS_CPNG_SHIM_H
#define COMPRESS_CPNG_SHIM_H
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// libpng's formats and flags are macros with casts, which Swift cannot import; its errors are longjmps, which must not
// cross Swift frames. So reading stands here as a whole.
static inline void compress_png_image_init(png_image *image) {
  memset(image, 0, sizeof *image);
  image->version = PNG_IMAGE_VERSION;
}
static inline png_uint_32 compress_png_format_rgb(void) { return PNG_FORMAT_RGB; }

typedef struct {
  const unsigned char *bytes;
  size_t count;
  size_t offset;
  char message[128];
} compress_png_source;

static void compress_png_read(png_structp png, png_bytep target, size_t count) {
  compress_png_source *source = (compress_png_source *)png_get_io_ptr(png);
  if (count > source->count - source->offset) png_error(png, "the file ends too early");
  memcpy(target, source->bytes + source->offset, count);
  source->offset += count;
}

static void compress_png_fail(png_structp png, png_const_charp text) {
  compress_png_source *source = (compress_png_source *)png_get_error_ptr(png);
  snprintf(source->message, sizeof source->message, "%s", text);
  png_longjmp(png, 1);
}

static void compress_png_warn(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

// Reads a PNG file as 8-bit RGB: palettes and low depths are expanded, of 16 bits the upper 8 are kept, alpha and
// transparent colours are dropped, gamma is left alone. `pixels` has room for `width` × `height` of them, which the
// file must declare. Returns 1, or 0 with a message.
static inline int compress_png_decode(
    const unsigned char *bytes, size_t count, unsigned char *pixels, png_uint_32 width,
    png_uint_32 height, char message[128]) {
  compress_png_source source = {bytes, count, 0, ""};
  png_structp png = png_create_read_struct(
      PNG_LIBPNG_VER_STRING, &source, compress_png_fail, compress_png_warn);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  if (!info) {
    png_destroy_read_struct(&png, NULL, NULL);
    strcpy(message, "out of memory");
    return 0;
  }
  if (setjmp(png_jmpbuf(png))) {
    png_destroy_read_struct(&png, &info, NULL);
    memcpy(message, source.message, sizeof source.message);
    return 0;
  }
  png_set_read_fn(png, &source, compress_png_read);
  // Chunks of text, profiles and the like are of no use and may be bombs of their own.
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
  png_set_chunk_malloc_max(png, 1 << 20);
  png_set_user_limits(png, 1 << 20, 1 << 20);
  png_read_info(png, info);
  if (png_get_image_width(png, info) != width || png_get_image_height(png, info) != height)
    png_error(png, "it declares other extents than its header");
  png_set_palette_to_rgb(png);
  png_set_expand_gray_1_2_4_to_8(png);
  png_set_strip_16(png);
  png_set_gray_to_rgb(png);
  png_set_strip_alpha(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  size_t stride = (size_t)width * 3;
  if (png_get_rowbytes(png, info) != stride) png_error(png, "its pixels cannot be read as RGB");
  for (int pass = png_set_interlace_handling(png); pass > 0; pass--)
    for (size_t row = 0; row < height; row++)
      png_read_row(png, pixels + row * stride, NULL);
  png_read_end(png, NULL);
  png_destroy_read_struct(&png, &info, NULL);
  return 1;
}
#endif
