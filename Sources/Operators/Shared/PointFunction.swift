import GraphIR
import Kernels
import Tensors

/// An operator that is a function of one number once its other inputs are known.
///
/// Convolutions apply it to what they make, and one operator carries its gradient back.
protocol PointFunction: ElementwiseOperator {
  /// The function of the attributes that ``pointAttributes(_:constant:)`` gave.
  static func function(_ attributes: Attributes) throws -> Self

  /// The value at one element.
  func value(_ x: Double) -> Double
  /// The derivative at one element.
  func slope(_ x: Double) -> Double
  /// The kernel for float32, or `nil` when ``value(_:)`` serves.
  var activation: Activation? { get }

  /// What says the function without the node's other inputs; `nil` where they are not constant.
  func pointAttributes(_ node: Node, constant: (String) -> Tensor?) -> Attributes?
}

extension PointFunction {
  static func function(_ attributes: Attributes) throws -> Self {
    try Self(attributes: attributes, opset: 21)
  }

  var activation: Activation? { nil }

  func pointAttributes(_ node: Node, constant: (String) -> Tensor?) -> Attributes? {
    node.attributes
  }

  /// Overwrites numbers with the function of them.
  func apply(_ y: UnsafeMutablePointer<Float>, count: Int, pool: ThreadPool) {
    if let activation {
      Elementwise.map(activation, from: UnsafePointer(y), to: y, count: count, pool: pool)
    } else {
      ElementLoop.forEachPart(count, pool: pool) { range in
        for index in range { y[index] = Float(value(Double(y[index]))) }
      }
    }
  }
}

/// The functions by the qualified type of their operator.
enum PointFunctions {
  private static let types: [String: any PointFunction.Type] = {
    let types = StandardOperators.neuralNetwork.compactMap { $0 as? any PointFunction.Type }
    return Dictionary(
      types.map { (Node($0.opType, domain: $0.domain, inputs: [], outputs: []).qualifiedType, $0) },
      uniquingKeysWith: { first, _ in first })
  }()

  /// The function that an attribute names, with its attributes.
  ///
  /// - Throws: `AttributeError` when it is not known, or its attributes are wrong.
  static func named(
    _ name: String, by attribute: String, _ attributes: Attributes
  ) throws -> any PointFunction {
    guard let type = types[name] else {
      throw AttributeError.invalid(name: attribute, reason: "is '\(name)', which is no activation")
    }
    return try type.function(attributes)
  }
}

extension Attributes {
  private static let prefix = "activation_"

  /// The function that a convolution applies to what it makes: `activation` is its qualified type,
  /// and its attributes have names that begin with `activation_`.
  ///
  /// - Throws: `AttributeError` when it is not known, or its attributes are wrong.
  func fusedFunction() throws -> (any PointFunction)? {
    guard let name = try string("activation") else { return nil }
    let own = elements.filter { $0.name.hasPrefix(Self.prefix) }.map {
      (String($0.name.dropFirst(Self.prefix.count)), $0.value)
    }
    return try PointFunctions.named(name, by: "activation", Attributes(own))
  }

  /// Writes down a function for ``fusedFunction()``.
  mutating func fuse(_ qualifiedType: String, _ attributes: Attributes) {
    self["activation"] = .string(Array(qualifiedType.utf8))
    for (name, value) in attributes.elements { self[Self.prefix + name] = value }
  }
}

extension Kernel {
  /// The kernel with a function of its first output, float32, in place of that.
  func followed(by function: (any PointFunction)?) -> Kernel {
    guard let function else { return self }
    let own = run
    return Kernel(
      algorithm: algorithm, scratchBytes: scratchBytes, packedInputs: packedInputs
    ) { call in
      try own(call)
      let y = call.outputs[0]
      function.apply(
        y.base.assumingMemoryBound(to: Float.self), count: y.count, pool: call.pool)
    }
  }
}

extension Derivation {
  /// The gradient of a ``PointFunction`` by its attributes: `∂x = ∂y · f′(x)`.
  mutating func pointGradient(_ attributes: Attributes) -> String {
    var attributes = attributes
    attributes["function"] = .string(Array(node.qualifiedType.utf8))
    return self(
      ActivationGradient.opType, domain: ActivationGradient.domain, gradient(), input(0),
      attributes: attributes)
  }
}
