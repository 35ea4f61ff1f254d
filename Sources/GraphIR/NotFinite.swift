import Tensors

/// A number that is NaN or infinite where a method computes with it.
public enum NotFinite: Error, Equatable, CustomStringConvertible {
  /// A constant that a layer reads.
  case weight(name: String, node: String, element: [Int], number: String)
  /// A value that a network computes from an input.
  case activation(name: String, node: String, element: [Int], number: String)

  /// A sentence for the user.
  public var description: String {
    switch self {
    case .weight(let name, let node, let element, let number):
      "weight '\(name)' of \(node) holds \(number) at element \(element); a model with such weights "
        + "computes nothing that can be compressed: train or export it again"
    case .activation(let name, let node, let element, let number):
      "value '\(name)' of \(node) is \(number) at element \(element): look at what the nodes before "
        + "it do with this input, or leave the image out"
    }
  }
}

extension TensorView {
  /// The first element of a float32 value that is NaN or infinite; `nil` when there is none.
  public var firstNotFinite: (element: [Int], number: Float)? {
    guard elementType == .float32, count > 0 else { return nil }
    // A float is finite when its exponent is not all ones, so the largest bit pattern decides for
    // all.
    let bits = UnsafeBufferPointer(
      start: base.assumingMemoryBound(to: UInt32.self), count: count)
    var largest: UInt32 = 0
    for word in bits { largest = max(largest, word & 0x7fff_ffff) }
    guard largest >= Float.infinity.bitPattern else { return nil }
    guard let index = bits.firstIndex(where: { $0 & 0x7fff_ffff >= Float.infinity.bitPattern })
    else { return nil }
    return (shape.indices(of: index), Float(bitPattern: bits[index]))
  }
}

extension [Int] {
  /// The indices along each axis of an element of a tensor of this shape.
  public func indices(of index: Int) -> [Int] {
    var rest = index
    return reversed().map { extent in
      defer { rest /= Swift.max(extent, 1) }
      return rest % Swift.max(extent, 1)
    }.reversed()
  }
}
