import Distill
import Formats
import LowRank
import Prune
import Quantize

/// An error with the model file at which it arose.
public struct ModelError: Error, CustomStringConvertible, LocatedError {
  /// The path as the user gave it.
  public var file: String
  /// What is wrong.
  public var underlying: any Error

  /// An error at a file.
  public init(file: String, underlying: any Error) {
    (self.file, self.underlying) = (file, underlying)
  }

  /// A sentence for the user: the file, then what is wrong and where in it.
  public var description: String { "\(file): \(underlying)" }

  /// Always.
  public var isLocated: Bool { true }

  /// Does work on a model.
  ///
  /// Errors that name no file get the name of the model's file.
  ///
  /// - Parameter plan: The plan that is replayed on the model. Errors that the plan does not fit
  ///   name the plan's file.
  /// - Throws: ``ModelError``, or what `work` throws where that is located already.
  public static func naming<Result>(
    _ file: String, plan: String? = nil, _ work: () throws -> Result
  ) throws -> Result {
    do {
      return try work()
    } catch  where !isLocated(error) {
      if let plan, isOfPlan(error) { throw ModelError(file: plan, underlying: error) }
      throw ModelError(file: file, underlying: error)
    }
  }

  private static func isLocated(_ error: any Error) -> Bool {
    (error as? any LocatedError)?.isLocated ?? (SystemError.code(of: error) != nil)
  }

  /// Whether a plan does not fit the model.
  private static func isOfPlan(_ error: any Error) -> Bool {
    switch error {
    case PruningError.otherModel, LowRankError.otherModel, QuantizationError.otherModel: true
    default: false
    }
  }
}
