import GraphIR
import Tensors

/// A seeded source of nodes that are almost right: goldens with a few things bent.
public struct Nonsense {
  private var random: SplitMix64

  /// The source that `seed` stands for.
  public init(seed: UInt64) { random = SplitMix64(seed: seed) }

  /// A node with its operands.
  public struct Case: Sendable {
    /// The node; its inputs are named `x0` and so on.
    public var node: Node
    /// The version of the node's domain.
    public var opset: Int
    /// One tensor for each input; `nil` for an omitted one.
    public var inputs: [Tensor?]

    /// A node with its operands.
    public init(node: Node, opset: Int, inputs: [Tensor?]) {
      self.node = node
      self.opset = opset
      self.inputs = inputs
    }

    /// A graph whose only node is this one, for asking a registry for the operator.
    public var graph: Graph {
      var properties = ModelProperties()
      properties.opsets = [node.domain: opset]
      return Graph(nodes: [node], properties: properties)
    }
  }

  /// A case made of one that makes sense; up to four of its parts are bent.
  public mutating func bent(_ sound: Case) -> Case {
    var bent = sound
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      switch Int.random(in: 0..<8, using: &random) {
      case 0, 1: bendAttribute(&bent.node.attributes)
      case 2: bent.opset = Int.random(in: 1...22, using: &random)
      case 3: bendCount(&bent.inputs)
      default: bendInput(&bent.inputs)
      }
    }
    bent.node.inputs = bent.inputs.indices.map { bent.inputs[$0] == nil ? "" : "x\($0)" }
    if chance(0.1) {
      let count = Int.random(in: 1...6, using: &random)
      bent.node.outputs = (0..<count).map { "y\($0)" }
    }
    return bent
  }

  // MARK: Attributes

  private static let names = [
    "axis", "axes", "kernel_shape", "pads", "strides", "dilations", "group", "auto_pad", "mode",
    "epsilon", "alpha", "to", "perm", "keepdims", "blocksize", "num_outputs", "k", "largest",
    "batch_dims", "output_padding", "output_shape", "ceil_mode", "storage_order", "size", "bias",
    "block_size", "reduction", "scales", "split", "value", "starts", "ends", "transA", "num_groups",
    "count_include_pad", "activation", "activation_min", "activation_alpha", "residual", "start",
    "end",
    "training_mode", "exclude_outside", "coordinate_transformation_mode", "min", "max", "shape",
    "dtype", "output_dtype", "approximate", "direction", "upper", "fmod", "detect_negative",
    "equation", "q_num_heads", "kv_num_heads", "softcap", "is_causal", "padding_mode",
    "sampling_ratio",
    "align_corners", "offset_group", "sorted", "time_axis", "p", "saturate", "ratio",
  ]
  private static let texts = [
    "", "NOTSET", "SAME_UPPER", "VALID", "constant", "reflect", "edge", "wrap", "nearest", "linear",
    "cubic", "add", "min", "before", "after", "Clip", "LeakyRelu", "tf_crop_and_resize", "CRD",
    "tanh", "LEFT", "🙂", "ij,jk->ik", "...i->...", "zeros", "reflection",
  ]

  private mutating func bendAttribute(_ attributes: inout Attributes) {
    let own = attributes.names
    let useOwn = !own.isEmpty && chance(0.7)
    let name = pick(useOwn ? own : Self.names)
    switch (Int.random(in: 0..<4, using: &random), attributes[name]) {
    case (0, .some): attributes[name] = nil
    case (1...2, .int?): attributes[name] = .int(number())
    case (1...2, .ints(let values)?): attributes[name] = .ints(bendNumbers(values))
    case (1...2, .float?): attributes[name] = .float(float())
    case (1...2, .string?): attributes[name] = .string(pick(Self.texts))
    default: attributes[name] = anyAttribute()
    }
  }

  private mutating func anyAttribute() -> AttributeValue {
    switch Int.random(in: 0..<9, using: &random) {
    case 0, 1: return .int(number())
    case 2: return .float(float())
    case 3: return .string(pick(Self.texts))
    case 4, 5:
      let count = Int.random(in: 0...6, using: &random)
      return .ints((0..<count).map { _ in number() })
    case 6: return .floats((0..<3).map { _ in float() })
    case 7: return .tensor(tensor(pick(ElementType.allCases), shape()))
    default: return .strings([Array(pick(Self.texts).utf8)])
    }
  }

  private mutating func bendNumbers(_ values: [Int]) -> [Int] {
    var values = values
    switch Int.random(in: 0..<4, using: &random) {
    case 0 where !values.isEmpty: values.removeLast()
    case 1: values.append(number())
    case 2 where !values.isEmpty:
      values[Int.random(in: values.indices, using: &random)] = number()
    default: values = values.map { _ in number() }
    }
    return values
  }

  // MARK: Operands

  private mutating func bendCount(_ inputs: inout [Tensor?]) {
    switch Int.random(in: 0..<3, using: &random) {
    case 0 where !inputs.isEmpty: inputs.removeLast()
    case 1 where !inputs.isEmpty: inputs[Int.random(in: inputs.indices, using: &random)] = nil
    default: inputs.append(tensor(pick(ElementType.allCases), shape()))
    }
  }

  private mutating func bendInput(_ inputs: inout [Tensor?]) {
    guard !inputs.isEmpty else { return }
    let index = Int.random(in: inputs.indices, using: &random)
    guard let old = inputs[index] else {
      inputs[index] = tensor(pick(ElementType.allCases), shape())
      return
    }
    switch Int.random(in: 0..<6, using: &random) {
    case 0: inputs[index] = tensor(pick(ElementType.allCases), old.shape)
    case 1: inputs[index] = tensor(old.elementType, shape())
    case 2:
      var shape = old.shape
      if shape.isEmpty { shape = [1] }
      shape[Int.random(in: shape.indices, using: &random)] = Int.random(in: 0...5, using: &random)
      inputs[index] = tensor(old.elementType, shape)
    case 3: inputs[index] = tensor(old.elementType, Array(old.shape.dropFirst()))
    case 4: inputs[index] = tensor(old.elementType, old.shape + [1])
    default: inputs[index] = tensor(old.elementType, old.shape)
    }
  }

  private mutating func shape() -> [Int] {
    let rank = Int.random(in: 0...5, using: &random)
    return (0..<rank).map { _ in pick([0, 1, 1, 2, 3, 4]) }
  }

  /// A tensor of numbers that are small, or anything at all.
  private mutating func tensor(_ type: ElementType, _ shape: [Int]) -> Tensor {
    let type = TensorType(type, shape)
    guard type.elementType != .string else {
      return Tensor(strings: Array(repeating: [65], count: type.count), shape: shape)
    }
    switch type.elementType {
    case .int64: return Tensor((0..<type.count).map { _ in Int64(number()) }, shape: shape)
    case .int32:
      return Tensor(
        (0..<type.count).map { _ in Int32(truncatingIfNeeded: number()) }, shape: shape)
    case .float32: return Tensor((0..<type.count).map { _ in float() }, shape: shape)
    case .bool: return Tensor((0..<type.count).map { _ in chance(0.5) }, shape: shape)
    default:
      let bytes = (0..<type.byteCount).map { _ in UInt8.random(in: 0...255, using: &random) }
      return bytes.withUnsafeBytes { Tensor(bytes: $0, type: type) }
    }
  }

  // MARK: Numbers

  private mutating func number() -> Int {
    switch Int.random(in: 0..<10, using: &random) {
    case 0: pick([.min, .max, .min + 1, 1 << 31, 1 << 32, 1 << 40, -1 << 40, 1 << 62, 1 << 24])
    case 1: Int.random(in: -300...300, using: &random)
    default: Int.random(in: -3...5, using: &random)
    }
  }

  private mutating func float() -> Float {
    chance(0.15)
      ? pick([
        .nan, .infinity, -.infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude, -0.0, 1e20,
        -1e20,
      ])
      : Float.random(in: -3...3, using: &random)
  }

  private mutating func chance(_ probability: Double) -> Bool {
    Double.random(in: 0..<1, using: &random) < probability
  }

  private mutating func pick<Element>(_ choices: [Element]) -> Element {
    choices[Int.random(in: choices.indices, using: &random)]
  }
}
