import Execution
import Foundation
import GraphIR
import Tensors

/// The inputs of a model that get the same value in every run, and the one that takes images.
///
/// A bound input is an input with a default, as in ONNX: an initializer with its name. Code that
/// runs, measures or alters the network need not know of it. ``removed(from:like:)`` makes it an
/// input without a default again before a file is written.
public struct BoundInputs: Sendable {
  /// One constant.
  public struct Constant: Sendable {
    /// The name of the input.
    public var name: String
    /// Its value.
    public var tensor: Tensor
    /// The meaning of the value, where no option gives it.
    public var meaning: String?

    /// For example `constant 1, 1: rows and columns are not scaled`.
    public var use: String {
      let numbers = tensor.doubles.prefix(8).map { String(format: "%g", $0) }
      return "constant " + numbers.joined(separator: ", ") + (tensor.count > 8 ? ", …" : "")
        + (meaning.map { ": \($0)" } ?? "")
    }
  }

  /// The constants, in the order of the inputs.
  public private(set) var constants: [Constant] = []
  /// The names of the constants.
  public var names: Set<String> { Set(constants.map(\.name)) }

  /// Nothing bound.
  public init() {}

  /// Binds the given values and those known by name.
  ///
  /// Other inputs stay open.
  ///
  /// - Throws: ``InputError`` for values that do not fit an input.
  public init(_ graph: Graph, _ values: InputValues) throws {
    let image = graph.imageInput(values)
    for input in graph.inputs {
      if let numbers = values.constants[input.name] {
        constants.append(
          Constant(
            name: input.name,
            tensor: try input.tensor(of: numbers, shape: values.shapes[input.name])))
      } else if graph.initializers[input.name] == nil, let image, input.name != image.name,
        let known = KnownInput.all.first(where: { $0.name == input.name }),
        let tensor = try? input.tensor(
          of: known.value(image).map(String.init), shape: values.shapes[input.name])
      {
        constants.append(Constant(name: input.name, tensor: tensor, meaning: known.meaning))
      }
    }
  }

  /// The graph with the constants as defaults of its inputs.
  public func applied(to graph: Graph) -> Graph {
    var graph = graph
    for constant in constants { graph.initializers[constant.name] = Initializer(constant.tensor) }
    return graph
  }

  /// An altered graph with the inputs of the model it came from.
  public func removed(from graph: Graph, like original: Graph) -> Graph {
    guard !constants.isEmpty else { return graph }
    var graph = graph
    for name in names {
      graph.initializers[name] = original.initializers[name]
      guard let input = original.inputs.first(where: { $0.name == name }) else { continue }
      graph.inputs.removeAll { $0.name == name }
      graph.inputs.append(input)
    }
    let order = original.inputs.map(\.name)
    func place(_ input: ValueInfo) -> Int { order.firstIndex(of: input.name) ?? order.count }
    let sorted = graph.inputs.enumerated().sorted {
      (place($0.element), $0.offset) < (place($1.element), $1.offset)
    }
    graph.inputs = sorted.map(\.element)
    return graph
  }
}

extension Graph {
  /// The first input that takes images and has no constant; `nil` when there is none, or its shape
  /// is not known.
  public func imageInput(_ values: InputValues = InputValues()) -> ImageInput? {
    requiredInputs.lazy.filter { values.constants[$0.name] == nil }.compactMap { input in
      var alone = Graph()
      alone.inputs = [input]
      let shapes = values.shapes.filter { $0.key == input.name }
      return try? alone.concreteInputTypes(shapes).first.flatMap {
        ImageInput(name: $0.0, type: $0.1)
      }
    }.first
  }
}

extension ValueInfo {
  /// A value for the input from written numbers; one number fills it.
  ///
  /// Unknown extents of the declared shape are 1, except the first, which follows from the count of
  /// numbers.
  ///
  /// - Throws: ``InputError`` when numbers are not of the input's type or not as many as it
  ///   takes.
  fileprivate func tensor(of numbers: [String], shape given: [Int]?) throws -> Tensor {
    guard case .tensor(let element, let declared) = type,
      element.isInteger || element.isFloatingPoint || element == .bool, element.bitWidth >= 8
    else {
      throw InputError.noNumbers(name: name, type: "\(type)")
    }
    var shape =
      given ?? declared?.map { ($0.extent ?? 0) > 0 ? $0.extent ?? 0 : 0 }
      ?? [numbers.count]
    if let open = shape.firstIndex(of: 0) {
      let rest = shape.reduce(1) { $0 * max($1, 1) }
      shape = shape.map { max($0, 1) }
      if numbers.count > rest, numbers.count % rest == 0 { shape[open] = numbers.count / rest }
    }
    let count = shape.product
    guard numbers.count == count || numbers.count == 1 else {
      throw InputError.count(
        name: name, type: "\(type)", needed: count, found: numbers.count)
    }
    guard let one = element.tensor(of: numbers) else {
      throw InputError.elementType(name: name, numbers: numbers, type: element.rawValue)
    }
    let all =
      numbers.count == count
      ? one
      : element.tensor(
        of: Array(repeating: numbers[0], count: count)) ?? one
    return all.reshaped(to: shape)
  }
}

extension ElementType {
  /// Written numbers as a vector of this type; `nil` when they are not numbers of the type.
  fileprivate func tensor(of texts: [String]) -> Tensor? {
    func whole<Element: TensorElement & FixedWidthInteger>(_: Element.Type) -> Tensor? {
      let values = texts.compactMap { Element($0) }
      return values.count == texts.count ? Tensor(values) : nil
    }
    func float<Element: TensorElement>(_ make: (Double) -> Element) -> Tensor? {
      let values = texts.compactMap { Double($0) }
      return values.count == texts.count ? Tensor(values.map(make)) : nil
    }
    switch self {
    case .float32: return float { Float($0) }
    case .float64: return float { $0 }
    case .float16: return float { Float16($0) }
    case .bfloat16: return float { BFloat16(Float($0)) }
    case .int8: return whole(Int8.self)
    case .int16: return whole(Int16.self)
    case .int32: return whole(Int32.self)
    case .int64: return whole(Int64.self)
    case .uint8: return whole(UInt8.self)
    case .uint16: return whole(UInt16.self)
    case .uint32: return whole(UInt32.self)
    case .uint64: return whole(UInt64.self)
    case .bool:
      let known = ["0": false, "1": true, "false": false, "true": true]
      let values = texts.compactMap { known[$0.lowercased()] }
      return values.count == texts.count ? Tensor(values) : nil
    default: return nil
    }
  }
}
