import Foundation
import GraphIR
import Operators
import Tensors

/// A quantised network as a float one that rounds as it does, for training, and the way back.
///
/// Each `QuantizeLinear` with its `DequantizeLinear` becomes a `FakeQuantize` whose step is learnt,
/// and so do weights; biases are plain parameters. What reads the images keeps its rounding. The
/// way back writes integers, scales and biases into the network that was: its nodes, names and
/// structure stay as they are. Works for any QDQ file, not only for ours. References at
/// `FakeQuantize`; normalisations are folded already, so there are no statistics to freeze.
public struct TrainableQuantization: Sendable {
  /// The network to train, of the same inputs and outputs.
  public private(set) var graph: Graph
  private let source: Graph
  private let registry: OperatorRegistry
  private let links: Connectivity
  private var names: FreshNames
  /// The exponents' names by the scales'.
  private var exponents: [String: String] = [:]
  /// The names of weights that were pruned: rounding leaves not many more zeros than ones and minus
  /// ones together.
  public private(set) var sparseWeights: Set<String> = []
  private var weights: [Weight] = []
  private var biases: [Bias] = []
  private var clips: [Clamp] = []
  /// What a dequantised value is rounded by.
  private var quantizers: [String: Quantizer] = [:]

  private struct Weight {
    var integers: String
    var scale: String
    var floats: String
    var axis: Int
    var zero: Int32
    var range: ClosedRange<Int32>
  }

  private struct Bias {
    var integers: String
    var scale: String
    var floats: String
    /// The scales that its own is the product of, by name.
    var factors: [String]
    /// What that product is multiplied by besides: the α of a `Gemm`.
    var alpha: Float
  }

  private struct Clamp {
    var bounds: (lowest: String, highest: String)
    var scale: String
    var steps: (lowest: Float, highest: Float)
  }

  private struct Quantizer {
    var exponent: String
    var scale: Float
    var zero: Int32
  }

  /// The network to train for a QDQ network.
  ///
  /// - Throws: ``QuantizationError/untrainable(node:reason:)`` when it is not made of
  ///   `QuantizeLinear` and `DequantizeLinear`, or a rounding has no counterpart.
  public init(_ source: Graph, registry: OperatorRegistry) throws {
    (self.source, self.registry) = (source, registry)
    links = Connectivity(source)
    names = FreshNames(source)
    graph = source
    let integer = source.nodes.first { node in
      registry.integerRole(of: node).map { $0.isArithmetic || $0 == .dynamicQuantizer } ?? false
    }
    if let integer {
      throw QuantizationError.untrainable(
        node: integer.label, reason: "only QDQ networks can be trained")
    }
    graph.nodes = []
    for (index, node) in source.nodes.enumerated() {
      switch node.qualifiedType {
      case "QuantizeLinear": try round(node)
      case "DequantizeLinear":
        if try !dequantizeConstant(node), quantizers[node.outputs[0]] == nil {
          graph.nodes.append(node)
        }
      default: graph.nodes.append(source.nodes[index])
      }
    }
    guard !weights.isEmpty else {
      throw QuantizationError.untrainable(
        node: "the network", reason: "it has no quantised weights")
    }
    graph.removeDeadNodes()
  }

  // MARK: There

