import GraphIR
import Tensors
import TestSupport

/// A seeded random program of branches and loops, written down as `If` and `Loop`, and as what they
/// come to.
struct ControlFlowProgram {
  /// How a condition or a count is known.
  enum Source: CaseIterable { case constant, computed, fed }

  /// Statements that make values of one shape; a value is called by its number.
  indirect enum Statement {
    case unary(Int, String, Int)
    case binary(Int, String, Int, Int)
    case branch(Int, takesFirst: Bool, Source, Block, Block)
    /// Makes what is carried, then the sum of what the rounds make besides.
    case loop(Int, Int, count: Int, last: Int?, Source, carried: Int, first: Int, Block, extra: Int)
  }

  /// Statements and the value that they come to.
  struct Block {
    var statements: [Statement]
    var result: Int
  }

  static let shape = [2, 3]
  private let program: Block
  private let seed: UInt64
  private let onlyConstants: Bool

  /// A program; one of only constants can be run without anything being decided in the run.
  init(seed: UInt64, onlyConstants: Bool) {
    var writer = Writer(seed: seed, onlyConstants: onlyConstants)
    program = writer.block(depth: 0, length: 4...7, reading: [0, 1])
    (self.seed, self.onlyConstants) = (seed, onlyConstants)
  }

  /// The program with `If` and `Loop`.
  var nested: Graph {
    var emitter = NestedEmitter()
    let result = emitter.emit(program)
    return emitter.graph(result: result)
  }

  /// The program with the branches taken and the rounds one after another.
  var flat: Graph {
    var emitter = FlatEmitter()
    emitter.emit(program)
    return emitter.graph(result: emitter.name(program.result))
  }

  /// Values for the inputs of ``nested``, which are those of ``flat`` and decisions.
  func feed(_ graph: Graph) -> [String: Tensor] {
    var random = SplitMix64(seed: seed &+ 99)
    return graph.inputs.reduce(into: [:]) { feed, input in
      if input.name.hasPrefix("is") {
        feed[input.name] = Tensor(scalar: input.name.hasSuffix("yes"))
      } else if input.name.hasPrefix("count") {
        let digits = input.name.split(separator: "_").last.map(String.init) ?? ""
        feed[input.name] = Tensor(scalar: Int64(digits) ?? 0)
      } else {
        feed[input.name] = Tensor(
          (0..<6).map { _ in Float.random(in: -1...1, using: &random) }, shape: Self.shape)
      }
    }
  }
}

/// Draws programs.
private struct Writer {
  var random: SplitMix64
  var count = 2
  let onlyConstants: Bool

  init(seed: UInt64, onlyConstants: Bool) {
    random = SplitMix64(seed: seed)
    self.onlyConstants = onlyConstants
  }

  private mutating func fresh() -> Int {
    count += 1
    return count - 1
  }

  private mutating func number(_ range: ClosedRange<Int>) -> Int {
    Int.random(in: range, using: &random)
  }

  private mutating func source() -> ControlFlowProgram.Source {
    let all: [ControlFlowProgram.Source] =
      onlyConstants ? [.constant, .computed] : [.constant, .computed, .fed]
    return all[number(0...all.count - 1)]
  }

  mutating func block(
    depth: Int, length: ClosedRange<Int>, reading outer: [Int]
  ) -> ControlFlowProgram.Block {
    var known = outer
    var statements: [ControlFlowProgram.Statement] = []
    for _ in 0..<number(length) {
      let (statement, made) = statement(depth: depth, reading: known)
      statements.append(statement)
      known += made
    }
    // Sometimes a value from outside as it is.
    let result = number(0...5) == 0 ? outer[number(0...outer.count - 1)] : known[known.count - 1]
    return ControlFlowProgram.Block(statements: statements, result: result)
  }

