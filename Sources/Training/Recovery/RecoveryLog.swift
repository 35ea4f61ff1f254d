import Foundation

/// A candidate for the steps of a recovery, with what a short training by it came to.
public struct RecoveryTrial: Codable, Equatable, Sendable {
  /// The learning rate: the part of a weight's unit by which a step moves it, see
  /// ``MovementUnits``.
  public var learningRate: Double
  /// Whether batch normalisations use the statistics of each batch and measure the running ones
  /// again; otherwise the stored ones stay.
  public var measuresNormalization: Bool
  /// The distance on the held-back images at its end; infinite where the loss was not finite.
  public var distance: Double
}

/// The course of a recovery.
public struct RecoveryLog: Codable, Equatable, Sendable {
  /// A distance on the held-back images.
  public struct Measurement: Codable, Equatable, Sendable {
    /// Steps of the optimiser until then, those of the trial that went on included.
    public var step: Int
    /// The distance.
    public var distance: Double
  }

  /// The mean distance of the held-back images before.
  public var distanceBefore: Double
  /// The same of the network that is kept.
  public var distanceAfter: Double
  /// The number of images trained on.
  public var images: Int
  /// The number of images held back.
  public var heldBack: Int
  /// The number of those that distances are measured on.
  public var measured: Int
  /// The values that are compared.
  public var values: [String]
  /// Steps of the optimiser in all, trials included.
  public var steps = 0
  /// Wall time in minutes.
  public var minutes = 0.0
  /// What was tried.
  public var trials: [RecoveryTrial] = []
  /// What went on; `nil` where nothing was trained.
  public var chosen: RecoveryTrial?
  /// The distances after the trials.
  public var history: [Measurement] = []

  /// The log in a sentence.
  public var sentence: String {
    let unit = images == 1 ? "image" : "images"
    let rate = chosen.map { ", learning rate \($0.learningRate)" } ?? ""
    return "Recovered without labels on \(images) \(unit): the distance from the original on "
      + "\(measured) held-back ones went from \(Self.text(distanceBefore)) to "
      + "\(Self.text(distanceAfter)) (\(steps) steps\(rate), \(Self.clock(minutes)))."
  }

  /// A distance with four digits.
  static func text(_ distance: Double) -> String {
    String(format: distance < 1e4 ? "%.4f" : "%.3g", distance)
  }

  /// Minutes and seconds.
  static func clock(_ minutes: Double) -> String {
    let seconds = Int((minutes * 60).rounded())
    return "\(seconds / 60):\(seconds % 60 < 10 ? "0" : "")\(seconds % 60) min"
  }
}