  /// Replaces a `QuantizeLinear` and all that dequantises what it makes.
  private mutating func round(_ node: Node) throws {
    let readers = links.consumers[node.outputs[0]] ?? []
    let isPlain = readers.allSatisfy { source.nodes[$0].qualifiedType == "DequantizeLinear" }
    let images = Set(source.requiredInputs.map(\.name))
    guard !images.contains(node.inputs[0]), !readers.isEmpty else {
      graph.nodes.append(node)
      return
    }
    guard isPlain, let scale = source[constant: node.inputs[1]], scale.count == 1 else {
      throw QuantizationError.untrainable(
        node: node.label, reason: "its integers are read as such, or it has several scales")
    }
    let (zero, type) = try zeroPoint(node, otherwise: .uint8)
    var range: ClosedRange<Int32> = type == .int8 ? -128...127 : 0...255
    var value = node.inputs[0]
    if let clamp = bitClamp(value, node.inputs[1], scale.floats[0], zero) {
      value = clamp.value
      range = range.lowerBound...clamp.highest
    }
    let exponent = exponent(
      node.inputs[1], scale, tiedTo: moved(node.inputs[0], scale.floats[0], zero))
    let outputs = readers.map { source.nodes[$0].outputs[0] }
    graph.nodes.append(
      Node(
        "FakeQuantize", domain: "compress", name: node.name, inputs: [value, exponent],
        outputs: [outputs[0]],
        attributes: [
          "lowest": .int(Int(range.lowerBound)), "highest": .int(Int(range.upperBound)),
          "zero_point": .int(Int(zero)),
        ]))
    for output in outputs {
      quantizers[output] = Quantizer(exponent: exponent, scale: scale.floats[0], zero: zero)
    }
    for output in outputs.dropFirst() {
      graph.nodes.append(Node("Identity", inputs: [outputs[0]], outputs: [output]))
    }
  }

  /// The `Clip` that holds a value to fewer bits than its type has.
  private mutating func bitClamp(
    _ value: String, _ scaleName: String, _ scale: Float, _ zero: Int32
  ) -> (value: String, highest: Int32)? {
    guard let index = links.producer[value], links.soleConsumer(of: value) != nil else {
      return nil
    }
    let node = source.nodes[index]
    guard node.qualifiedType == "Clip", node.inputs.count == 3,
      let low = source[constant: node.inputs[1]]?.floats.first,
      let high = source[constant: node.inputs[2]]?.floats.first
    else { return nil }
    let steps = (lowest: low / scale + Float(zero), highest: high / scale + Float(zero))
    guard abs(steps.lowest) < 1e-3, abs(steps.highest - steps.highest.rounded()) < 1e-3,
      (3...127).contains(steps.highest)
    else { return nil }
    let highest = Int32(steps.highest.rounded())
    guard (highest + 1) & highest == 0 else { return nil }
    clips.append(
      Clamp(
        bounds: (node.inputs[1], node.inputs[2]), scale: scaleName,
        steps: (Float(-zero), Float(highest - zero))))
    graph.nodes.removeAll { $0.outputs == node.outputs }
    return (node.inputs[0], highest)
  }

  /// The exponent of a value's scale when the value was moved from another that is rounded alike.
  private func moved(_ value: String, _ scale: Float, _ zero: Int32) -> String? {
    var value = value
    while let index = links.producer[value],
      registry.quantizationRole(of: source.nodes[index]) == .layout
    {
      value = source.nodes[index].inputs[0]
      guard let rounding = quantizers[value] else { continue }
      return rounding.scale == scale && rounding.zero == zero ? rounding.exponent : nil
    }
    return nil
  }

  /// The parameter behind a scale.
  private mutating func exponent(
    _ name: String, _ scale: Tensor, tiedTo other: String? = nil
  ) -> String {
    if let known = exponents[name] { return known }
    let exponent = other ?? names.value("\(name)/exponent")
    exponents[name] = exponent
    if other == nil {
      graph.initializers[exponent] = Initializer(
        Tensor(scale.floats.map { log2($0) }, shape: scale.shape))
    }
    return exponent
  }

  private func zeroPoint(
    _ node: Node, otherwise: ElementType
  ) throws -> (Int32, ElementType) {
    guard node.inputs.count > 2, !node.inputs[2].isEmpty else { return (0, otherwise) }
    guard let zeros = source[constant: node.inputs[2]], zeros.count > 0,
      Set(zeros.integers).count == 1
    else {
      throw QuantizationError.untrainable(
        node: node.label, reason: "its zero points differ or are computed")
    }
    return (Int32(zeros.integers[0]), zeros.elementType)
  }

