import GraphIR
import Tensors

/// How a ``Session`` prepares a graph.
public struct SessionOptions: Sendable {
  /// The threads to compute with.
  public var threads: Int
  /// Concrete shapes of inputs whose declared shape is not fixed.
  public var inputShapes: [String: [Int]]
  /// Rewrites to apply once constants are folded.
  public var passes: [any GraphPass]
  /// Intermediate values to return as well.
  public var taps: [String]
  /// Whether tensors may share memory: those whose lifetimes do not overlap, views, and outputs
  /// that overwrite inputs.
  public var sharesMemory: Bool
  /// Inputs that are written between `Session.runEarly()` and `Session.runLate()`, such as the
  /// gradients of outputs.
  public var lateInputs: Set<String> = []
  /// Whether a run fails whose taps hold NaN or infinity.
  public var checksTaps = false
  /// Whether values may take all the memory of the machine, whatever the size of the model's
  /// weights.
  ///
  /// This is for graphs that this process made itself, such as those of derivatives, whose weights
  /// are inputs.
  public var trustsSizes = false

  /// Options for a run on `threads` threads.
  public init(
    threads: Int = 1, inputShapes: [String: [Int]] = [:], passes: [any GraphPass] = [],
    taps: [String] = [], sharesMemory: Bool = true
  ) {
    self.threads = threads
    self.inputShapes = inputShapes
    self.passes = passes
    self.taps = taps
    self.sharesMemory = sharesMemory
  }
}

/// Why a graph cannot be prepared or run.
public enum ExecutionError: Error, Equatable, CustomStringConvertible {
  case dynamicInput(name: String, declared: String)
  case inputShape(name: String, declared: String, given: [Int])
  case inputSize(name: String, reason: String)
  case unknownInput(name: String, known: [String])
  case missingInput(name: String)
  case inputType(name: String, expected: String, found: String)
  case unknownTap(name: String)
  case unsupportedInput(name: String, declared: String)
  case unusableName(name: String)
  case implausibleSize(bytes: Int, limit: Int, inputs: [String])

  /// A sentence for the user.
  public var description: String {
    switch self {
    case .dynamicInput(let name, let declared):
      "input '\(name)' is declared as \(declared), and its shape is not given"
    case .inputShape(let name, let declared, let given):
      "input '\(name)' is declared as \(declared), which shape \(given) does not fit"
    case .inputSize(let name, let reason): "input '\(name)': \(reason)"
    case .implausibleSize(let bytes, let limit, let inputs):
      "at the shapes that the model declares its values would take \(ByteText.text(bytes)), where a model of so few "
        + "weights is granted \(ByteText.text(limit)); to run it all the same, give the shape of "
        + inputs.prefix(3).map { "'\($0)'" }.joined(separator: ", ")
    case .unknownInput(let name, let known):
      "the model has no input '\(name)'; its inputs are \(known.joined(separator: ", "))"
    case .missingInput(let name): "input '\(name)' was not fed"
    case .inputType(let name, let expected, let found):
      "input '\(name)' takes \(expected), found \(found)"
    case .unsupportedInput(let name, let declared):
      "input '\(name)' is declared as \(declared), which nothing here computes with"
    case .unusableName(let name):
      "a value called '\(name.dropFirst())' after a zero byte cannot be computed; rename it"
    case .unknownTap(let name): "the graph has no value '\(name)' to return"
    }
  }
}
