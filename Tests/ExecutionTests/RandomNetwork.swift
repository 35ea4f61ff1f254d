import GraphIR
import Tensors
import TestSupport

/// A seeded random graph of the blocks that detectors are made of, and of what confuses memory
/// plans.
struct RandomNetwork {
  private(set) var graph = Graph()
  private var random: SplitMix64
  private var values: [(name: String, shape: [Int])] = []
  private var count = 0
  let hasDynamicTail: Bool

  /// A network of about `blocks` blocks.
  init(seed: UInt64, blocks: Int) {
    random = SplitMix64(seed: seed)
    hasDynamicTail = seed.isMultiple(of: 3)
    graph.properties.opsets = ["": 17]
    let batch = Int.random(in: 1...2, using: &random)
    for index in 0..<Int.random(in: 1...2, using: &random) {
      let side = 4 + 2 * Int.random(in: 0...2, using: &random)
      let shape = [batch, 4, side, side]
      graph.inputs.append(
        ValueInfo(name: "in\(index)", type: ValueType(TensorType(.float32, shape))))
      values.append(("in\(index)", shape))
    }
    for _ in 0..<blocks { addBlock() }
    addOutputs()
    if hasDynamicTail { addDynamicTail() }
  }

  /// Inputs drawn from the same seed.
  mutating func feed() -> [String: Tensor] {
    var feed: [String: Tensor] = [:]
    for (name, shape) in values where name.hasPrefix("in") { feed[name] = tensor(shape) }
    return feed
  }

  // MARK: Blocks

  private mutating func addBlock() {
    let x = pick(values)
    switch Int.random(in: 0..<20, using: &random) {
    case 0...4: convolutionBlock(x)
    case 5: sum(x)
    case 6: selfMixing(x)
    case 7, 8: concat(x)
    case 9: split(x)
    case 10: slice(x)
    case 11: reshapes(x)
    case 12: shuffle(x)
    case 13: activate(x)
    case 14: pool(x)
    case 15: if x.shape[2] <= 8 { resize(x) }
    case 16: squeezeAndExcite(x)
    case 17: partlyWanted(x)
    case 18: affine(x)
    default: passThrough(x)
    }
  }

  private typealias Value = (name: String, shape: [Int])

  private mutating func convolutionBlock(_ x: Value) {
    let (channels, size) = (x.shape[1], pick([1, 1, 3]))
    let isDepthwise = chance(0.3)
    let outputs = isDepthwise || chance(0.4) ? channels : pick([3, 4, 6, 8])
    let stride = x.shape[2] >= 6 && chance(0.2) ? 2 : 1
    let groups = isDepthwise ? channels : 1
    var source = x.name
    var pads = Array(repeating: size / 2, count: 4)
    if size == 3, chance(0.2) {
      source = node("Pad", [x.name, constant([0, 0, 1, 1, 0, 0, 1, 1])])
      pads = [0, 0, 0, 0]
    }
    var inputs = [source, constant(tensor([outputs, channels / groups, size, size]))]
    if chance(0.6) { inputs.append(constant(tensor([outputs]))) }
    var y = node(
      "Conv", inputs,
      [
        "pads": .ints(pads), "group": .int(groups), "strides": .ints([stride, stride]),
        "kernel_shape": .ints([size, size]),
      ])
    let shape = [x.shape[0], outputs] + x.shape[2...].map { ($0 - 1) / stride + 1 }
    if chance(0.4) { values.append((y, shape)) }
    if chance(0.5) { y = normalize(y, outputs) }
    if chance(0.7) { y = activation(y) }
    if chance(0.5), let other = values.last(where: { $0.shape == shape && $0.name != y }) {
      y = node("Add", chance(0.5) ? [y, other.name] : [other.name, y])
      if chance(0.4) { y = activation(y) }
    }
    values.append((y, shape))
  }

  private mutating func normalize(_ x: String, _ channels: Int) -> String {
    let parameters = (0..<4).map { index in
      constant(
        Tensor(
          (0..<channels).map { _ in Float.random(in: index == 3 ? 0.5...2 : -1...1, using: &random)
          }
        ))
    }
    return node("BatchNormalization", [x] + parameters)
  }

  private mutating func activation(_ x: String) -> String {
    switch Int.random(in: 0..<7, using: &random) {
    case 0: return node("Relu", [x])
    case 1: return node("LeakyRelu", [x], ["alpha": .float(0.1)])
    case 2:
      return node(
        "Clip", [x, constant(Tensor(scalar: Float(0))), constant(Tensor(scalar: Float(6)))])
    case 3: return node("HardSwish", [x])
    case 4: return node("Sigmoid", [x])
    case 5: return node("Mul", [x, node("Sigmoid", [x])])
    default: return node("Mul", [x, node("Tanh", [node("Softplus", [x])])])
    }
  }