  /// Makes a parameter of what a node dequantises.
  ///
  /// - Returns: Whether that is a constant to train.
  private mutating func dequantizeConstant(_ node: Node) throws -> Bool {
    guard let integers = source[constant: node.inputs[0]],
      let scale = source[constant: node.inputs[1]],
      let reader = links.consumers[node.outputs[0]]?.first
    else { return false }
    let output = node.outputs[0]
    let slot = source.nodes[reader].inputs.firstIndex(of: output)
    guard registry.quantizationRole(of: source.nodes[reader]) == .layer, slot != 0 else {
      return false
    }
    let rules = try registry.makeOperator(for: node, in: source)
    let operands = node.inputs.map { $0.isEmpty ? nil : source[constant: $0] }
    let numbers = try rules.evaluate(operands, pool: ThreadPool(threads: 1))[0]
    if integers.elementType == .int32 {
      graph.initializers[output] = Initializer(numbers)
      biases.append(
        Bias(
          integers: node.inputs[0], scale: node.inputs[1], floats: output,
          factors: try scales(of: source.nodes[reader]),
          alpha: registry.weighted(source.nodes[reader], in: source)?
            .factors.product ?? 1))
      return true
    }
    guard integers.elementType == .int8 || integers.elementType == .uint8 else { return false }
    let (zero, _) = try zeroPoint(node, otherwise: integers.elementType)
    let range = Self.range(integers, zero)
    let name = names.value("\(output)/real")
    graph.initializers[name] = Initializer(numbers)
    let axis = try node.attributes.int("axis", default: 1)
    let positive = scale.count == 1 ? 0 : axis < 0 ? axis + integers.shape.count : axis
    weights.append(
      Weight(
        integers: node.inputs[0], scale: node.inputs[1], floats: name, axis: positive, zero: zero,
        range: range))
    if Self.isPruned(integers, zero) { sparseWeights.insert(name) }
    let exponent = exponent(node.inputs[1], scale)
    graph.nodes.append(
      Node(
        "FakeQuantize", domain: "compress", name: node.name, inputs: [name, exponent],
        outputs: [output],
        attributes: [
          "lowest": .int(Int(range.lowerBound)), "highest": .int(Int(range.upperBound)),
          "zero_point": .int(Int(zero)), "axis": .int(positive),
        ]))
    return true
  }

  private static func isPruned(_ integers: Tensor, _ zero: Int32) -> Bool {
    let whole = integers.integers.map { abs(Int($0) - Int(zero)) }
    let (zeros, ones) = (whole.count { $0 == 0 }, whole.count { $0 == 1 })
    return 5 * zeros > whole.count && zeros > 2 * ones
  }

  /// The integers that weights use: those of the least number of bits that holds them all.
  private static func range(_ integers: Tensor, _ zero: Int32) -> ClosedRange<Int32> {
    guard integers.elementType == .int8, zero == 0 else {
      return integers.elementType == .int8 ? -128...127 : 0...255
    }
    let (lowest, highest) = (integers.integers.min() ?? 0, integers.integers.max() ?? 0)
    if lowest == -128 { return -128...127 }
    var limit = 1
    while limit < max(-lowest, highest) { limit = 2 * limit + 1 }
    return Int32(-limit)...Int32(limit)
  }

  /// The names of the scales of a layer's input and weights.
  private func scales(of layer: Node) throws -> [String] {
    try layer.inputs.prefix(2).map { value in
      guard let index = links.producer[value],
        source.nodes[index].qualifiedType == "DequantizeLinear"
      else {
        throw QuantizationError.untrainable(
          node: layer.label, reason: "its bias is quantised but not its input and weights")
      }
      return source.nodes[index].inputs[1]
    }
  }

