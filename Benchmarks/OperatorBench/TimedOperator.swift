import Execution
import GraphIR
import Operators
import Tensors
import TestSupport

/// What one operator takes on a sample.
struct TimedOperator: Encodable {
  /// The operator, with its domain where that is not ONNX's own.
  var name: String
  /// The sample; `nil` when there is none.
  var sample: String?
  /// Microseconds of the forward pass.
  var forward: Double?
  /// Microseconds of the gradient; `nil` where there is none.
  var gradient: Double?

  /// Times an operator on the sample of most elements, one that has a gradient if there is one.
  ///
  /// - Throws: what the preparation and the runs of a sample throw.
  init(_ type: any Operator.Type, threads: Int, duration: Duration) throws {
    name = type.domain.isEmpty ? type.opType : "\(type.domain).\(type.opType)"
    let options = SessionOptions(threads: threads)
    let samples = try Self.samples(type, options).sorted { $0.elementCount > $1.elementCount }
    for sample in samples {
      guard let steps = try Self.gradient(sample, options) else { continue }
      (self.sample, gradient) = (sample.name, try Self.time(steps, duration))
      forward = try Self.time(try Self.session(sample, options), duration)
      return
    }
    guard let sample = samples.first else { return }
    self.sample = sample.name
    forward = try Self.time(try Self.session(sample, options), duration)
  }

  // MARK: Samples

  private static let goldens = OperatorGolden.families.flatMap {
    (try? OperatorGolden.load($0)) ?? []
  }

  /// The golden cases of an operator and what the tests use where there are none.
  private static func samples(
    _ type: any Operator.Type, _ options: SessionOptions
  ) throws -> [OperatorGolden] {
    let own = goldens.filter { $0.node.opType == type.opType && $0.node.domain == type.domain }
    if type.opType == "BatchStatisticsNormalization" {
      return [DifferentiableSample.batchStatistics(batch: 3)]
    }
    if DifferentiableSample.drawn.contains(type.opType), type.domain.isEmpty {
      return own + [DifferentiableSample.drawn(type.opType)]
    }
    if !own.isEmpty { return own }
    return try ConformanceSamples.samples(domain: type.domain, opType: type.opType, [])
      .enumerated().map { index, written in
        var sample = OperatorGolden(
          name: "written \(index)", node: written.node, opset: written.opset,
          inputs: written.inputs, outputs: [])
        let outputs = try session(sample, options).run(feed(sample))
        sample.outputs = sample.node.outputs.compactMap { outputs[$0] }
        return sample
      }
  }

  private static func feed(_ sample: OperatorGolden) -> [String: Tensor] {
    sample.inputs.enumerated().reduce(into: [:]) { feed, input in
      if !sample.constants.contains(input.offset) { feed["x\(input.offset)"] = input.element }
    }
  }

  // MARK: Sessions

  /// The operator alone, on inputs in place.
  private static func session(
    _ sample: OperatorGolden, _ options: SessionOptions
  ) throws -> Session {
    var graph = sample.graph
    for (index, tensor) in sample.inputs.enumerated() {
      guard let tensor else { continue }
      if sample.constants.contains(index) {
        graph.initializers["x\(index)"] = Initializer(tensor)
      } else {
        graph.inputs.append(ValueInfo(name: "x\(index)", type: ValueType(tensor.type)))
      }
    }
    graph.outputs = sample.node.outputs.map { ValueInfo(name: $0, type: .undeclared) }
    let session = try Session(graph, registry: .training, options: options)
    _ = try session.run(feed(sample))
    return session
  }

  /// The gradients of the operator's float32 data, on inputs in place; `nil` where it has none.
  private static func gradient(
    _ sample: OperatorGolden, _ options: SessionOptions
  ) throws -> Session? {
    guard let differentiable = DifferentiableSample(sample),
      try OperatorRegistry.training.makeOperator(for: sample.node, in: differentiable.graph)
        is any DifferentiableOperator
    else { return nil }
    do {
      let gradient = try Gradient(
        of: [differentiable.output], withRespectTo: differentiable.variables,
        in: differentiable.graph, registry: .training)
      guard !gradient.gradients.isEmpty else { return nil }
      var graph = gradient.graph
      graph.outputs.removeAll { !gradient.gradients.values.contains($0.name) }
      let session = try Session(graph, registry: .training, options: options)
      var feed = differentiable.feed
      for (name, type) in session.inputs where feed[name] == nil {
        feed[name] = Tensor(
          [Float](repeating: 1, count: type.shape.reduce(1, *)), shape: type.shape)
      }
      _ = try session.run(feed)
      return session
    } catch let error as NodeError where error.underlying is OperatorError {
      // A use of the operator that its rule does not differentiate.
      return nil
    } catch let error as NodeError where error.underlying is NotDifferentiable {
      return nil
    } catch ExecutionError.unknownTap {
      // Only the run decides the output's shape.
      return nil
    }
  }

  // MARK: Clock

  /// The microseconds of a run: of batches of about a millisecond the fastest.
  private static func time(_ session: Session, _ duration: Duration) throws -> Double {
    let clock = ContinuousClock()
    let start = clock.now
    var (count, fastest) = (1, Double.infinity)
    repeat {
      let elapsed = try clock.measure { for _ in 0..<count { try session.run() } }
      if elapsed < .milliseconds(1), clock.now - start < duration { count *= 2 }
      fastest = min(fastest, elapsed / .microseconds(1) / Double(count))
    } while clock.now - start < duration
    return fastest
  }
}

extension OperatorGolden {
  /// The elements of all operands.
  fileprivate var elementCount: Int { inputs.reduce(0) { $0 + ($1?.count ?? 0) } }
}
