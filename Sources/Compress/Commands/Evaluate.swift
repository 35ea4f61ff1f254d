import ArgumentParser
import Evidence
import Execution
import Formats
import Foundation
import GraphIR
import ObjectDetection
import Operators
import Tensors

/// Which benchmark's numbers are printed.
enum EvaluationMetric: String, ExpressibleByArgument, CaseIterable {
  case coco, voc, voc07

  var vocVariant: VOCVariant? {
    switch self {
    case .coco: nil
    case .voc: .allPoint
    case .voc07: .elevenPoint
    }
  }
}

/// `compress evaluate`: the COCO numbers of a detector on labelled images.
struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Score a detector on labelled images.")

  @Argument(
    help: "The model file. (default: the embedded detector)", completion: .file())
  var model: String?

  @Option(help: "Score these COCO results instead of a model.", completion: .file())
  var detections: String?

  @Option(help: "Write what was found as COCO results.", completion: .file())
  var saveDetections: String?

  @Flag(help: "List the precision of each class.")
  var perClass = false

  @Option(
    help: ArgumentHelp(
      "coco, or also Pascal VOC's AP at IoU .5.",
      discussion: "voc is the area under the curve (2010 and later), voc07 its mean at 11 recalls.")
  )
  var metric: EvaluationMetric = .coco

  @Flag(
    help:
      "Of a quantised model: let 16-bit sums of products saturate, as on CPUs without VNNI."
  )
  var simulateSaturation = false

  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Detection") var head: DetectionOptions
  @OptionGroup(title: "Common") var common: CommonOptions

  func validate() throws {
    guard model == nil || detections == nil else {
      throw ValidationError("Give either a model or --detections FILE.")
    }
    guard data.data != nil || (model == nil && detections == nil) else {
      throw ValidationError("Give the labelled images with --data.")
    }
  }

  func run() throws {
    var files = VerbFiles(
      models: [("the model", model)], others: [detections, data.data, head.file])
    files.write("--save-detections", saveDetections)
    try files.check()
    let dataset = try data.labelled(common, looksAtImages: detections == nil)
    let chosen = try data.scored(dataset, common)
    try show(detections.map { try scored($0, of: dataset, on: chosen) } ?? evaluated(on: chosen))
  }

  /// Scores results of a data set on what is chosen of it.
  private func scored(
    _ file: String, of dataset: Dataset, on chosen: Dataset
  ) throws -> Outcome {
    let records = try COCOFormat.loadResults(URL(filePath: file), for: dataset)
    let images = Set(dataset.images.map(\.id))
    if let stray = records.first(where: { !images.contains($0.image) }) {
      throw CommandError(
        .badData,
        "\(file): has results for image \(stray.image), which \(dataset.source.path) lacks")
    }
    let categories = Set(dataset.categories.map(\.id))
    let strays = records.filter { !categories.contains($0.category) }
    if let stray = strays.first {
      common.logger.warning(
        "\(file): \(strays.count) results of unknown categories (\(stray.category) …) are passed over"
      )
    }
    let score = CocoEvaluation(
      chosen, detections: records, pool: ThreadPool(threads: common.threadCount))
    let (kept, counted) = (Set(chosen.images.map(\.id)), Set(chosen.categories.map(\.id)))
    return Outcome(
      summary: score.summary, classes: score.classes,
      records: records.filter { kept.contains($0.image) && counted.contains($0.category) },
      dataset: chosen)
  }

  private func evaluated(on dataset: Dataset) throws -> Outcome {
    let loaded = try ModelArtifact(model, inputs: head.inputs.values())
    var engine = try head.engine(common)
    if simulateSaturation { engine.rewrites.append(SimulateSaturation()) }
    let accuracy = try loaded.naming { [engine] in
      try Accuracy(
        loaded, dataset: dataset, settings: head.settings(), skipsBad: data.skipBad,
        engine: engine)
    }
    if let saveDetections {
      try AtomicFile.write(
        COCOFormat.serialize(accuracy.evaluation.records, for: dataset), to: saveDetections)
    }
    var outcome = Outcome(
      summary: accuracy.evaluation.summary, classes: accuracy.evaluation.classes,
      records: accuracy.evaluation.records, dataset: accuracy.evaluation.scored)
    outcome.model = loaded.name
    outcome.settings = accuracy.configuration
    outcome.skipped = accuracy.evaluation.skipped
    outcome.remarks = [accuracy.preparation.remark].compactMap { $0 } + accuracy.evaluation.remarks
    outcome.secondsPerImage = accuracy.secondsPerImage
    return outcome
  }

  private struct Outcome {
    var model: String?
    var summary: CocoSummary
    var classes: [ClassPrecision]
    var records: [DetectionRecord]
    var dataset: Dataset
    var settings: HeadConfiguration?
    var skipped: [String] = []
    var remarks: [String] = []
    var secondsPerImage: Double?
  }

  private struct Result: Encodable {
    struct VOC: Encodable {
      var metric: String
      var ap50: Double
      var classes: [String: Double]

      enum CodingKeys: String, CodingKey {
        case metric, classes
        case ap50 = "AP50"
      }
    }

    var schemaVersion = 1
    var model: String?
    var images: Int
    /// Which images of the set these are; `nil` for all.
    var sample: Dataset.Sample?
    var detections: Int
    var summary: CocoSummary
    var voc: VOC?
    var classes: [ClassPrecision]
    var settings: HeadConfiguration?
    var skipped: [String]
    var warnings: [String]
  }

  private func show(_ outcome: Outcome) throws {
    let voc = metric.vocVariant.map {
      VOCEvaluation(outcome.dataset, detections: outcome.records, variant: $0)
    }
    if common.format == .json {
      let byClass = voc.map { voc in
        Dictionary(
          zip(outcome.dataset.categories.map(\.name), voc.classAP).map { ($0, $1 ?? -1) },
          uniquingKeysWith: { first, _ in first })
      }
      return try Console.json(
        Result(
          model: outcome.model, images: outcome.dataset.images.count,
          sample: outcome.dataset.sample, detections: outcome.records.count,
          summary: outcome.summary,
          voc: voc.map {
            Result.VOC(metric: metric.rawValue, ap50: $0.meanAP, classes: byClass ?? [:])
          }, classes: outcome.classes, settings: outcome.settings,
          skipped: outcome.dataset.leftOut + outcome.skipped,
          warnings: outcome.dataset.remarks + outcome.remarks))
    }
    Console.result(summaryTable(outcome, voc).text)
    if perClass { Console.result("\n" + classTable(outcome, voc).text) }
    Console.result("\n" + footer(outcome))
  }

  /// What each of the twelve numbers is, in their order.
  private static let legend = [
    "precision, mean over IoU .50 to .95 and classes", "precision at IoU .50",
    "precision at IoU .75", "AP of small objects, below 32² pixels",
    "AP of medium objects, 32² to 96² pixels", "AP of large objects, above 96² pixels",
    "recall with 1 box an image", "recall with 10 boxes an image",
    "recall with 100 boxes an image", "AR_100 of small objects", "AR_100 of medium objects",
    "AR_100 of large objects",
  ]

  private func summaryTable(_ outcome: Outcome, _ voc: VOCEvaluation?) -> Table {
    var table = Table([("metric", .left), ("value", .right), ("what it is", .left)])
    for (index, name) in CocoSummary.names.enumerated() {
      table.append([name, Format.metric(outcome.summary.values[index]), Self.legend[index]])
    }
    if let voc {
      let kind = metric == .voc07 ? "mean at 11 recalls" : "area under the curve"
      table.append(["VOC AP50", Format.metric(voc.meanAP), "Pascal VOC's precision, \(kind)"])
    }
    return table
  }

  private func classTable(_ outcome: Outcome, _ voc: VOCEvaluation?) -> Table {
    let extra: [(String, Table.Alignment)] = voc == nil ? [] : [("VOC AP50", .right)]
    var table = Table(
      [("class", .left), ("objects", .right), ("AP", .right), ("AP50", .right), ("AR_100", .right)]
        + extra)
    for (index, entry) in outcome.classes.enumerated() {
      let own = voc.map { [Format.metric($0.classAP[index] ?? -1)] } ?? []
      table.append(
        [
          entry.name, "\(entry.objects)", Format.metric(entry.ap), Format.metric(entry.ap50),
          Format.metric(entry.ar100),
        ] + own)
    }
    return table
  }

  private func footer(_ outcome: Outcome) -> String {
    let images = outcome.dataset.sample?.description ?? "\(outcome.dataset.images.count) images"
    var text = "\(images), \(outcome.records.count) boxes found"
    let skipped = outcome.dataset.leftOut.count + outcome.skipped.count
    if skipped > 0 { text += ", \(skipped) images skipped" }
    if let seconds = outcome.secondsPerImage {
      text += ", \(Format.milliseconds(seconds * 1000)) an image with decoding and scoring"
    }
    return text + "; a dash: nothing to measure"
  }
}
