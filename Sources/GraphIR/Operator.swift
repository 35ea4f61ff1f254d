import Tensors

/// What is known of a value before the graph runs.
public struct Operand: Sendable {
  /// Its concrete type.
  public var type: TensorType
  /// Its value, when it is the same in every run.
  public var constant: Tensor?

  /// A value of the given type.
  public init(type: TensorType, constant: Tensor? = nil) {
    self.type = type
    self.constant = constant
  }

  /// A known value.
  public init(constant: Tensor) {
    type = constant.type
    self.constant = constant
  }

  /// The extent of each axis.
  public var shape: [Int] { type.shape }
  /// The type of each element.
  public var elementType: ElementType { type.elementType }
}

/// The rules of one kind of node: which output types follow from which inputs, and how it computes.
///
/// An instance is one node's operator, its attributes parsed and checked. Further capabilities are
/// protocols that an operator adopts in its own file: ``PreparedOperator``, ``CostedOperator``,
/// ``ShapeOperator`` and others. A missing capability is an error that names the operator, never a
/// default.
public protocol Operator: Sendable {
  /// The operator's name in its domain, for example `Conv`.
  static var opType: String { get }
  /// The operator's domain; `""` is ONNX's own.
  static var domain: String { get }

  /// Parses a node's attributes under the given version of the operator's domain.
  ///
  /// - Throws: ``AttributeError`` when an attribute is missing, of the wrong kind or out of range.
  init(attributes: Attributes, opset: Int) throws

  /// The types of the outputs, or `nil` when they depend on values not known before the run.
  ///
  /// - Parameter inputs: One for each input of the node; `nil` for an omitted optional one.
  /// - Throws: ``OperatorError`` when the inputs do not fit.
  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]?

  /// Computes into the outputs of `call`, whose types are those ``inferTypes(_:)`` gave.
  func forward(_ call: OperatorCall) throws

  /// Computes outputs whose types may depend on the inputs' values.
  ///
  /// The default infers the types from the values, allocates and calls ``forward(_:)``.
  func evaluate(_ inputs: [Tensor?], pool: ThreadPool) throws -> [Tensor]

  /// The bytes of new values that ``evaluate(_:pool:)`` would make, found without making them.
  ///
  /// The default is what the inferred types take, or 0 when the outputs are the input's bytes.
  func evaluationBytes(_ inputs: [Tensor?]) throws -> Int

  /// Which memory the first output may share.
  var outputMemory: OutputMemory { get }

  /// Whether a node whose inputs are all constant is folded only after rewrites have seen it.
  var foldsLate: Bool { get }
}

/// Which memory an operator's first output may share with its inputs.
public enum OutputMemory: Sendable, Equatable {
  /// None.
  case separate
  /// The memory of one of these inputs, when it has the output's type and nothing reads it later.
  /// Element *i* of the output depends only on element *i* of that input.
  case inPlace(inputs: [Int])
  /// The input's bytes are the output's, unchanged (`Reshape`, `Flatten`, `Squeeze` …).
  case view(input: Int)
}

/// The memory one call of an operator works on.
public struct OperatorCall {
  /// One view for each input of the node; `nil` for an omitted optional one.
  public var inputs: [TensorView?]
  /// One view for each output of the node.
  public var outputs: [TensorView]
  /// Working memory of at least the bytes the kernel asked for, aligned to 64 bytes.
  public var scratch: UnsafeMutableRawPointer
  /// The threads to work with.
  public var pool: ThreadPool

  /// A call on the given memory.
  public init(
    inputs: [TensorView?], outputs: [TensorView], scratch: UnsafeMutableRawPointer,
    pool: ThreadPool
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.scratch = scratch
    self.pool = pool
  }
}

extension Operator {
  /// ONNX's own domain.
  public static var domain: String { "" }

  /// A node of constants is folded at once.
  public var foldsLate: Bool { false }

  /// No shared memory.
  public var outputMemory: OutputMemory { .separate }

  /// The types of the outputs with their sizes checked, or `nil` when they depend on values not
  /// known before the run.
  ///
  /// - Throws: `SizeError` for outputs that are larger than any value may be, and whatever
  ///   ``inferTypes(_:)`` throws.
  public func checkedTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inferTypes(inputs)?.map { try TensorType(checking: $0.elementType, $0.shape) }
  }

  /// The bytes of the inferred types.
  public func evaluationBytes(_ inputs: [Tensor?]) throws -> Int {
    if case .view = outputMemory { return 0 }
    let operands = inputs.map { $0.map { Operand(constant: $0) } }
    return try checkedTypes(operands)?.reduce(0) { $0 + $1.byteCount } ?? 0
  }

  /// Infers the types from the values, allocates and computes.
  ///
  /// - Throws: `MemoryShortage` when the outputs do not fit into memory.
  public func evaluate(_ inputs: [Tensor?], pool: ThreadPool) throws -> [Tensor] {
    let operands = inputs.map { $0.map { Operand(constant: $0) } }
    guard let types = try checkedTypes(operands) else {
      throw OperatorError.unsupported("outputs whose types its input values do not determine")
    }
    try MachineMemory.require(types.reduce(0) { $0 + $1.byteCount }, for: "the outputs")
    let outputs = types.map { Tensor(uninitialized: $0) }
    try withExtendedLifetime((inputs, outputs)) {
      let kernel = try prepareKernel(
        PreparationSite(inputs: operands, outputs: types, threadCount: pool.threadCount))
      try MachineMemory.require(kernel.scratchBytes, for: "the steps of the computation")
      let scratch = WorkingMemory(byteCount: kernel.scratchBytes)
      defer { withExtendedLifetime(scratch) {} }
      try kernel.run(
        OperatorCall(
          inputs: inputs.map { $0?.view }, outputs: outputs.map(\.view), scratch: scratch.base,
          pool: pool))
    }
    return outputs
  }

  /// The kernel for one place in a graph: the operator's own choice, or plain ``forward(_:)``.
  public func prepareKernel(_ site: PreparationSite) throws -> Kernel {
    if let prepared = self as? any PreparedOperator { return try prepared.prepare(site) }
    return Kernel(algorithm: "") { call in try forward(call) }
  }
}

