extension ElementType {
  /// Whether elements are 16-bit floats.
  ///
  /// These are stored and exchanged; computation converts them to float32.
  public var isHalf: Bool { self == .float16 || self == .bfloat16 }
}

extension Tensor {
  /// The same numbers as float32, when they are float16 or bfloat16.
  ///
  /// The conversion is exact.
  public var widened: Tensor {
    guard elementType.isHalf else { return self }
    var result = Tensor(uninitialized: TensorType(.float32, shape))
    result.withUnsafeMutableElements(as: Float.self) { target in
      guard let target = target.baseAddress else { return }
      HalfConversion.widen(
        view.base.assumingMemoryBound(to: UInt16.self), of: elementType, to: target, count: count)
    }
    return result
  }

  /// The nearest float16 or bfloat16 numbers, ties to even, when the elements are float32.
  ///
  /// - Precondition: `type` is one of the two.
  public func narrowed(to type: ElementType) -> Tensor {
    precondition(type.isHalf, "\(type) is no type of 16 bits")
    guard elementType == .float32 else { return self }
    let result = Tensor(uninitialized: TensorType(type, shape))
    withUnsafeElements(as: Float.self) { source in
      guard let source = source.baseAddress else { return }
      HalfConversion.narrow(
        source, to: result.view.base.assumingMemoryBound(to: UInt16.self), of: type, count: count)
    }
    return result
  }
}
