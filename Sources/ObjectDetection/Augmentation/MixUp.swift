extension TrainingCanvas {
  /// Blends another canvas in: `p ← p·(1 − part) + q·part`.
  ///
  /// The objects of both stay.
  ///
  /// Reference: Zhang et al., *mixup*, ICLR 2018, arXiv:1710.09412. The paper mixes labels too;
  /// here, as is usual for detectors, all labels count fully.
  mutating func mix(_ other: TrainingCanvas, part: Double) {
    let weight = Int32((part * 256).rounded())
    other.pixels.withUnsafeBufferPointer { source in
      pixels.withUnsafeMutableBufferPointer { target in
        for index in target.indices {
          let mixed = Int32(target[index]) * (256 - weight) + Int32(source[index]) * weight
          target[index] = UInt8(truncatingIfNeeded: (mixed + 128) >> 8)
        }
      }
    }
    objects += other.objects
  }
}
