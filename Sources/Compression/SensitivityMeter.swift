import Execution
import GraphIR
import ObjectDetection
import Tensors
import Training

/// Measures the damage of altered networks against the original network.
public struct SensitivityMeter {
  /// The measure of damage.
  public enum Measure: String, CaseIterable, Codable, Sendable {
    /// The relative squared error of the outputs.
    case output
    /// The distance of the head's raw maps, see `HeadMatching`, or that of the outputs where the
    /// head is not known.
    case detection
    /// The loss of mAP.
    case map = "mAP"
  }

  private let measure: Measure
  private let labelled: Dataset?
  private let settings: HeadSettings
  /// How the networks are run.
  public let engine: Engine
  private var outputs: [[String: Tensor]] = []
  /// The mAP of the original network; 0 unless mAP is measured.
  public private(set) var score = 0.0
  /// The names of the raw maps; empty when outputs are compared.
  private let values: [String]
  private let matching: HeadMatching?
  /// Runs the networks; `nil` where mAP is measured.
  private let runs: VariantRunner?

  /// A meter for the original network.
  ///
  /// - Parameters:
  ///   - images: The images that outputs are compared on; the first `most` of them.
  ///   - labelled: The images that mAP is measured on.
  /// - Throws: ``CompressionError/needsLabels`` when mAP is to be measured without labels, what
  ///   sessions throw.
  public init(
    _ graph: Graph, measure: Measure, images: CalibrationImages, most: Int = .max,
    labelled: Dataset? = nil, settings: HeadSettings = HeadSettings(), engine: Engine
  ) throws {
    (self.measure, self.labelled) = (measure, labelled)
    let configuration = try? DetectorReading(graph, settings: settings, engine: engine)
      .configuration
    let raw = configuration.flatMap {
      try? RawHead.comparable(
        in: graph, configuration: $0, height: images.input.height, width: images.input.width,
        registry: engine.registry)
    }
    values = raw?.taps ?? []
    matching = measure == .detection ? raw.flatMap(HeadMatching.init) : nil
    (self.settings, self.engine) = (settings, engine)
    guard measure != .map else {
      runs = nil
      score = try score(graph)
      return
    }
    runs = try VariantRunner(
      graph, outputs: values.isEmpty ? graph.outputs.map(\.name) : values,
      inputs: images.first(most), engine: engine)
    outputs = try allOutputs(graph)
  }

  /// The mean over values and images of `Σ (y − y₀)² / Σ (y₀ − ȳ₀)²`, or the loss of mAP.
  ///
  /// The values are the raw maps of a recognised head, else the outputs: where boxes in pixels and
  /// scores share an output, scores would not count.
  public func damage(_ graph: Graph) throws -> Double {
    if measure == .map { return max(0, score - (try score(graph))) }
    if let matching {
      let found = try allOutputs(graph)
      let distances = try ThreadPool(threads: engine.threads).map(outputs.count) {
        try distance(matching, from: outputs[$0], to: found[$0])
      }
      let damage = distances.reduce(0) { $0 + $1 / Double(max(outputs.count, 1)) }
      return damage.isNaN ? .infinity : damage
    }
    var (sum, count) = (0.0, 0)
    for (expected, found) in zip(outputs, try allOutputs(graph)) {
      // In the order of names: sums depend on the order.
      for (name, tensor) in expected.sorted(by: { $0.key < $1.key }) {
        guard let other = found[name] else { continue }
        sum += OutputDifference.relativeSquaredError(tensor.doubles, other.doubles)
        count += 1
      }
    }
    return count == 0 ? 0 : sum / Double(count)
  }

  private func distance(
    _ matching: HeadMatching, from expected: [String: Tensor], to found: [String: Tensor]
  ) throws -> Double {
    let pairs = values.compactMap { name in
      found[name].flatMap { own in expected[name].map { ($0, own) } }
    }
    guard pairs.count == values.count else { return .infinity }
    // Gradients are not needed, but written.
    let gradients = pairs.map { Tensor(zeros: TensorType(.float32, $0.1.shape)) }
    return withExtendedLifetime((pairs, gradients)) {
      func floats(_ tensor: Tensor) -> UnsafeMutablePointer<Float> {
        tensor.view.base.assumingMemoryBound(to: Float.self)
      }
      let maps = zip(pairs, gradients).map {
        RawMap(shape: $0.1.shape, values: UnsafePointer(floats($0.1)), gradient: floats($1))
      }
      return matching.evaluate(maps, pairs.map { UnsafePointer(floats($0.0)) }).parts.reduce(0, +)
    }
  }

  private func allOutputs(_ graph: Graph) throws -> [[String: Tensor]] {
    try runs?.outputs(of: graph) ?? []
  }

  private func score(_ graph: Graph) throws -> Double {
    guard let labelled else { throw CompressionError.needsLabels }
    let images = labelled.images.count
    let evaluation = try engine.progress.job("scoring", total: images, unit: "images") {
      try DetectorEvaluation(
        Detector.workers(of: graph, settings: settings, images: images, engine: engine),
        on: labelled, pool: ThreadPool(threads: engine.threads), progress: $0)
    }
    return max(0, evaluation.summary.values.first ?? 0)
  }
}
