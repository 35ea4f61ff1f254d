import Tensors

/// What integer convolutions make of their sums on CPUs without VNNI: products of an unsigned and a signed byte are added in pairs
/// that saturate at 16 bits (`vpmaddubsw`), as ONNX Runtime's AVX2 kernels do.
///
/// A pair is two neighbouring input channels under one tap. Depthwise convolutions multiply in 16 bits and do not saturate.
extension IntegerConvolution {
  /// Convolves one group of one image, pairs saturating.
  func runSaturating(
    _ weights: [Int8], group: Int, source: UnsafeRawPointer, flip: UInt8, zero: UInt8,
    zeroPoint: Int32, to destination: IntegerDestination, pool: ThreadPool
  ) {
    let rowsPerGroup = geometry.outputChannels / geometry.groups
    let image = paddedImage(source, flip: flip, padding: zero ^ flip)
    let area = layout.outputArea
    pool.forEach(rowsPerGroup) { row in
      let channel = group * rowsPerGroup + row
      var sums = [Int32](repeating: 0, count: area)
      var inputSums = [Int32](repeating: 0, count: area)
      accumulate(weights, channel, image, &sums, &inputSums)
      let finish = finish(channel, zeroPoint: zeroPoint)
      inputSums.withUnsafeBufferPointer {
        finish.store(
          sums, inputSums: finish.factor == 0 ? nil : $0.baseAddress, to: destination,
          at: channel * area, count: area)
      }
    }
  }

  /// A group's channels as unsigned bytes with their padding, an even number of them.
  private struct PaddedImage {
    var bytes: [UInt8]
    var width: Int
    var plane: Int
  }

  private func paddedImage(
    _ source: UnsafeRawPointer, flip: UInt8, padding: UInt8
  ) -> PaddedImage {
    let g = geometry
    let channels = g.inputChannels / g.groups
    let height = max(
      g.inputHeight + g.padTop,
      (g.outputHeight - 1) * g.strideHeight + g.dilationHeight * (g.kernelHeight - 1) + 1)
    let width = max(
      g.inputWidth + g.padLeft,
      (g.outputWidth - 1) * g.strideWidth + g.dilationWidth * (g.kernelWidth - 1) + 1)
    var image = PaddedImage(
      bytes: Array(repeating: padding, count: (channels + channels % 2) * height * width),
      width: width, plane: height * width)
    for channel in 0..<channels {
      for row in 0..<g.inputHeight {
        let start = channel * image.plane + (row + g.padTop) * width + g.padLeft
        let from = (channel * g.inputHeight + row) * g.inputWidth
        for column in 0..<g.inputWidth {
          image.bytes[start + column] =
            source.load(fromByteOffset: from + column, as: UInt8.self) ^ flip
        }
      }
    }
    return image
  }

  private func accumulate(
    _ weights: [Int8], _ channel: Int, _ image: PaddedImage, _ sums: inout [Int32],
    _ inputSums: inout [Int32]
  ) {
    let g = geometry
    let channels = g.inputChannels / g.groups
    let taps = g.kernelHeight * g.kernelWidth
    image.bytes.withUnsafeBufferPointer { bytes in
      for pair in stride(from: 0, to: channels, by: 2) {
        for tap in 0..<taps {
          let first = Int32(weights[(channel * channels + pair) * taps + tap])
          let second =
            pair + 1 < channels ? Int32(weights[(channel * channels + pair + 1) * taps + tap]) : 0
          let counts: Int32 = pair + 1 < channels ? 1 : 0
          let (tapY, tapX) = tap.quotientAndRemainder(dividingBy: g.kernelWidth)
          for y in 0..<g.outputHeight {
            let row = y * g.strideHeight + tapY * g.dilationHeight
            let start = pair * image.plane + row * image.width + tapX * g.dilationWidth
            for x in 0..<g.outputWidth {
              let place = start + x * g.strideWidth
              let (a, b) = (Int32(bytes[place]), Int32(bytes[place + image.plane]))
              let sum = max(-32_768, min(32_767, a * first + b * second))
              sums[y * g.outputWidth + x] &+= sum
              inputSums[y * g.outputWidth + x] &+= a + b * counts
            }
          }
        }
      }
    }
  }
}
