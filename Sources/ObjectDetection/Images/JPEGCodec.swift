import CTurboJPEG
import Foundation

/// JPEG through libjpeg-turbo: the accurate inverse DCT and smooth chroma upsampling.
enum JPEGCodec {
  static func size(_ data: Data, file: String) throws -> (width: Int, height: Int) {
    try withDecoder(data, file: file) { decoder, bytes, length in
      let header = try header(decoder, bytes, length, file)
      return (header.width, header.height)
    }
  }

  static func decode(_ data: Data, file: String) throws -> PixelBuffer {
    try withDecoder(data, file: file) { decoder, bytes, length in
      let header = try header(decoder, bytes, length, file)
      let isCMYK =
        header.space == Int32(TJCS_CMYK.rawValue) || header.space == Int32(TJCS_YCCK.rawValue)
      let channels = isCMYK ? 4 : 3
      let count = header.width * header.height * channels
      try JPEGStructure(UnsafeRawBufferPointer(start: bytes, count: Int(length)))
        .check(pixelBytes: count, file: file)
      let format = isCMYK ? TJPF_CMYK : TJPF_RGB
      let pixels = try [UInt8](unsafeUninitializedCapacity: count) { target, written in
        let status = tjDecompress2(
          decoder, bytes, length, target.baseAddress, Int32(header.width), 0,
          Int32(header.height), format.rawValue, TJFLAG_ACCURATEDCT)
        if status != 0 {
          let reason = message(decoder)
          // Stray bytes between markers lose no pixel, so that warning is ignored. Every other
          // warning is an error.
          guard tjGetErrorCode(decoder) == Int32(TJERR_WARNING.rawValue),
            reason.contains("extraneous")
          else { throw ImageError.damaged(file: file, reason: reason) }
        }
        written = isCMYK ? convert(invertedCMYK: target) : count
      }
      return PixelBuffer(width: header.width, height: header.height, pixels: pixels)
    }
  }

  static func encode(_ image: PixelBuffer, quality: Int32) throws -> Data {
    guard let encoder = tjInitCompress() else { throw ImageError.encoding("no encoder") }
    defer { tjDestroy(encoder) }
    var output: UnsafeMutablePointer<UInt8>?
    var size: UInt = 0
    defer { tjFree(output) }
    let status = tjCompress2(
      encoder, image.pixels, Int32(image.width), 0, Int32(image.height), TJPF_RGB.rawValue,
      &output, &size, Int32(TJSAMP_444.rawValue), quality, TJFLAG_ACCURATEDCT)
    guard status == 0, let output else { throw ImageError.encoding(message(encoder)) }
    return Data(bytes: output, count: Int(size))
  }

  private static func withDecoder<Result>(
    _ data: Data, file: String,
    _ body: (tjhandle, UnsafePointer<UInt8>, UInt) throws -> Result
  ) throws -> Result {
    guard let decoder = tjInitDecompress() else {
      throw ImageError.damaged(file: file, reason: "no decoder")
    }
    defer { tjDestroy(decoder) }
    return try data.withUnsafeBytes { bytes in
      guard let base = bytes.bindMemory(to: UInt8.self).baseAddress else {
        throw ImageError.unknownFormat(file)
      }
      return try body(decoder, base, UInt(bytes.count))
    }
  }

  private static func header(
    _ decoder: tjhandle, _ bytes: UnsafePointer<UInt8>, _ length: UInt, _ file: String
  ) throws -> (width: Int, height: Int, space: Int32) {
    var (width, height, sampling, space): (Int32, Int32, Int32, Int32) = (0, 0, -1, -1)
    let status = tjDecompressHeader3(decoder, bytes, length, &width, &height, &sampling, &space)
    // An unusual chroma sampling has no name in this interface, but it can be decoded.
    guard status == 0 || sampling < 0 && space >= 0, width > 0, height > 0 else {
      throw ImageError.damaged(file: file, reason: message(decoder))
    }
    guard Int(width) * Int(height) <= ImageFile.pixelLimit else {
      throw ImageError.damaged(file: file, reason: "it declares \(width) × \(height) pixels")
    }
    return (Int(width), Int(height), space)
  }

  private static func message(_ handle: tjhandle?) -> String {
    tjGetErrorStr2(handle).map { String(cString: $0) } ?? "unknown error"
  }

  /// Turns CMYK into RGB in place and returns how many values are left.
  ///
  /// Adobe writes CMYK inverted: 255 is no ink.
  private static func convert(invertedCMYK pixels: UnsafeMutableBufferPointer<UInt8>) -> Int {
    var target = 0
    for start in stride(from: 0, to: pixels.count, by: 4) {
      let white = Int(pixels[start + 3])
      for channel in 0..<3 {
        let ink = 255 - Int(pixels[start + channel])
        let product = ink * white + 128
        pixels[target] = UInt8(max(0, white - (product + product >> 8) >> 8))
        target += 1
      }
    }
    return target
  }
}
