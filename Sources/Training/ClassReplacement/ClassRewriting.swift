import Execution
import GraphIR
import Tensors

/// Follows the classes of a head from its last convolutions to the outputs, and fits every constant
/// on the way that counts them to another number.
///
/// Those are shapes that are given to `Reshape`, the sizes of `Split`, the bounds of `Slice`, the
/// indices of `Gather`, and operands with an element for each class.
struct ClassRewriting {
  /// The network, changed as far as the walk has come.
  private(set) var graph: Graph
  /// What is known of values of the old network.
  let typed: TypedGraph
  /// The number of classes before.
  let old: Int
  /// The old class that each new one is by name; `nil` where there is none.
  let known: [Int?]
  /// The number of classes after.
  var new: Int { known.count }
  let registry: OperatorRegistry
  /// How the values that depend on the number of classes count them.
  private(set) var layouts: [String: ClassLayout] = [:]
  /// The values that are still logits, so that what scales them belongs to the last layer.
  private var logits: Set<String> = []

  /// Why a head's classes cannot be followed.
  struct Obstacle: Error {
    var reason: String
  }

  init(
    _ graph: Graph, typed: TypedGraph, old: Int, known: [Int?], registry: OperatorRegistry
  ) {
    (self.graph, self.typed, self.registry) = (graph, typed, registry)
    (self.old, self.known) = (old, known)
  }

  /// Notes how a convolution's output counts classes.
  mutating func begin(at convolution: String, _ layout: ClassLayout) {
    layouts[convolution] = layout
    logits.insert(convolution)
  }

  /// Replaces an initializer that a node reads by a new one of its own.
  mutating func set(_ slot: Int, of index: Int, to tensor: Tensor) {
    let name = graph.freshName(
      "\(graph.nodes[index].inputs.indices.contains(slot) ? graph.nodes[index].inputs[slot] : graph.nodes[index].outputs[0])/classes"
    )
    graph.initializers[name] = Initializer(tensor)
    graph.nodes[index].setInput(slot, to: name)
  }

  /// Walks on from the noted convolutions to the outputs.
  ///
  /// - Throws: ``Obstacle`` at a node where classes cannot be followed.
  mutating func run() throws {
    for index in graph.nodes.indices {
      let node = graph.nodes[index]
      guard node.outputs.allSatisfy({ layouts[$0] == nil }),
        node.inputs.contains(where: { layouts[$0] != nil })
      else { continue }
      for (output, layout) in zip(node.outputs, try follow(index)) {
        guard let layout, layout.countsClasses, !output.isEmpty else { continue }
        layouts[output] = layout
      }
      if let value = node.inputs.first(where: { logits.contains($0) }),
        graph.isAffine(graph.nodes[index], of: value)
      {
        logits.insert(node.outputs[0])
      }
    }
    for index in graph.outputs.indices {
      guard let layout = layouts[graph.outputs[index].name],
        case .tensor(let type, var shape?) = graph.outputs[index].type
      else { continue }
      for axis in layout.countingAxes where shape.indices.contains(axis) {
        shape[axis] = .fixed(ClassLayout.extent(layout.axes[axis], new))
      }
      graph.outputs[index].type = .tensor(type, shape: shape)
    }
    graph.valueTypes = [:]
  }

  /// The layouts of a node's outputs; `nil` for values that do not depend on the classes.
  private mutating func follow(_ index: Int) throws -> [ClassLayout?] {
    let node = graph.nodes[index]
    switch node.qualifiedType {
    case "BatchNormalization": return [try normalization(index)]
    case "Reshape", "Flatten", "Squeeze", "Unsqueeze": return [try reshape(index)]
    case "Transpose": return [try transpose(node)]
    case "Concat": return [try concatenation(node)]
    case "Split": return try split(index)
    case "Slice": return [try slice(index)]
    case "Gather": return [try gather(index)]
    case "Softmax", "LogSoftmax", "Identity", "Cast": return [layouts[node.inputs[0]]]
    case "Shape", "Size": return [nil]
    case "ReduceMax", "ReduceMean", "ReduceSum", "ArgMax": return [try reduction(node)]
    default:
      guard registry.type(of: node) is any ElementwiseOperator.Type else { throw obstacle(node) }
      return [try elementwise(index)]
    }
  }

  func obstacle(_ node: Node, _ reason: String = "it is not known what that does to classes")
    -> Obstacle
  {
    Obstacle(reason: "\(node.label): \(reason)")
  }

  /// The old shape of a value.
  func oldShape(_ name: String, _ node: Node) throws -> [Int] {
    guard let shape = typed.operands[name]?.type.shape else {
      throw obstacle(node, "the shape of '\(name)' is known only in a run")
    }
    return shape
  }

  /// The layout of an input; one that does not depend on classes is of its old shape.
  func layout(_ name: String, _ node: Node) throws -> ClassLayout {
    try layouts[name] ?? ClassLayout(fixed: oldShape(name, node))
  }

  /// Whether a value is still a logit of a last convolution.
  func isLogit(_ name: String) -> Bool { logits.contains(name) }

  mutating func change(_ index: Int, _ body: (inout Node) -> Void) { body(&graph.nodes[index]) }
}
