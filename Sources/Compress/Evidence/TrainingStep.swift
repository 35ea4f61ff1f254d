import Execution
import GraphIR
import Operators
import OrderedCollections
import Tensors

/// One training step of a model for measuring: forward, backward and an SGD update with momentum.
///
/// The loss is a fixed random linear functional of the float outputs. Trained are the weights and biases of convolutions
/// and matrix products and the γ and β of batch normalisations, which use the statistics of the batch.
final class TrainingStep {
  /// The prepared graph.
  let session: Session
  private let gradient: Gradient
  private var momenta: [String: [Float]] = [:]

  private static let rate: Float = 1e-4
  private static let momentum: Float = 0.9

  /// Prepares a step.
  ///
  /// - Throws: What ``Gradient`` and ``Session`` throw.
  init(_ graph: consuming Graph, inputShapes: [String: [Int]], threads: Int) throws {
    let outputs = graph.outputs.map(\.name)
    let passes = StandardRewrites.training(momentum: 0.03)
    gradient = try Gradient(
      of: outputs, withRespectTo: Self.variables(graph), in: graph, registry: .training,
      inputShapes: inputShapes, passes: passes)
    session = try Session(
      gradient.graph, registry: .training, options: SessionOptions(threads: threads))
    session.fillInputs()
    var random = CounterRandom(seed: 1)
    for seed in gradient.seeds.values {
      guard let view = session.input(seed) else { continue }
      let elements = view.elements(as: Float.self)
      for index in elements.indices { elements[index] = .random(in: -1e-3...1e-3, using: &random) }
    }
    for (name, tensor) in gradient.variables {
      guard let view = session.input(name) else { continue }
      tensor.withUnsafeBytes { view.bytes.copyMemory(from: $0) }
      momenta[name] = [Float](repeating: 0, count: tensor.count)
    }
  }

  /// The constants that are trained.
  private static func variables(_ graph: Graph) -> [String] {
    var names: OrderedSet<String> = []
    for node in graph.nodes {
      let slots =
        switch node.qualifiedType {
        case "Conv", "ConvTranspose", "Gemm", "BatchNormalization": [1, 2]
        case "MatMul": [0, 1]
        default: [Int]()
        }
      for slot in slots where node.inputs.indices.contains(slot) {
        if graph.initializers[node.inputs[slot]]?.tensor.elementType == .float32 {
          names.append(node.inputs[slot])
        }
      }
    }
    return Array(names)
  }

  /// Runs one step.
  func run(profiled: Bool = false) throws {
    if profiled { try session.runProfiled() } else { try session.run() }
    for (name, gradientName) in gradient.gradients {
      guard let weights = session.input(name)?.elements(as: Float.self),
        let gradient = session.output(gradientName)
      else { continue }
      momenta[name]?.withUnsafeMutableBufferPointer { momenta in
        gradient.withUnsafeElements(as: Float.self) { gradient in
          for index in momenta.indices {
            momenta[index] = Self.momentum * momenta[index] + gradient[index]
            weights[index] -= Self.rate * momenta[index]
          }
        }
      }
    }
  }
}