  private mutating func statement(
    depth: Int, reading known: [Int]
  ) -> (ControlFlowProgram.Statement, [Int]) {
    let (a, b) = (known[number(0...known.count - 1)], known[number(0...known.count - 1)])
    switch depth < 2 ? number(0...5) : number(0...2) {
    case 0:
      let made = fresh()
      return (.unary(made, ["Tanh", "Neg", "Identity"][number(0...2)], a), [made])
    case 1, 2:
      let made = fresh()
      return (.binary(made, ["Add", "Sub", "Mul"][number(0...2)], a, b), [made])
    case 3:
      let made = fresh()
      let first = block(depth: depth + 1, length: 1...3, reading: known)
      let second = block(depth: depth + 1, length: 1...3, reading: known)
      return (.branch(made, takesFirst: number(0...1) == 0, source(), first, second), [made])
    default:
      let (made, sum, carried) = (fresh(), fresh(), fresh())
      let body = block(depth: depth + 1, length: 1...3, reading: known + [carried])
      let extra = number(0...1) == 0 ? body.result : carried
      let last = number(0...2) == 0 ? number(1...3) : nil
      return (
        .loop(
          made, sum, count: number(0...4), last: last, source(), carried: carried, first: a, body,
          extra: extra), [made, sum]
      )
    }
  }
}

/// What both emitters write.
private protocol Emitter {
  var nodes: [Node] { get set }
  var constants: [String: Tensor] { get set }
}

extension Emitter {
  fileprivate mutating func constant(_ name: String, _ tensor: Tensor) -> String {
    constants[name] = tensor
    return name
  }

  /// The sum over the first axis.
  fileprivate mutating func summed(_ stack: String, into name: String) {
    let axis = constant("first_axis", Tensor([Int64(0)]))
    nodes.append(
      Node("ReduceSum", inputs: [stack, axis], outputs: [name], attributes: ["keepdims": .int(0)]))
  }

  fileprivate func graph(result: String, inputs: [ValueInfo]) -> Graph {
    var graph = Graph(nodes: nodes, inputs: inputs)
    graph.properties.opsets = ["": 17]
    for (name, tensor) in constants { graph[constant: name] = tensor }
    graph.nodes.append(Node("Identity", inputs: [result], outputs: ["result"]))
    graph.outputs = [ValueInfo(name: "result", type: .undeclared)]
    return graph
  }

  fileprivate var values: [ValueInfo] {
    ["v0", "v1"].map {
      ValueInfo(name: $0, type: ValueType(TensorType(.float32, ControlFlowProgram.shape)))
    }
  }
}

/// Writes `If` and `Loop`; names in sibling subgraphs may be the same.
private struct NestedEmitter: Emitter {
  var nodes: [Node] = []
  var constants: [String: Tensor] = [:]
  private var decisions: [ValueInfo] = []

  func graph(result: String) -> Graph { graph(result: result, inputs: values + decisions) }

  mutating func emit(_ block: ControlFlowProgram.Block) -> String {
    for statement in block.statements { emit(statement) }
    return "v\(block.result)"
  }

  private mutating func emit(_ statement: ControlFlowProgram.Statement) {
    switch statement {
    case .unary(let made, let opType, let a):
      nodes.append(Node(opType, inputs: ["v\(a)"], outputs: ["v\(made)"]))
    case .binary(let made, let opType, let a, let b):
      nodes.append(Node(opType, inputs: ["v\(a)", "v\(b)"], outputs: ["v\(made)"]))
    case .branch(let made, let takesFirst, let source, let first, let second):
      let condition = decision("is\(made)_\(takesFirst ? "yes" : "no")", source, takesFirst)
      let branches = [first, second].map { subgraph($0) }
      nodes.append(
        Node(
          "If", name: "branch \(made)", inputs: [condition], outputs: ["v\(made)"],
          attributes: ["then_branch": .graph(branches[0]), "else_branch": .graph(branches[1])]))
    case .loop(
      let made, let sum, let count, let last, let source, let carried, let first, let body,
      let extra):
      let name = source == .fed ? "count\(made)_\(count)" : "c\(made)"
      let limit = known(name, source, Tensor(scalar: Int64(count)))
      nodes.append(
        Node(
          "Loop", inputs: [limit, "", "v\(first)"], outputs: ["v\(made)", "stack\(made)"],
          attributes: [
            "body": .graph(loopBody(body, carried: carried, last: last, extra: extra))
          ]))
      summed("stack\(made)", into: "v\(sum)")
    }
  }

  /// A graph of the block's own nodes; what constants it makes are its initializers.
  private mutating func subgraph(_ block: ControlFlowProgram.Block) -> Graph {
    var inner = NestedEmitter()
    let result = inner.emit(block)
    decisions += inner.decisions
    var graph = Graph(nodes: inner.nodes)
    for (name, tensor) in inner.constants { graph[constant: name] = tensor }
    graph.outputs = [
      ValueInfo(
        name: result, type: ValueType(TensorType(.float32, ControlFlowProgram.shape)))
    ]
    return graph
  }

