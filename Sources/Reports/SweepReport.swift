import Foundation

/// A report on models made with several settings and seeds: means, standard deviations and the
/// Pareto front.
public struct SweepReport: Codable, Sendable {
  /// One model that was made.
  public struct Point: Codable, Sendable {
    /// The settings, in the order of the command line; the variant first where there are several.
    public var settings: [Setting]
    /// The seed.
    public var seed: UInt64
    /// The facts and measurements of the model.
    public var model: ModelEvidence

    /// A point.
    public init(settings: [Setting], seed: UInt64, model: ModelEvidence) {
      (self.settings, self.seed, self.model) = (settings, seed, model)
    }

    /// The settings in words.
    public var name: String {
      settings.isEmpty ? "recipe" : settings.map(\.value).joined(separator: ", ")
    }
  }

  /// One setting.
  public struct Setting: Codable, Sendable, Hashable {
    /// The option, as `verb.option`.
    public var name: String
    /// Its value.
    public var value: String

    /// A setting.
    public init(name: String, value: String) { (self.name, self.value) = (name, value) }
  }

  /// The points of equal settings.
  struct Group {
    var points: [Point]
    var isOnFront = false
    var name: String { points[0].name }

    /// The mean of a quantity over the seeds; `nil` where a value is not known.
    func mean(_ value: (ModelEvidence) -> Double?) -> Double? {
      let values = points.compactMap { value($0.model) }
      guard values.count == points.count else { return nil }
      return values.reduce(0, +) / Double(values.count)
    }

    /// The sample's standard deviation; 0 for one value.
    func spread(_ value: (ModelEvidence) -> Double?) -> Double {
      let values = points.compactMap { value($0.model) }
      guard values.count > 1 else { return 0 }
      let mean = values.reduce(0, +) / Double(values.count)
      let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      return (squares / Double(values.count - 1)).squareRoot()
    }
  }

  /// The version of this layout.
  public var schemaVersion = 1
  /// The heading.
  public var title: String
  /// The model that all were made from.
  public var baseline: ModelEvidence
  /// The models, in the order of the grid.
  public var points: [Point]
  /// Points that failed, a line each.
  public var failures: [String]
  /// What the figures were measured on and with.
  public var manifest: ReportManifest

  /// A report on the given points.
  public init(
    title: String, baseline: ModelEvidence, points: [Point], failures: [String],
    manifest: ReportManifest
  ) {
    (self.title, self.baseline, self.points) = (title, baseline, points)
    (self.failures, self.manifest) = (failures, manifest)
  }

  /// The model that all were made from, as a group of its own.
  var baselineGroup: Group {
    var group = Group(points: [Point(settings: [], seed: 0, model: baseline)])
    group.isOnFront = hasBaselineOnFront
    return group
  }

  private var hasBaselineOnFront: Bool {
    guard let worth = Self.ap(baseline) else { return false }
    return !groups.contains { group in
      guard let ap = group.mean(Self.ap), let cost = group.mean(size.bytes),
        let own = size.bytes(baseline)
      else { return false }
      return cost <= own && ap >= worth && (cost < own || ap > worth)
    }
  }

  /// The size that tells the models apart: that of files or, where these hardly differ, as dense
  /// files with many zeros do, that after gzip.
  var size: (title: String, bytes: (ModelEvidence) -> Double?) {
    func spread(_ bytes: (ModelEvidence) -> Int) -> Double {
      let all = ([baseline] + points.map(\.model)).map { Double(bytes($0)) }
      guard let least = all.min(), let most = all.max(), most > 0 else { return 0 }
      return (most - least) / most
    }
    let usesGzip = spread(\.fileBytes) < 0.02 && spread(\.gzipBytes) > spread(\.fileBytes)
    return usesGzip
      ? ("file size after gzip", { Double($0.gzipBytes) })
      : ("file size", { Double($0.fileBytes) })
  }

  /// The points grouped by settings, in the order of their first point.
  ///
  /// The front is that of ``size`` and mean mAP, the baseline among them.
  var groups: [Group] {
    var order: [[Setting]] = []
    var byName: [[Setting]: [Point]] = [:]
    for point in points {
      if byName[point.settings] == nil { order.append(point.settings) }
      byName[point.settings, default: []].append(point)
    }
    var groups = order.compactMap { byName[$0] }.map { Group(points: $0) }
    let known = groups.indices.filter { groups[$0].mean(Self.ap) != nil }
    let own = Self.ap(baseline).map { [$0] } ?? []
    let front = ParetoFront.indices(
      cost: known.map { groups[$0].mean(size.bytes) ?? 0 }
        + own.map { _ in size.bytes(baseline) ?? 0 },
      worth: known.map { groups[$0].mean(Self.ap) ?? 0 } + own)
    for index in front where index < known.count { groups[known[index]].isOnFront = true }
    return groups
  }

  static func ap(_ model: ModelEvidence) -> Double? { model.accuracy?["AP"] }
  static func bytes(_ model: ModelEvidence) -> Double? { Double(model.fileBytes) }

  /// The files of the report by name, figures in the folder `figures`.
  public func files() throws -> [(name: String, content: Data)] {
    [
      (name: "sweep.md", content: Data(SweepTables(self).markdown.utf8)),
      (name: "sweep.tex", content: Data(SweepTables(self).latex.utf8)),
      (name: "sweep.csv", content: SweepTables(self).csv),
      (name: "sweep.json", content: try ComparisonReport.encoder.encode(self)),
    ] + figures.flatMap { $0.figure.files("figures/\($0.name)") }
  }

  /// Mean mAP against size, MACs and latency, with the spread over seeds.
  public var figures: [(name: String, figure: Figure)] {
    let size = size
    let costs: [(String, String, String, (ModelEvidence) -> Double?)] = [
      (
        "sweep-size", "Accuracy against size", "\(size.title) (MB)",
        { model in size.bytes(model).map { $0 / 1e6 } }
      ),
      (
        "sweep-macs", "Accuracy against MACs", "MACs of one image (millions)",
        { Double($0.macs) / 1e6 }
      ),
      (
        "sweep-latency", "Accuracy against latency", "latency, median of one image (ms)",
        { $0.measured?.latencyMedian }
      ),
    ]
    return costs.compactMap { name, title, xTitle, cost in
      figure(
        title, xTitle, cost,
        noise: name == "sweep-latency"
          ? ModelEvidence.latencyNoise([baseline] + points.map(\.model)) : 0
      ).map { (name, $0) }
    }
  }

  private func figure(
    _ title: String, _ xTitle: String, _ cost: (ModelEvidence) -> Double?, noise: Double
  ) -> Figure? {
    let all = [baselineGroup] + groups
    let points = all.enumerated().compactMap { index, group -> TradeOffChart.Point? in
      guard let worth = group.mean(Self.ap), let cost = group.mean(cost) else { return nil }
      let spread = group.spread(Self.ap)
      return .init(
        name: index == 0 ? baseline.name : group.name, cost: cost, worth: worth,
        interval: spread > 0 ? worth - spread...worth + spread : nil, group: index)
    }
    guard points.count > 1 else { return nil }
    return Figure(
      [
        TradeOffChart(
          title: title, xTitle: xTitle, yTitle: "mAP (AP .50:.95)", points: points,
          barTitle: "± spread over seeds", noise: noise)
      ], width: Figure.columnWidth, chartHeight: Figure.columnHeight)
  }
}
