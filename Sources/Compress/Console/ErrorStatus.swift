import Architectures
import Compression
import Distill
import Evidence
import Execution
import Formats
import Foundation
import GraphIR
import LowRank
import ObjectDetection
import Prune
import Quantize
import Tensors
import Training

/// Which exit status an error of a library stands for.
enum ErrorStatus {
  /// The status, or `nil` for errors of argument parsing.
  static func of(_ error: any Error) -> ExitStatus? {
    switch error {
    case let error as CommandError: error.status
    case let error as ModelError: of(error.underlying) ?? .internalError
    case is QualityFloorMissed: .qualityFloorMissed
    case let error as PruningError:
      switch error {
      case .noSuchLayer, .unknown, .needsGradients, .needsImages: .usage
      case .nothingToPrune, .otherModel, .notReplayable, .emptied, .noScales, .noChannel: .badData
      case .unproved: .internalError
      }
    case let error as LowRankError:
      switch error {
      case .noSuchLayer, .needsImages: .usage
      case .rank, .nothingToFactorize, .otherModel: .badData
      case .unproved: .internalError
      }
    case let error as QuantizationError:
      switch error {
      case .noSuchNode, .needsImages, .needsLabels, .drawnAnew: .usage
      case .alreadyQuantized, .nothingToQuantize, .otherModel, .opset, .untrainable: .badData
      }
    case let error as DistillationError:
      switch error {
      case .unknown, .repeated, .weight, .setting, .value, .point, .batch: .usage
      case .heads, .noPoints, .labels, .shape, .cache, .preprocessing, .labelLoss: .badData
      case .unlabelled: .noInput
      }
    case is NotFinite, is CalibrationError, is LinearAlgebraError: .badData
    case let error as FormatError:
      switch error.kind {
      case .badData: .badData
      case .noInput: .noInput
      case .inputOutput: .inputOutput
      case .conflict: .usage
      }
    case let error as DatasetError:
      switch error {
      case .missing, .noImages, .unknownFormat, .notFound, .unlabelled: .noInput
      case .unreadable: .inputOutput
      case .malformed, .severalParts: .badData
      case .noClass: .usage
      case .unreadableImages(_, _, _, _, let areMissing): areMissing ? .noInput : .badData
      }
    case ImageError.missing, HeadError.absent: .noInput
    case ImageError.unreadable: .inputOutput
    case is ImageError, is NPYError, is HeadError, is NodeError, is GraphError: .badData
    case is OperatorError, is AttributeError, is UnknownOperator, is NotDifferentiable: .badData
    case ArchitectureError.notSquare: .badData
    case is ArchitectureError: .usage
    case let error as CompressionError:
      switch error {
      case .needsLabels: .usage
      case .image: .badData
      case .unpredicted: .internalError
      }
    case let error as InputError:
      switch error {
      case .noImage: .badData
      case .noMemory: .internalError
      default: .usage
      }
    case let error as EvidenceError:
      switch error {
      case .unequal: .internalError
      case .changed: .badData
      }
    case let error as TrainingError:
      switch error {
      case .setting: .usage
      case .noImages, .fewImages: .noInput
      default: .badData
      }
    case is RawHeadError: .badData
    case let error as ExecutionError:
      switch error {
      case .inputSize, .implausibleSize: .badData
      default: .usage
      }
    case is SizeError, is MemoryShortage: .badData
    default: SystemError.code(of: error).map { of(system: $0) }
    }
  }
  /// The sentence that is printed for an error; what Foundation says is not for users.
  static func text(of error: any Error) -> String {
    guard let code = SystemError.code(of: error) else {
      if let text = ForeignError.text(of: error) { return text }
      return "\(error)" + (Advice.of(error).map { "; \($0)" } ?? "")
    }
    let reason = String(cString: strerror(code))
    return SystemError.file(of: error).map { "\($0): \(reason)" } ?? "the system says: \(reason)"
  }

  /// The status of what the system said: absent files are one thing, refusals another.
  private static func of(system code: Int32) -> ExitStatus {
    FormatError(reading: "", code: code).kind == .noInput ? .noInput : .inputOutput
  }
}
