import Execution
import Formats
import Foundation
import GraphIR
import ObjectDetection
import Quantize
import Tensors

/// Finds the ranges of values: from images, from a former run's notes, or from what normalisations say.
struct QuantizationRanges {
  let quantizing: Quantizing
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
    quantizing: Quantizing, graph: Graph, sites: QuantizationSites, images: CalibrationImages,
    moments: ChannelMoments?
  ) {
    (self.quantizing, self.graph, self.sites) = (quantizing, graph, sites)
    (self.images, self.moments) = (images, moments)
  }

  private var common: CommonOptions { quantizing.common }

  /// The values that images must be looked at for.
  private var unknown: [String] { sites.observed.filter { moments?.values[$0] == nil } }

  /// Looks at images, as far as nothing else is known.
  mutating func calibrate(_ observer: Observer) throws {
    if moments != nil { remarks.append(dataFreeRemark) }
    guard !unknown.isEmpty else { return }
    let state = try quantizing.options.calibState.map { try CalibrationState(path: $0, key: key) }
    let known = state?.calibration
    if let known, known.images > 0 {
      common.logger.notice("going on after \(known.images) images that were looked at before")
    }
    let bar = ProgressBar(
      "calibrating", total: images.count, unit: "images", isShown: common.showsProgress)
    defer { bar.finish() }
    var saved = ContinuousClock.now
    let calibration = try Calibration(
      graph, values: unknown, countsNumbers: state != nil || observer.needsHistogram,
      images: images.count, threads: common.threadCount,
      inputShapes: try quantizing.head.parsedShapes(), resuming: known, fill: images.fill,
      observe: { done, noted in
        bar.update(done)
        guard let state, ContinuousClock.now - saved > Self.pause || done == images.count else {
          return
        }
        try state.save(noted())
        saved = .now
      })
    statistics = calibration.statistics
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
  private var key: String {
    get throws {
      var data = Data(quantizing.digest.utf8)
      data += Data(unknown.joined(separator: "\n").utf8)
      data += Data(
        "\((quantizing.options.equalize ?? .weights).rawValue) \(images.input.shape)".utf8)
      data += Data("\(images.preprocessing) \(quantizing.options.replaceRelu6)".utf8)
      for source in images.sources { data += Data(Digest.sha256(try source.identity())) }
      return Digest.sha256Text(data)
    }
  }

  /// The ranges that an observer chooses.
  func activations(
    by observer: Observer, scheme: QuantizationScheme
  ) throws -> [QuantizationPlan.Activation] {
    let pool = ThreadPool(threads: common.threadCount)
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

/// What calibration saw, in a file.
struct CalibrationState {
  private struct Content: Codable {
    var schemaVersion = 1
    var key: String
    var calibration: Calibration
  }

  private let path: String
  private let key: String
  /// What was noted; `nil` when there is no file yet.
  let calibration: Calibration?

  /// Reads the file, if there is one.
  ///
  /// - Throws: `FormatError`, ``CommandError`` when it is no such file, or of another model or other images.
  init(path: String, key: String) throws {
    (self.path, self.key) = (path, key)
    let url = URL(filePath: path)
    guard try InputFile.kind(of: url) != nil else {
      calibration = nil
      return
    }
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    let data = try InputFile.data(url)
    guard let content = try? decoder.decode(Content.self, from: data), content.schemaVersion == 1
    else {
      throw CommandError(
        .badData, "\(path): is no file of --calib-state; remove it or name another")
    }
    guard content.key == key else {
      throw CommandError(
        .badData,
        "\(path): was made with another model, other images or another --equalize; remove it or name another"
      )
    }
    InputFile.release(url)
    calibration = content.calibration
  }

  /// Writes the file.
  func save(_ calibration: Calibration) throws {
    let encoder = JSONEncoder()
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    encoder.outputFormatting = [.sortedKeys]
    try AtomicOutput.write(
      encoder.encode(Content(key: key, calibration: calibration)), to: path)
  }
}