  private mutating func loopBody(
    _ block: ControlFlowProgram.Block, carried: Int, last: Int?, extra: Int
  ) -> Graph {
    var graph = subgraph(block)
    graph.inputs = ["round", "go", "v\(carried)"].map { ValueInfo(name: $0, type: .undeclared) }
    graph[constant: "last"] = Tensor(scalar: Int64((last ?? 100) - 1))
    graph.nodes.append(Node("Less", inputs: ["round", "last"], outputs: ["more"]))
    let result = graph.outputs[0].type
    graph.outputs.insert(ValueInfo(name: "more", type: .undeclared), at: 0)
    graph.outputs.append(ValueInfo(name: "v\(extra)", type: result))
    return graph
  }

  private mutating func decision(
    _ name: String, _ source: ControlFlowProgram.Source, _ value: Bool
  ) -> String {
    known(name, source, Tensor(scalar: value))
  }

  private mutating func known(
    _ name: String, _ source: ControlFlowProgram.Source, _ value: Tensor
  ) -> String {
    switch source {
    case .constant: return constant(name, value)
    case .fed:
      decisions.append(ValueInfo(name: name, type: ValueType(value.type)))
      return name
    case .computed:
      // What shapes of values say is known before the run.
      nodes.append(Node("Shape", inputs: ["v0"], outputs: ["\(name)_shape"]))
      nodes.append(Node("Size", inputs: ["\(name)_shape"], outputs: ["\(name)_rank"]))
      let isNumber = value.elementType == .int64
      let other = constant(
        "\(name)_other",
        isNumber
          ? Tensor(scalar: value.integers[0].asInt64 - 2)
          : Tensor(scalar: Int64(value.elements(as: Bool.self)[0] ? 2 : 3)))
      nodes.append(
        Node(isNumber ? "Add" : "Equal", inputs: ["\(name)_rank", other], outputs: [name]))
      return name
    }
  }
}

extension Int {
  fileprivate var asInt64: Int64 { Int64(self) }
}

/// Writes the nodes that run, one after another.
private struct FlatEmitter: Emitter {
  var nodes: [Node] = []
  var constants: [String: Tensor] = [:]
  private var names: [Int: String] = [0: "v0", 1: "v1"]
  private var count = 0

  func graph(result: String) -> Graph { graph(result: result, inputs: values) }

  func name(_ value: Int) -> String { names[value] ?? "" }

  private mutating func make(_ value: Int) -> String {
    count += 1
    names[value] = "f\(count)"
    return "f\(count)"
  }

  mutating func emit(_ block: ControlFlowProgram.Block) {
    for statement in block.statements { emit(statement) }
  }

  private mutating func emit(_ statement: ControlFlowProgram.Statement) {
    switch statement {
    case .unary(let made, let opType, let a):
      let input = name(a)
      nodes.append(Node(opType, inputs: [input], outputs: [make(made)]))
    case .binary(let made, let opType, let a, let b):
      let inputs = [name(a), name(b)]
      nodes.append(Node(opType, inputs: inputs, outputs: [make(made)]))
    case .branch(let made, let takesFirst, _, let first, let second):
      let taken = takesFirst ? first : second
      emit(taken)
      names[made] = name(taken.result)
    case .loop(
      let made, let sum, let limit, let last, _, let carried, let first, let body, let extra):
      names[carried] = name(first)
      var parts: [String] = []
      for _ in 0..<min(limit, last ?? limit) {
        emit(body)
        let axis = constant("first_axis", Tensor([Int64(0)]))
        count += 1
        nodes.append(
          Node("Unsqueeze", inputs: [name(extra), axis], outputs: ["part\(count)"]))
        parts.append("part\(count)")
        names[carried] = name(body.result)
      }
      names[made] = name(carried)
      guard !parts.isEmpty else {
        names[sum] = constant("nothing", Tensor([Float](repeating: 0, count: 6), shape: [2, 3]))
        return
      }
      nodes.append(
        Node("Concat", inputs: parts, outputs: ["stack\(count)"], attributes: ["axis": .int(0)]))
      let stack = "stack\(count)"
      summed(stack, into: make(sum))
    }
  }
}
