import ArgumentParser
import Distill
import Formats
import LowRank
import ObjectDetection
import Prune
import Quantize
import Training

/// An error with the model file at which it arose.
struct ModelError: Error, CustomStringConvertible {
  /// The path as the user gave it.
  var file: String
  var underlying: any Error

  /// A sentence for the user: the file, then what is wrong and where in it.
  var description: String { "\(file): \(underlying)" }

  /// Does work on a model; errors that do not say so by themselves say that they are about it.
  ///
  /// - Parameter plan: The plan that is replayed on the model; errors that it does not fit are
  ///   about its file.
  static func naming<Result>(
    _ file: String, plan: String? = nil, _ work: () throws -> Result
  ) throws -> Result {
    do {
      return try work()
    } catch  where !isPlaced(error) {
      if let plan, isOfPlan(error) { throw ModelError(file: plan, underlying: error) }
      throw ModelError(file: file, underlying: error)
    }
  }

  /// Whether a plan does not fit the model.
  private static func isOfPlan(_ error: any Error) -> Bool {
    switch error {
    case PruningError.otherModel, LowRankError.otherModel, QuantizationError.otherModel: true
    default: false
    }
  }

  /// Whether an error says which file it is about, or is about an option or the images.
  private static func isPlaced(_ error: any Error) -> Bool {
    switch error {
    case is ModelError, is FormatError, is NPYError, is DatasetError, is ImageError: true
    case is QualityFloorMissed, is ValidationError, is ExitCode, is CleanExit: true
    case let error as CommandError: error.isPlaced
    case HeadError.settings, HeadError.absent: true
    case let error as TrainingError:
      switch error {
      case .setting, .noImages, .checkpoint: true
      default: false
      }
    case let error as DistillationError:
      switch error {
      case .unknown, .repeated, .weight, .setting, .value, .labels, .batch, .cache: true
      default: false
      }
    default: SystemError.code(of: error) != nil
    }
  }
}

extension CommandError {
  /// Whether the sentence is about a file that it begins with, or about options.
  fileprivate var isPlaced: Bool {
    switch status {
    case .badData, .internalError: description.contains(#/^\S*[.\/]\S*: /#)
    default: true
    }
  }
}