  /// The units that weights and biases move in, one a channel.
  ///
  /// Of weights the largest on the grid, of biases what that makes of a quarter of its input's
  /// range. Exponents of steps move in octaves.
  public var movementUnits: [String: [Float]] {
    var units: [String: [Float]] = [:]
    for exponent in Set(exponents.values) { units[exponent] = [1] }
    var limits: [String: Float] = [:]
    for weight in weights {
      let limit = Float(max(-weight.range.lowerBound, weight.range.upperBound))
      limits[weight.scale] = limit
      let largest = (source[constant: weight.scale]?.floats ?? []).map { $0 * limit }
      units[weight.floats] =
        weight.axis == 0 || largest.count == 1 ? largest : [largest.max() ?? 1]
    }
    for bias in biases {
      let factors = bias.factors.map { name in
        (source[constant: name]?.floats ?? [1]).map { $0 * (limits[name] ?? 64) }
      }
      units[bias.floats] = (0..<(factors.map(\.count).max() ?? 1)).map { channel in
        factors.reduce(1) { $0 * $1[$1.count == 1 ? 0 : channel] }
      }
    }
    return units
  }

  // MARK: Back

  /// The quantised network that a trained one stands for.
  ///
  /// - Throws: ``QuantizationError/untrainable(node:reason:)`` when a parameter is missing or no
  ///   longer finite.
  public func quantized(_ trained: Graph) throws -> Graph {
    var result = source
    func floats(_ name: String) throws -> [Float] {
      guard let values = trained[constant: name]?.floats, values.allSatisfy(\.isFinite) else {
        throw QuantizationError.untrainable(
          node: name, reason: "is missing after training, or no longer finite")
      }
      return values
    }
    var scales: [String: [Float]] = [:]
    for (name, exponent) in exponents { scales[name] = try floats(exponent).map { exp2($0) } }
    func scale(_ name: String) -> [Float] { scales[name] ?? source[constant: name]?.floats ?? [] }
    for (name, values) in scales {
      result[constant: name] = Tensor(values, shape: source[constant: name]?.shape ?? [])
    }
    for weight in weights {
      let (numbers, steps) = (try floats(weight.floats), scale(weight.scale))
      guard let old = source[constant: weight.integers] else { continue }
      let inner = old.shape[(weight.axis + 1)...].product
      let whole = numbers.enumerated().map { index, real -> Int32 in
        let step = steps.count == 1 ? steps[0] : steps[index / inner % steps.count]
        return QuantizationParameters.rounded(real / step, plus: weight.zero, in: weight.range)
      }
      result[constant: weight.integers] =
        old.elementType == .int8
        ? Tensor(whole.map { Int8(truncatingIfNeeded: $0) }, shape: old.shape)
        : Tensor(whole.map { UInt8(truncatingIfNeeded: $0) }, shape: old.shape)
    }
    for bias in biases {
      let numbers = try floats(bias.floats)
      guard let old = source[constant: bias.integers] else { continue }
      let factors = bias.factors.map(scale)
      var units = (0..<(factors.map(\.count).max() ?? 1)).map { channel in
        factors.reduce(bias.alpha) { $0 * $1[$1.count == 1 ? 0 : channel] }
      }
      let before = scale(bias.scale)
      if before.count != units.count {
        // One scale for what has several stays what it is; one for each of several alike is spread.
        units = units.count == 1 ? before.map { _ in units[0] } : before
      }
      let whole = numbers.enumerated().map { channel, real -> Int32 in
        let unit = Double(units[units.count == 1 ? 0 : channel % units.count])
        return Int32(max(min((Double(real) / unit).rounded(.toNearestOrEven), 2e9), -2e9))
      }
      result[constant: bias.integers] = Tensor(whole, shape: old.shape)
      result[constant: bias.scale] = Tensor(
        units, shape: source[constant: bias.scale]?.shape ?? [units.count])
    }
    for clip in clips {
      guard let step = scale(clip.scale).first else { continue }
      result[constant: clip.bounds.lowest] = Tensor(scalar: step * clip.steps.lowest)
      result[constant: clip.bounds.highest] = Tensor(scalar: step * clip.steps.highest)
    }
    return result
  }
}
