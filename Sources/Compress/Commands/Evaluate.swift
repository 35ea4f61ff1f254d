import ArgumentParser
import Execution
import Foundation
import ObjectDetection
import Tensors

/// `compress evaluate`: the COCO numbers of a detector on labelled images.
struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Score a detector on labelled images.",
    discussion: """
      Prints the twelve numbers of the COCO benchmark, computed as pycocotools does, and the precision of each class. \
      With --detections FILE a COCO result file is scored instead of a model.

      EXAMPLE
        compress evaluate model.onnx --data coco/
        compress evaluate --detections results.json --data annotations.json
      """)

  @Argument(help: "The model file.", completion: .file())
  var model: String?

  @Option(help: "Score these COCO results instead of a model.", completion: .file())
  var detections: String?

  @Option(help: "Write what was found as COCO results.", completion: .file())
  var saveDetections: String?

  @Flag(help: "List the precision of each class.")
  var perClass = false

  @Option(help: "Also print Pascal VOC's AP at IoU .5: all-point or 11-point.")
  var voc: VOCVariant?

  @OptionGroup var data: DataOptions
  @OptionGroup var head: DetectionOptions
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard (model == nil) != (detections == nil) else {
      throw ValidationError("Give either a model or --detections FILE.")
    }
    guard data.data != nil else { throw ValidationError("Give the labelled images with --data.") }
  }

  func run() throws {
    let dataset = try data.labelled()
    let pool = ThreadPool(threads: common.threadCount)
    if let detections {
      let records = try COCOFormat.loadResults(URL(filePath: detections))
      let score = CocoEvaluation(dataset, detections: records, pool: pool)
      try show(
        Outcome(
          model: nil, summary: score.summary, classes: score.classes, records: records,
          dataset: dataset))
      return
    }
    let loaded = try LoadedModel(model ?? "")
    let accuracy = try Accuracy(
      loaded, dataset: dataset, head: head, data: data, common: common)
    if let saveDetections {
      try AtomicOutput.write(
        COCOFormat.serialize(accuracy.evaluation.records), to: saveDetections)
    }
    var outcome = Outcome(
      model: loaded.name, summary: accuracy.evaluation.summary,
      classes: accuracy.evaluation.classes, records: accuracy.evaluation.records,
      dataset: dataset)
    outcome.settings = accuracy.configuration
    outcome.skipped = accuracy.evaluation.skipped
    outcome.secondsPerImage = accuracy.secondsPerImage
    outcome.voc = voc.map {
      VOCEvaluation(dataset, detections: outcome.records, variant: $0).meanAP
    }
    try show(outcome)
  }

  private struct Outcome {
    var model: String?
    var summary: CocoSummary
    var classes: [ClassPrecision]
    var records: [DetectionRecord]
    var dataset: Dataset
    var settings: HeadConfiguration?
    var skipped: [String] = []
    var secondsPerImage: Double?
    var voc: Double?
  }

  private struct Result: Encodable {
    var schemaVersion = 1
    var model: String?
    var images: Int
    var detections: Int
    var summary: CocoSummary
    var voc: Double?
    var classes: [ClassPrecision]
    var settings: HeadConfiguration?
    var skipped: [String]
  }

  private func show(_ outcome: Outcome) throws {
    if common.format == .json {
      return try Console.json(
        Result(
          model: outcome.model, images: outcome.dataset.images.count,
          detections: outcome.records.count, summary: outcome.summary, voc: outcome.voc,
          classes: outcome.classes, settings: outcome.settings, skipped: outcome.skipped))
    }
    var table = Table([("metric", .left), ("value", .right)])
    for (name, value) in zip(CocoSummary.names, outcome.summary.values) {
      table.append([name, Format.metric(value)])
    }
    if let voc = outcome.voc { table.append(["VOC AP50", Format.metric(voc)]) }
    Console.result(table.text)
    if perClass {
      var table = Table([
        ("class", .left), ("objects", .right), ("AP", .right), ("AP50", .right), ("AR_100", .right),
      ])
      for entry in outcome.classes {
        table.append([
          entry.name, "\(entry.objects)", Format.metric(entry.ap), Format.metric(entry.ap50),
          Format.metric(entry.ar100),
        ])
      }
      Console.result("\n" + table.text)
    }
    if let seconds = outcome.secondsPerImage {
      Console.result(
        "\n\(outcome.dataset.images.count) images, "
          + "\(Format.milliseconds(seconds * 1000)) an image with decoding and scoring")
    }
  }
}

extension VOCVariant: ExpressibleByArgument {}