  private mutating func activate(_ x: Value) { values.append((activation(x.name), x.shape)) }

  private mutating func sum(_ x: Value) {
    let others = values.filter { $0.shape == x.shape }
    let count = Int.random(in: 2...4, using: &random)
    let inputs = (0..<count).map { _ in pick(others).name }
    let op = count == 2 ? pick(["Add", "Mul", "Sub", "Max"]) : pick(["Sum", "Max", "Min", "Mean"])
    values.append((node(op, inputs), x.shape))
  }

  /// Combines a value with a part of itself, which a plan may have made a view of it.
  private mutating func selfMixing(_ x: Value) {
    let fresh = activation(x.name)
    let part = node(
      "Slice", [fresh, constant([0]), constant([1]), constant([chance(0.5) ? 1 : 2])])
    values.append((node(pick(["Add", "Mul"]), [fresh, part]), x.shape))
  }

  private mutating func concat(_ x: Value) {
    let axis = chance(0.8) ? 1 : pick([0, 2, 3])
    let others = values.filter { other in
      other.shape.indices.allSatisfy { $0 == axis || other.shape[$0] == x.shape[$0] }
        && other.shape[axis] <= 16
    }
    let parts = [x] + (0..<Int.random(in: 0...2, using: &random)).map { _ in pick(others) }
    let extent = parts.reduce(0) { $0 + $1.shape[axis] }
    var shape = x.shape
    shape[axis] = extent
    let y = node("Concat", parts.map(\.name), ["axis": .int(axis)])
    // Later blocks rely on a batch and image of even size no larger than the start's.
    if axis == 1, extent <= 24 {
      values.append((y, shape))
    } else {
      let cut = node(
        "Slice", [y, constant([1]), constant([1 + x.shape[axis]]), constant([axis])])
      let begins = node(
        "Slice", [y, constant([0]), constant([x.shape[axis]]), constant([axis])])
      let enough = extent > x.shape[axis]
      values.append((enough ? node("Add", [cut, begins]) : begins, x.shape))
    }
  }

  private mutating func split(_ x: Value) {
    guard x.shape[1] > 1 else { return }
    let first = Int.random(in: 1..<x.shape[1], using: &random)
    let names = [fresh(), fresh()]
    let wanted = chance(0.2) ? ["", names[1]] : names
    graph.nodes.append(
      Node(
        "Split", inputs: [x.name, constant([first, x.shape[1] - first])], outputs: wanted,
        attributes: ["axis": .int(1)]))
    for (name, extent) in zip(wanted, [first, x.shape[1] - first]) where !name.isEmpty {
      values.append((name, [x.shape[0], extent] + x.shape[2...]))
    }
  }

  private mutating func slice(_ x: Value) {
    guard x.shape[1] > 1 else { return }
    let start = Int.random(in: 0..<x.shape[1], using: &random)
    let end = Int.random(in: start + 1...x.shape[1], using: &random)
    let y = node("Slice", [x.name, constant([start]), constant([end]), constant([1])])
    values.append((y, [x.shape[0], end - start] + x.shape[2...]))
  }

  private mutating func reshapes(_ x: Value) {
    let flat = node("Reshape", [x.name, constant([x.shape[0], x.shape[1], -1])])
    let acted = chance(0.5) ? activation(flat) : flat
    let tall = node("Unsqueeze", [acted, constant([0])])
    let low = node("Squeeze", [tall, constant([0])])
    let computed = node("Shape", [x.name])
    values.append((node("Reshape", [low, computed]), x.shape))
  }

  private mutating func shuffle(_ x: Value) {
    guard x.shape[1].isMultiple(of: 2) else { return }
    let half = x.shape[1] / 2
    let apart = node(
      "Reshape", [x.name, constant([x.shape[0], 2, half, x.shape[2], x.shape[3]])])
    let turned = node("Transpose", [apart], ["perm": .ints([0, 2, 1, 3, 4])])
    values.append((node("Reshape", [turned, constant(x.shape)]), x.shape))
  }

  private mutating func pool(_ x: Value) {
    let op = pick(["MaxPool", "AveragePool"])
    let y = node(
      op, [x.name], ["kernel_shape": .ints([3, 3]), "pads": .ints([1, 1, 1, 1])])
    values.append((y, x.shape))
  }