/// An operator that chooses an algorithm and packs its constants before the run.
public protocol PreparedOperator: Operator {
  /// The kernel for the given place in a graph.
  func prepare(_ site: PreparationSite) throws -> Kernel
}

extension PreparedOperator {
  /// Prepares for this one call.
  public func forward(_ call: OperatorCall) throws {
    let inputs = call.inputs.map { view in
      view.map { Operand(type: $0.type, constant: Tensor(copying: $0)) }
    }
    let kernel = try prepare(
      PreparationSite(
        inputs: inputs, outputs: call.outputs.map(\.type), threadCount: call.pool.threadCount))
    var call = call
    let scratch = WorkingMemory(byteCount: kernel.scratchBytes)
    defer { withExtendedLifetime(scratch) {} }
    call.scratch = scratch.base
    try kernel.run(call)
  }
}

/// A place in a graph with concrete types, for which an operator prepares a kernel.
public struct PreparationSite: Sendable {
  /// What is known of each input; `nil` for an omitted optional one.
  public var inputs: [Operand?]
  /// The type of each output.
  public var outputs: [TensorType]
  /// The threads that will run the kernel.
  public var threadCount: Int

  /// A place with the given inputs and outputs.
  public init(inputs: [Operand?], outputs: [TensorType], threadCount: Int) {
    self.inputs = inputs
    self.outputs = outputs
    self.threadCount = threadCount
  }
}

/// A prepared computation: constants packed, algorithm chosen; running it allocates nothing.
public struct Kernel: Sendable {
  /// What the profile table calls the algorithm; empty for the plain one.
  public var algorithm: String
  /// The working memory a call needs.
  public var scratchBytes: Int
  /// Inputs whose constants the kernel has packed: a call may leave them out.
  public var packedInputs: [Int]
  /// Computes the outputs of a call.
  public var run: @Sendable (OperatorCall) throws -> Void

  /// A kernel that needs `scratchBytes` of working memory.
  public init(
    algorithm: String, scratchBytes: Int = 0, packedInputs: [Int] = [],
    run: @escaping @Sendable (OperatorCall) throws -> Void
  ) {
    self.algorithm = algorithm
    self.scratchBytes = scratchBytes
    self.packedInputs = packedInputs
    self.run = run
  }
}

/// An operator that copies whole blocks of memory, so that a memory plan can lay one tensor into
/// another instead.
public protocol BlockOperator: Operator {
  /// How inputs and outputs overlay one another, or `nil` when the blocks are not contiguous.
  func blocks(inputs: [Operand?], outputs: [TensorType]) -> BlockLayout?
}

/// How the tensors of a ``BlockOperator`` overlay one another.
public enum BlockLayout: Sendable, Equatable {
  /// Output *k* is the part of input 0 that starts at element `offsets[k]` (`Split`, `Slice`).
  case outputsInInput(offsets: [Int])
  /// Input *k* is the part of output 0 that starts at element `offsets[k]` (`Concat`).
  case inputsInOutput(offsets: [Int])
}

/// An operator whose rules depend on how many outputs the node has (`Split`).
public protocol OutputCountedOperator: Operator {
  /// Parses the attributes of a node with the given number of outputs.
  ///
  /// - Throws: ``AttributeError`` when an attribute is missing, of the wrong kind or out of range.
  init(attributes: Attributes, opset: Int, outputCount: Int) throws
}

/// An operator whose multiply–accumulates are counted.
public protocol CostedOperator: Operator {
  /// The multiply–accumulates of one run.
  func macs(inputs: [TensorType?], outputs: [TensorType]) -> Int
}

/// An operator whose outputs depend on its inputs' types alone (`Shape`, `Size`).
public protocol ShapeOperator: Operator {
  /// The outputs for inputs of the given types.
  func evaluate(types: [TensorType?]) throws -> [Tensor]
}

/// Why an operator cannot work on what it is given.
public enum OperatorError: Error, Equatable, CustomStringConvertible {
  /// The node has a wrong number of inputs.
  case inputCount(expected: String, found: Int)
  /// An element type the operator does not compute with.
  case elementType(input: Int, expected: String, found: ElementType)
  /// A shape that does not fit.
  case shape(input: Int, found: [Int], reason: String)
  /// Shapes that cannot be brought together.
  case incompatible([[Int]], reason: String)
  /// A legal use of the operator that is not supported.
  case unsupported(String)

  /// A sentence for the user.
  public var description: String {
    switch self {
    case .inputCount(let expected, let found): "takes \(expected) inputs, found \(found)"
    case .elementType(let input, let expected, let found):
      "input \(input) holds \(found.rawValue), expected \(expected)"
    case .shape(let input, let found, let reason): "input \(input) of shape \(found) \(reason)"
    case .incompatible(let shapes, let reason):
      "shapes \(shapes.map { "\($0)" }.joined(separator: " and ")) \(reason)"
    case .unsupported(let what): "does not support \(what)"
    }
  }
}
