import Tensors

extension Tensor {
  /// The tensor with every byte of a boolean that is not 0 made 1, as Swift's `Bool` demands of memory.
  consuming func normalizingBooleans() -> Tensor {
    guard elementType == .bool, rawBytes.contains(where: { $0 > 1 }) else { return self }
    makeUnique()
    let bytes = rawBytes
    for index in bytes.indices where bytes[index] > 1 { bytes[index] = 1 }
    return self
  }
}
