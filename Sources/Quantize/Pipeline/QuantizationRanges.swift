import Compression
import Execution
import Formats
import Foundation
import GraphIR
import ObjectDetection
import Tensors

/// Finds the ranges of values: from images, from a former run's notes, or from what normalisations
/// say.
struct QuantizationRanges {
  let quantization: Quantization
  let graph: Graph
  let sites: QuantizationSites
  let images: CalibrationImages
  /// What normalisations say; `nil` where images say it all.
  let moments: ChannelMoments?
  /// What images say.
  private(set) var statistics: [String: ValueStatistics] = [:]
  /// What was odd about it.
  private(set) var remarks: [String] = []

  init(
    quantization: Quantization, graph: Graph, sites: QuantizationSites, images: CalibrationImages,
    moments: ChannelMoments?
  ) {
    (self.quantization, self.graph, self.sites) = (quantization, graph, sites)
    (self.images, self.moments) = (images, moments)
  }

  private var engine: Engine { quantization.engine }

  /// The values that images must be looked at for.
  private var unknown: [String] { sites.observed.filter { moments?.values[$0] == nil } }

  /// Looks at images, as far as nothing else is known.
  mutating func calibrate(_ observer: Observer) throws {
    if moments != nil { remarks.append(dataFreeRemark) }
    guard !unknown.isEmpty else { return }
    let state = try quantization.configuration.state.map {
      try CalibrationState(path: $0.path, key: key($0))
    }
    let known = state?.calibration
    if let known, known.images > 0 {
      engine.progress.notice("going on after \(known.images) images that were looked at before")
    }
    var saved = ContinuousClock.now
    statistics = try engine.progress.job("calibrating", total: images.count, unit: "images") {
      advance in
      try Calibration(
        graph, values: unknown, countsNumbers: state != nil || observer.needsHistogram,
        inputs: images, engine: engine, resuming: known,
        observe: { done, noted in
          advance(done)
          guard let state, ContinuousClock.now - saved > Self.pause || done == images.count else {
            return
          }
          try state.save(noted())
          saved = .now
        }
      ).statistics
    }
  }

  /// The time between two savings.
  private static let pause = Duration.seconds(2)

  private var dataFreeRemark: String {
    let known = sites.observed.count - unknown.count
    return
      "data-free: \(known) of \(sites.observed.count) ranges from what normalisations say"
      + (unknown.isEmpty ? "." : ", \(unknown.count) from drawn images (no normalisation says it).")
  }

  /// What the notes depend on.
  private func key(_ state: Quantization.StateFile) throws -> String {
    let configuration = quantization.configuration
    let ranges = configuration.equalization.rawValue
    var data = Data(state.model.utf8)
    data += Data(unknown.joined(separator: "\n").utf8)
    data += Data("\(ranges) \(images.input.shape)".utf8)
    data += Data("\(images.preprocessing) \(configuration.replacesReLU6)".utf8)
    for source in images.sources { data += Data(Digest.sha256(try source.identity())) }
    return Digest.sha256Text(data)
  }

  /// The ranges that an observer chooses.
  func activations(
    by observer: Observer, scheme: QuantizationScheme
  ) throws -> [QuantizationPlan.Activation] {
    let pool = ThreadPool(threads: engine.threads)
    let observed = try pool.map(sites.observed.count) { index in
      let name = sites.observed[index]
      // Observers would clip: real tails are heavier than those of normal distributions.
      if let range = moments?.values[name]?.range {
        return QuantizationPlan.Activation(name: name, range: range)
      }
      let own = statistics[name] ?? ValueStatistics(countsNumbers: false)
      return QuantizationPlan.Activation(
        name: name, range: try observer.range(of: own, scheme: scheme))
    }
    let ranges = Dictionary(
      observed.map { ($0.name, $0.range) }, uniquingKeysWith: { first, _ in first })
    // Values that share a scale have a range of their own once what they share it with stays float.
    return observed
      + sites.shared.keys.sorted().compactMap { name in
        ranges[sites.scaleOwner(of: name)].map { .init(name: name, range: $0) }
      }
  }
}
