import GraphIR
import Tensors

/// A tensor as a mask with one bit for each element, and the elements whose bit is set.
///
/// The bit of an element is set where any of the element's own bits is, so that −0 and every NaN
/// stay.
struct BitmaskTensor {
  /// `⌈count / 8⌉` bytes, the lowest bit first.
  var mask: Tensor
  /// The elements in row-major order `[number of bits set]`.
  var values: Tensor

  /// The given parts.
  init(mask: Tensor, values: Tensor) {
    self.mask = mask
    self.values = values
  }

  /// The bytes that the group and the three datasets of a sparse tensor take beside its elements,
  /// rounded up.
  private static let overhead = 2048

  /// The compact form, or `nil` when it does not save at least a twentieth of the bytes.
  init?(compacting tensor: Tensor) {
    let maskBytes = (tensor.count + 7) / 8
    guard tensor.elementType != .bool, let nonzeros = tensor.nonzeroCount,
      (Self.overhead + maskBytes + nonzeros * tensor.elementType.bitWidth / 8) * 20
        < tensor.byteCount * 19,
      let sparse = SparseTensor(tensor)
    else { return nil }
    var bits = [UInt8](repeating: 0, count: maskBytes)
    sparse.indices.withUnsafeElements(as: Int64.self) {
      for place in $0 { bits[Int(place >> 3)] |= 1 << UInt8(place & 7) }
    }
    mask = Tensor(bits)
    values = sparse.values
  }

  /// The dense tensor, or `nil` when mask and values do not fit.
  func dense(type: TensorType) -> Tensor? {
    let width = type.elementType.bitWidth / 8
    let bits = mask.elements(as: UInt8.self)
    guard bits.reduce(0, { $0 + $1.nonzeroBitCount }) == values.count else { return nil }
    let result = Tensor(zeros: type)
    let (source, target) = (values.view.base, result.view.base)
    var next = 0
    for (index, byte) in bits.enumerated() where byte != 0 {
      for bit in 0..<8 where byte & (1 << bit) != 0 {
        guard index * 8 + bit < type.count else { return nil }
        target.advanced(by: (index * 8 + bit) * width)
          .copyMemory(from: source.advanced(by: next * width), byteCount: width)
        next += 1
      }
    }
    return result
  }
}
