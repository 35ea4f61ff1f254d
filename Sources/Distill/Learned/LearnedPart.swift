import Execution
import Foundation
import GraphIR
import Operators
import Tensors
import Training

/// A small network beside teacher and student that a loss trains along with the student.
///
/// Regressors, translators, generators and discriminators are such parts. They are dropped when
/// training ends.
///
/// A step is: write ``input(_:)``, ``forward()``, fill ``outputGradient``, ``backward()``; Then
/// ``inputGradient(_:)`` holds the gradient for the student. ``update(progress:)`` updates the
/// part's own weights, by AdamW with a learning rate that falls along half a cosine.
public final class LearnedPart {
  /// The shape of the output.
  public let outputShape: [Int]
  /// The output of the last ``forward()``.
  public let output: UnsafePointer<Float>
  /// Where the loss writes the gradient of the output.
  public let outputGradient: UnsafeMutablePointer<Float>
  /// The weights, in order.
  public let parameters: [String]
  private let session: Session
  private let gradients: [String: String]
  private let optimizer = Optimizer.adamW()
  private var slots: [[Tensor]] = []
  private var steps = 0
  private let learningRate: Double

  /// Prepares a network.
  ///
  /// - Parameters:
  ///   - part: Its graph and weights.
  ///   - learningRate: The learning rate of the first step.
  /// - Throws: `NodeError` naming a node that has no derivative.
  init(_ part: PartBuilder, learningRate: Double, engine: Engine) throws {
    let (graph, registry) = (part.finished(), engine.registry.withGradients)
    let variables = part.parameters + part.differentiatedInputs
    let gradient = try Gradient(
      of: [part.outputName], withRespectTo: variables, in: graph, registry: registry,
      passes: StandardRewrites.training(momentum: nil))
    var options = SessionOptions(threads: engine.threads)
    options.lateInputs = Set(gradient.seeds.values)
    options.trustsSizes = true
    let session = try Session(gradient.graph, registry: registry, options: options)
    guard let view = session.outputView(part.outputName),
      let seed = gradient.seeds[part.outputName].flatMap(session.input)
    else { throw TrainingError.unknownValue(part.outputName) }
    outputShape = view.shape
    output = UnsafePointer(view.base.assumingMemoryBound(to: Float.self))
    outputGradient = seed.base.assumingMemoryBound(to: Float.self)
    parameters = part.parameters
    gradients = gradient.gradients.reduce(into: [:]) { $0[$1.key] = $1.value }
    self.session = session
    self.learningRate = learningRate
    for name in parameters {
      guard let tensor = gradient.variables[name] else { continue }
      set(name, tensor.floats)
      slots.append((0..<optimizer.slots).map { _ in Tensor(zeros: tensor.type) })
    }
  }

  /// The memory of an input.
  public func input(_ name: String) -> UnsafeMutablePointer<Float> {
    guard let view = session.input(name) else { preconditionFailure("no input \(name)") }
    return view.base.assumingMemoryBound(to: Float.self)
  }

  /// Computes the output, and sets its gradient to zero.
  public func forward() throws {
    try session.runEarly()
    outputGradient.update(repeating: 0, count: outputShape.reduce(1, *))
  }

  /// Computes the gradients of inputs and weights from that of the output.
  public func backward() throws { try session.runLate() }

  /// The gradient of a differentiated input.
  public func inputGradient(_ name: String) -> UnsafeMutableBufferPointer<Float> {
    guard let view = gradients[name].flatMap(session.outputView) else {
      preconditionFailure("no gradient of \(name)")
    }
    return view.elements()
  }

  /// Updates the weights by their gradients; `progress` is the fraction of training that is done.
  public func update(progress: Double) {
    let factor = max(0.01, 0.5 * (1 + cos(Double.pi * min(max(progress, 0), 1))))
    for (index, name) in parameters.enumerated() {
      guard let gradient = gradients[name].flatMap(session.outputView),
        let values = session.input(name)
      else { continue }
      var state: [UnsafeMutablePointer<Float>] = []
      for slot in slots[index].indices {
        slots[index][slot].withUnsafeMutableElements(as: Float.self) {
          if let base = $0.baseAddress { state.append(base) }
        }
      }
      optimizer.update(
        OptimizerUpdate(
          values: values.base.assumingMemoryBound(to: Float.self),
          gradient: UnsafePointer(gradient.base.assumingMemoryBound(to: Float.self)), state: state,
          count: values.count, step: steps, learningRate: Float(learningRate * factor),
          weightDecay: 0))
    }
    steps += 1
  }

  /// Copies of the weights by name.
  public var weights: [String: [Float]] {
    parameters.reduce(into: [:]) { weights, name in
      weights[name] = session.input(name).map { Array($0.elements(as: Float.self)) }
    }
  }

  /// Sets a weight.
  ///
  /// - Precondition: there are as many values as the weight has.
  public func set(_ name: String, _ values: [Float]) {
    guard let view = session.input(name) else { return }
    precondition(view.count == values.count, "\(name) has \(view.count) values")
    let memory: UnsafeMutableBufferPointer<Float> = view.elements()
    for (index, value) in values.enumerated() { memory[index] = value }
  }
}
