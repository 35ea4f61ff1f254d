import GraphIR
import Tensors

/// What a scatter does with an element that is already there.
enum ScatterReduction: String, Sendable, CaseIterable {
  case none, add, mul, min, max

  /// The reduction a node's attribute names; there is only one before opset 16.
  init(_ attributes: Attributes, opset: Int) throws {
    let name = opset >= 16 ? try attributes.string("reduction", default: "none") : "none"
    guard let reduction = Self(rawValue: name) else {
      throw AttributeError.invalid(
        name: "reduction",
        reason: "is '\(name)', expected \(Self.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    self = reduction
  }

  /// Refuses data that cannot be reduced.
  func check(_ data: Operand) throws {
    try data.check(
      0, holdsOneOf: self == .none ? ElementType.movable : ElementType.numbers)
  }

  /// Writes `count` updates over, or into, the elements at `target`.
  func apply(_ updates: TensorView, at source: Int, to data: TensorView, at target: Int, count: Int)
    throws
  {
    let bytes = data.type.elementBytes
    guard self != .none else {
      (data.base + target * bytes).copyMemory(
        from: updates.base + source * bytes, byteCount: count * bytes)
      return
    }
    try data.elementType.dispatch(
      ScatterWork(
        reduction: self, updates: updates, source: source, data: data, target: target,
        count: count))
  }
}

/// The loop of a ``ScatterReduction`` for each type of number.
private struct ScatterWork: NumberWork {
  let reduction: ScatterReduction
  let updates: TensorView
  let source: Int
  let data: TensorView
  let target: Int
  let count: Int

  func whole<Element: WholeElement>(_: Element.Type) {
    let (x, y) = (updates.words(as: Element.self) + source, data.words(as: Element.self) + target)
    for index in 0..<count {
      switch reduction {
      case .none: y[index] = x[index]
      case .add: y[index] &+= x[index]
      case .mul: y[index] = y[index] &* x[index]
      case .min: y[index] = min(y[index], x[index])
      case .max: y[index] = max(y[index], x[index])
      }
    }
  }

  func float<Element: FloatElement>(_: Element.Type) {
    let (x, y) = (updates.words(as: Element.self) + source, data.words(as: Element.self) + target)
    for index in 0..<count {
      let (old, new) = (y[index].wide, x[index].wide)
      switch reduction {
      case .none: y[index] = x[index]
      case .add: y[index] = Element(wide: old + new)
      case .mul: y[index] = Element(wide: old * new)
      case .min: y[index] = new < old ? x[index] : y[index]
      case .max: y[index] = new > old ? x[index] : y[index]
      }
    }
  }
}
