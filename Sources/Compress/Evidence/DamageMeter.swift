import Execution
import GraphIR
import Layers
import ObjectDetection
import Operators
import Tensors
import Training

/// Measures how far altered networks are from a network.
struct DamageMeter {
  /// What counts as damage.
  enum Measure: String, CaseIterable, Codable {
    /// The relative squared error of the outputs.
    case output
    /// The distance of what the head's maps say, see `HeadMatching`; that of the outputs where the head is not known.
    case detection
    /// The loss of mAP.
    case map = "mAP"
  }

  private let measure: Measure
  private let labelled: Dataset?
  private let head: DetectionOptions
  private let common: CommonOptions
  private var outputs: [[String: Tensor]] = []
  /// The mAP of the network as it is; 0 unless mAP is measured.
  private(set) var score = 0.0
  /// Names of the raw maps; empty when the outputs count.
  private let values: [String]
  private let matching: HeadMatching?
  /// Runs what is compared; `nil` where mAP is measured.
  private let runs: VariantRunner?

  /// A meter that knows the network as it is.
  ///
  /// - Parameters:
  ///   - images: The images that outputs are compared on; the first `most` of them.
  ///   - labelled: The images that mAP is measured on.
  /// - Throws: ``CommandError`` when mAP is to be measured without labels, what sessions throw.
  init(
    _ graph: Graph, measure: Measure, images: CalibrationImages, most: Int = .max,
    labelled: Dataset?, head: DetectionOptions, common: CommonOptions
  ) throws {
    (self.measure, self.labelled) = (measure, labelled)
    let configuration = try? Detector(
      SessionRuntime(graph, threads: 1, inputShapes: try head.parsedShapes()), graph: graph,
      settings: try head.settings()
    ).configuration
    let raw = configuration.flatMap {
      try? RawHead.find(
        in: graph, configuration: $0, height: images.input.height, width: images.input.width)
    }
    values = raw?.taps ?? []
    matching = measure == .detection ? raw.flatMap(HeadMatching.init) : nil
    (self.head, self.common) = (head, common)
    guard measure != .map else {
      runs = nil
      score = try score(graph)
      return
    }
    runs = try VariantRunner(
      graph, registry: .standard, outputs: values.isEmpty ? graph.outputs.map(\.name) : values,
      options: SessionOptions(
        threads: common.threadCount, inputShapes: try head.parsedShapes(),
        passes: StandardRewrites.inference), count: min(images.count, most), feed: images.feed)
    outputs = try allOutputs(graph)
  }

  /// The mean over values and images of `Σ (y − y₀)² / Σ (y₀ − ȳ₀)²`, or the loss of mAP.
  ///
  /// The values are the raw maps of a recognised head, else the outputs: where boxes in pixels and scores share an output,
  /// scores would not count.
  func damage(_ graph: Graph) throws -> Double {
    if measure == .map { return max(0, score - (try score(graph))) }
    if let matching {
      let damage = try zip(outputs, try allOutputs(graph)).reduce(0) {
        $0 + (try distance(matching, from: $1.0, to: $1.1)) / Double(max(outputs.count, 1))
      }
      return damage.isNaN ? .infinity : damage
    }
    var (sum, count) = (0.0, 0)
    for (expected, found) in zip(outputs, try allOutputs(graph)) {
      for (name, tensor) in expected {
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
    // Gradients are not asked for, but written.
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
    guard let labelled else { throw CommandError(.usage, "--measure mAP needs --data") }
    let workers = max(1, min(common.threadCount, labelled.images.count))
    let detectors = try (0..<workers).map { _ in
      try Detector(
        SessionRuntime(graph, threads: 1, inputShapes: try head.parsedShapes()), graph: graph,
        settings: try head.settings())
    }
    let evaluation = try DetectorEvaluation(
      detectors, on: labelled, pool: ThreadPool(threads: common.threadCount))
    return max(0, evaluation.summary.values.first ?? 0)
  }
}