  private mutating func resize(_ x: Value) {
    let y = node(
      "Resize", [x.name, "", constant(Tensor([1, 1, 2, 2] as [Float]))],
      ["mode": .string(chance(0.5) ? "nearest" : "linear")])
    let pooled = node(
      "MaxPool", [y], ["kernel_shape": .ints([2, 2]), "strides": .ints([2, 2])])
    values.append((pooled, x.shape))
  }

  private mutating func squeezeAndExcite(_ x: Value) {
    let pooled = node("GlobalAveragePool", [x.name])
    let mixed = node("Conv", [pooled, constant(tensor([x.shape[1], x.shape[1], 1, 1]))])
    values.append((node("Mul", [x.name, node("HardSigmoid", [mixed])]), x.shape))
  }

  /// Nodes some of whose outputs nobody wants.
  private mutating func partlyWanted(_ x: Value) {
    let (best, places) = (fresh(), fresh())
    let extent = x.shape[3]
    graph.nodes.append(
      Node(
        "TopK", inputs: [x.name, constant([extent])],
        outputs: pick([[best, places], ["", places], [best, ""], [best]]),
        attributes: ["axis": .int(-1)]))
    let last = graph.nodes[graph.nodes.count - 1].outputs
    let y = last[0].isEmpty ? node("Cast", [places], ["to": .int(1)]) : best
    values.append((y, x.shape))
    if chance(0.5) {
      let kept = fresh()
      graph.nodes.append(
        Node(
          "MaxPool", inputs: [y], outputs: [kept, ""],
          attributes: ["kernel_shape": .ints([1, 1])]))
      values.append((kept, x.shape))
    }
  }

  private mutating func affine(_ x: Value) {
    let factor = node("Mul", [x.name, constant(tensor([x.shape[1], 1, 1]))])
    values.append((node("Add", [constant(tensor([1, x.shape[1], 1, 1])), factor]), x.shape))
  }

  private mutating func passThrough(_ x: Value) {
    values.append((node(pick(["Identity", "Dropout", "Identity"]), [x.name]), x.shape))
    if chance(0.5) { _ = activation(x.name) }
  }

  // MARK: Ends

  private mutating func addOutputs() {
    var names = [values[values.count - 1].name]
    for value in values where chance(0.15) { names.append(value.name) }
    if chance(0.2) { names.append(names[0]) }
    if chance(0.2), let name = graph.initializers.keys.randomElement(using: &random) {
      names.append(name)
    }
    graph.outputs = names.map { ValueInfo(name: $0, type: .undeclared) }
  }

  private mutating func addDynamicTail() {
    let x = pick(values)
    let mask = node("Greater", [x.name, constant(Tensor(scalar: Float(0.2)))])
    let places = node("Transpose", [node("NonZero", [mask])], ["perm": .ints([1, 0])])
    let found = node("GatherND", [x.name, places])
    let tail = [places, found, node("Relu", [node("Add", [found, found])])]
    graph.outputs += tail.map { ValueInfo(name: $0, type: .undeclared) }
    guard x.shape.product.isMultiple(of: 4) else { return }
    let boxes = node("Reshape", [x.name, constant([1, -1, 4])])
    let side = x.shape.product / 4
    let scores = constant(tensor([1, 1, side]))
    let kept = node(
      "NonMaxSuppression",
      [boxes, scores, constant([5]), constant(Tensor([0.4] as [Float]))])
    graph.outputs.append(ValueInfo(name: kept, type: .undeclared))
  }

  // MARK: Parts

  private mutating func fresh() -> String {
    count += 1
    return "v\(count)"
  }

  private mutating func node(
    _ opType: String, _ inputs: [String], _ attributes: Attributes = [:]
  ) -> String {
    let output = fresh()
    graph.nodes.append(Node(opType, inputs: inputs, outputs: [output], attributes: attributes))
    return output
  }

  private mutating func constant(_ tensor: Tensor) -> String {
    count += 1
    graph.initializers["c\(count)"] = Initializer(tensor)
    return "c\(count)"
  }

  private mutating func constant(_ values: [Int]) -> String {
    constant(Tensor(values.map(Int64.init)))
  }

  private mutating func tensor(_ shape: [Int]) -> Tensor {
    Tensor((0..<shape.product).map { _ in Float.random(in: -1...1, using: &random) }, shape: shape)
  }

  private mutating func chance(_ probability: Double) -> Bool {
    Double.random(in: 0..<1, using: &random) < probability
  }

  private mutating func pick<Element>(_ choices: [Element]) -> Element {
    choices[Int.random(in: choices.indices, using: &random)]
  }
}
