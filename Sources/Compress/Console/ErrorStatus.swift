import Architectures
import Distill
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
    case is QualityFloorMissed: .qualityFloorMissed
    case let error as PruningError:
      switch error {
      case .noSuchLayer, .unknown, .needsGradients: .usage
      case .nothingToPrune, .otherModel, .notReplayable, .emptied, .noScales:
        .badData
      }
    case let error as LowRankError:
      switch error {
      case .noSuchLayer: .usage
      case .rank, .nothingToFactorize, .otherModel: .badData
      }
    case let error as QuantizationError:
      switch error {
      case .noSuchNode: .usage
      case .alreadyQuantized, .nothingToQuantize, .otherModel, .opset, .untrainable: .badData
      }
    case let error as DistillationError:
      switch error {
      case .unknown, .repeated, .weight, .setting, .value, .point, .batch: .usage
      case .heads, .noPoints, .labels, .shape, .cache: .badData
      }
    case is NotFinite, is CalibrationError, is LinearAlgebraError: .badData
    case let error as FormatError:
      switch error.kind {
      case .badData: .badData
      case .noInput: .noInput
      case .inputOutput: .inputOutput
      }
    case let error as DatasetError:
      switch error {
      case .missing, .noImages, .unknownFormat: .noInput
      case .unreadable: .inputOutput
      case .malformed: .badData
      }
    case ImageError.unreadable: .noInput
    case is ImageError, is NPYError, is HeadError, is NodeError, is GraphError: .badData
    case is ArchitectureError: .usage
    case let error as TrainingError:
      switch error {
      case .setting: .usage
      case .noImages: .noInput
      default: .badData
      }
    case is RawHeadError: .badData
    case is ExecutionError: .usage
    case let error as CocoaError where error.isFileError: .inputOutput
    default: nil
    }
  }
}
