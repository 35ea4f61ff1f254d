import Tensors

extension Tensor {
  /// The tensor with every nonzero byte of a boolean set to 1, as Swift's `Bool` requires.
  consuming func normalizingBooleans() -> Tensor {
    guard elementType == .bool, rawBytes.contains(where: { $0 > 1 }) else { return self }
    makeUnique()
    let bytes = rawBytes
    for index in bytes.indices where bytes[index] > 1 { bytes[index] = 1 }
    return self
  }
}
