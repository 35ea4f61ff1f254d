import Compression
import Execution
import GraphIR
import ObjectDetection
import Tensors
import Training

/// How much a network's answer depends on each element of its layers' responses.
///
/// A small change Δ of a response moves the network's answer by a distance of about `½ Σ c Δ²`. c
/// is the diagonal of `Jᵀ H J`, with J the derivative of the answer by the response and H the
/// curvature of the distance in the answer. Each image gives one estimate: `(Jᵀ √h ε)²` with random
/// signs ε and h the diagonal of H.
///
/// For raw maps h is a secant over one unit of each raw number, so that scores just below the
/// threshold count too.
///
/// References: Hutchinson, *A stochastic estimator of the trace of the influence matrix*, 1990;
/// Martens and Grosse, *Optimizing neural networks with Kronecker-factored approximate curvature*,
/// ICML 2015, arXiv:1503.05671.
package final class ResponseCurvature {
  /// What is compared, and by which distance.
  package enum Answer: Sendable {
    /// The raw maps of a recognised head, by `HeadMatching`.
    case head
    /// The outputs, by the mean over them of `Σ (y − y₀)² / Σ (y₀ − ȳ₀)²`.
    case outputs
  }

  private let step: TrainingStep
  private let matching: HeadMatching?
  private let images: CalibrationImages
  private let seed: UInt64
  /// The parameter of the step that stands for each value; `nil` where the answer does not depend
  /// on it.
  private let probes: [Int?]

  /// A network with probes behind some values; `nil` where an operator has no derivative, or where
  /// the head is asked for and has no known maps.
  ///
  /// - Parameter values: Values of the network with their shapes for one image.
  package init?(
    _ graph: Graph, of values: [(name: String, shape: [Int])], answer: Answer,
    images: CalibrationImages, settings: HeadSettings, seed: UInt64, engine: Engine
  ) {
    let size = (height: images.input.height, width: images.input.width)
    var taps = graph.outputs.map(\.name)
    switch answer {
    case .outputs: matching = nil
    case .head:
      guard
        let configuration = try? DetectorReading(graph, settings: settings, engine: engine)
          .configuration,
        let raw = try? RawHead.comparable(
          in: graph, configuration: configuration, height: size.height, width: size.width,
          registry: engine.registry),
        let found = HeadMatching(raw)
      else { return nil }
      (matching, taps) = (found, raw.taps)
    }
    var probed = graph.withConstantsAsInitializers()
    let names = values.map { probed.insertProbe(behind: $0.name, shape: $0.shape) }
    var options = TrainingStep.Options(batchSize: 1, imageSize: size, engine: engine)
    options.normalization = .frozen
    guard
      let step = try? TrainingStep(
        probed, taps: taps, parameters: names.compactMap { $0 }, options: options)
    else { return nil }
    (self.step, self.images, self.seed) = (step, images, seed)
    probes = names.map { name in name.flatMap(step.parameters.firstIndex) }
  }

  /// Estimates the derivatives `Jᵀ √h ε` of all values on an image.
  ///
  /// - Parameter body: Takes the derivative by each value, laid out as the value; `nil` where the
  ///   answer does not depend on it.
  /// - Throws: what images and sessions throw.
  package func derivatives(
    _ image: Int, _ body: ([UnsafeMutableBufferPointer<Float>?]) -> Void
  ) throws {
    try images.fill(image, planesInto: step.images)
    try step.forward()
    var random = CounterRandom(seed: seed, stream: UInt64(image))
    seed(&random)
    try step.backward()
    body(probes.map { $0.flatMap(step.gradient) })
  }

  /// Writes `√h ε` as the gradient of the answer.
  private func seed(_ random: inout CounterRandom) {
    if let matching { writeSecants(matching, &random) } else { writeOutputCurvature() }
    for map in step.maps {
      for index in 0..<map.shape.product {
        let root = max(0, map.gradient[index]).squareRoot()
        map.gradient[index] = Bool.random(using: &random) ? root : -root
      }
    }
  }

  /// Writes the h of a head's raw maps.
  private func writeSecants(_ matching: HeadMatching, _ random: inout CounterRandom) {
    let shifts = step.maps.map { map in
      (0..<map.shape.product).map { _ in Bool.random(using: &random) ? Self.shift : -Self.shift }
    }
    let shifted = zip(step.maps, shifts).map { map, shifts in
      Tensor(shifts.indices.map { map.values[$0] + shifts[$0] }, shape: map.shape)
    }
    withExtendedLifetime(shifted) {
      let maps = zip(step.maps, shifted).map {
        RawMap(
          shape: $0.shape, values: UnsafePointer($1.view.base.assumingMemoryBound(to: Float.self)),
          gradient: $0.gradient)
      }
      _ = matching.evaluate(maps, step.maps.map(\.values), pool: step.pool)
    }
    for (map, shifts) in zip(step.maps, shifts) {
      for (index, shift) in shifts.enumerated() { map.gradient[index] /= shift }
    }
  }

  /// Writes the h of outputs.
  private func writeOutputCurvature() {
    for map in step.maps {
      let count = map.shape.product
      let values = UnsafeBufferPointer(start: map.values, count: count)
      let mean = values.reduce(0) { $0 + Double($1) } / Double(max(count, 1))
      let variation = values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
      guard variation > 0 else { continue }
      map.gradient.update(
        repeating: Float(2 / (variation * Double(step.maps.count))), count: count)
    }
  }

  /// The length of a secant, in units of logits and of the head's raw numbers.
  private static let shift: Float = 1
}

extension Graph {
  /// Adds a constant of zeros to a value, and returns its name; `nil` where no node makes it.
  fileprivate mutating func insertProbe(behind value: String, shape: [Int]) -> String? {
    guard let producer = nodes.firstIndex(where: { $0.outputs.contains(value) }) else { return nil }
    let (inner, probe) = (freshName("\(value)/before probe"), freshName("\(value)/probe"))
    nodes[producer].outputs = nodes[producer].outputs.map { $0 == value ? inner : $0 }
    self[constant: probe] = Tensor(zeros: TensorType(.float32, shape))
    nodes.insert(
      Node("Add", inputs: [inner, probe], outputs: [value]), at: producer + 1)
    return probe
  }
}
