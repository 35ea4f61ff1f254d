import Execution
import Foundation
import GraphIR
import ObjectDetection
import Reports

/// What compressing a detector did to it: the part of its mAP that is lost or, without labels, of
/// what it finds with confidence that is lost or new.
public struct Damage: Codable, Sendable, Equatable {
  /// What is compared.
  public enum Measure: String, Codable, Sendable {
    /// Mean average precision on labelled images.
    case averagePrecision = "AP"
    /// Confident findings on images without labels.
    case findings
    /// Raw outputs, by their relative squared error.
    case outputs
  }

  /// What was compared.
  public var measure: Measure
  /// The part that is lost, 0 for none; below 0 where the compressed detector is better.
  public var lost: Double
  /// What the original reaches: its mAP, or the number of its confident findings.
  public var before: Double?
  /// What the compressed detector reaches: its mAP, or how many of these findings it shares.
  public var after: Double?
  /// The number of images that findings were compared on.
  public var images: Int?

  /// The part of mAP or of findings from which damage is grave.
  public static let bound = 0.1
  /// The relative squared error of outputs from which detectors hardly find what they found.
  public static let boundOfOutputs = 0.05

  /// Whether so much is lost that something should be done.
  public var isGrave: Bool {
    !(lost <= (measure == .outputs ? Self.boundOfOutputs : Self.bound))
  }

  /// The damage to mAP; `nil` where one of the two was not scored or the original scores nothing.
  public init?(from original: ModelEvidence, to compressed: ModelEvidence) {
    guard let before = original.accuracy?["AP"], let after = compressed.accuracy?["AP"], before > 0
    else { return nil }
    (measure, lost) = (.averagePrecision, 1 - max(after, 0) / before)
    (self.before, self.after) = (before, after)
  }

  /// The damage to raw outputs.
  public init(outputs distance: Double) { (measure, lost) = (.outputs, distance) }

  /// The damage to findings.
  init(_ change: FindingsChange, images: Int) {
    (measure, lost, self.images) = (.findings, change.part, images)
    (before, after) = (Double(change.original), Double(change.original - change.lost))
  }

  /// What is lost, as a sentence without its end.
  public var sentence: String {
    func percent(_ part: Double) -> String { String(format: "%.0f %%", 100 * part) }
    switch measure {
    case .averagePrecision:
      return String(format: "mAP fell from %.4f to %.4f", before ?? 0, after ?? 0)
        + ", by \(percent(lost)) of itself"
    case .findings:
      return
        "\(percent(lost)) of what the detector finds with confidence changed (\(Int(after ?? 0)) of \(Int(before ?? 0)) findings stay, on \(images ?? 0) images without labels)"
    case .outputs:
      return "the raw outputs are off by \(percent(lost)) (relative squared error)"
    }
  }
}

/// How the confident findings of two detectors differ.
struct FindingsChange: Equatable {
  /// How many the first has.
  var original = 0
  /// How many of them the second lacks.
  var lost = 0
  /// How many the second has that the first lacks.
  var new = 0

  /// Confidence from which a finding counts.
  static let confidence = HeadConfiguration.displayConfidence
  /// The part of that confidence that a counterpart needs, so that findings near the threshold do
  /// not come and go.
  static let counterpart = 0.5
  /// The overlap of counterparts.
  static let overlap = 0.5

  /// The part of all findings that is lost or new.
  var part: Double {
    original + new == 0 ? 0 : Double(lost + new) / Double(original + new)
  }

  /// Compares what two detectors find in an image.
  mutating func add(_ first: [Detection], _ second: [Detection]) {
    let confident = first.count { $0.confidence >= Self.confidence }
    original += confident
    lost += Self.unmatched(first, among: second)
    new += Self.unmatched(second, among: first)
  }

  /// How many confident findings have no counterpart of their class among others, each of which
  /// serves once.
  private static func unmatched(_ findings: [Detection], among others: [Detection]) -> Int {
    var free = others.filter { $0.confidence >= confidence * counterpart }
    var count = 0
    for finding in findings where finding.confidence >= confidence {
      let best = free.indices.filter { free[$0].classIndex == finding.classIndex }.max {
        free[$0].box.iou(finding.box) < free[$1].box.iou(finding.box)
      }
      if let best, free[best].box.iou(finding.box) >= overlap {
        free.remove(at: best)
      } else {
        count += 1
      }
    }
    return count
  }
}

extension EvidenceCollector {
  /// The most images that findings are compared on.
  static let comparedImages = 32
  /// The fewest findings of the original that say anything.
  static let leastFindings = 8

  /// The damage to what a detector finds with confidence on images; `nil` where its head is not
  /// recognised, or it finds next to nothing.
  func damage(
    from original: ModelArtifact, to compressed: ModelArtifact, on images: Dataset
  ) throws -> Damage? {
    let step = max(1, images.images.count / Self.comparedImages)
    let chosen = stride(from: 0, to: images.images.count, by: step).prefix(Self.comparedImages)
      .map { images.images[$0].source }
    guard !chosen.isEmpty else { return nil }
    var found: [[[Detection]?]] = []
    do {
      try engine.progress.job(
        "comparing findings", total: 2 * chosen.count, unit: "images"
      ) { done in
        for (index, model) in [original, compressed].enumerated() {
          let workers = try ImageWorkers(
            Detector.workers(
              of: model.graph, settings: configuration.settings, images: chosen.count,
              engine: engine))
          let results = try workers.map(
            chosen, skipsBad: true, progress: { done(index * chosen.count + $0) }
          ) { _, _, boxes in boxes }
          found.append(results.map { try? $0.get() })
        }
      }
    } catch is HeadError { return nil } catch is InputError { return nil }
    var (change, count) = (FindingsChange(), 0)
    for case (let first?, let second?) in zip(found[0], found[1]) {
      change.add(first, second)
      count += 1
    }
    return change.original < Self.leastFindings ? nil : Damage(change, images: count)
  }
}
