import Compression
import Distill
import Evidence
import Execution
import Formats
import LowRank
import ObjectDetection
import Prune
import Quantize
import Training

/// Which option helps against an error of a library.
enum Advice {
  /// What to do, as the end of a sentence; `nil` where the error says it.
  static func of(_ error: any Error) -> String? {
    switch error {
    case let error as ModelError: of(error.underlying)
    case CompressionError.needsLabels: "give some with --data"
    case let error as InputError: of(error)
    case let error as ExecutionError: of(error)
    case let error as PruningError: of(error)
    case LowRankError.needsImages: "give some with --calib"
    case let error as QuantizationError: of(error)
    case let error as DistillationError: of(error)
    case let error as TrainingError: of(error)
    case let error as RawHeadError: of(error)
    case let error as HeadError: of(error)
    case let error as FormatError:
      error.foreign.map { ExportAdvice.text($0, file: error.file) }
    case DatasetError.unreadableImages: "--skip-bad leaves them out with their labels"
    case DatasetError.severalParts: "choose one with --split"
    default: nil
    }
  }

  private static func of(_ error: InputError) -> String? {
    switch error {
    case .open(let name, _): "give it one with --input \(name)=VALUE,…"
    case .unknown(let name, _), .noNumbers(let name, _), .count(let name, _, _, _),
      .elementType(let name, _, _):
      "see --input \(name)=…"
    case .noImage, .noMemory, .fixedSize: nil
    }
  }

  private static func of(_ error: ExecutionError) -> String? {
    switch error {
    case .dynamicInput(let name, _):
      "give rows and columns with --imgsz, or its shape with --input-shape \(name)=…"
    case .implausibleSize: "--input-shape gives it"
    default: nil
    }
  }

  private static func of(_ error: PruningError) -> String? {
    switch error {
    case .needsImages: "give some with --calib"
    case .needsGradients: "give some with --data or --train-data"
    case .noScales: "--insert-batchnorm puts them back, --method l1 does without"
    default: nil
    }
  }

  private static func of(_ error: QuantizationError) -> String? {
    switch error {
    case .needsImages: "give some with --calib, or --data-free"
    case .needsLabels: "give some with --data"
    case .drawnAnew: "leave out --from-scratch"
    case .noSuchNode: "compress inspect lists the names"
    default: nil
    }
  }

  private static func of(_ error: DistillationError) -> String? {
    switch error {
    case .noPoints: "--layers teacher=student names them"
    case .batch(_, let needed, _): "give --batch \(needed) or more"
    case .cache: "--cache names another"
    case .unlabelled, .labelLoss: "--label-weight 0 learns from the teacher alone"
    default: nil
    }
  }

  private static func of(_ error: TrainingError) -> String? {
    switch error {
    case .diverged: "take a lower --lr"
    case .nothingToTrain: "compress distill --student takes it, or leave out --epochs"
    default: nil
    }
  }

  private static func of(_ error: RawHeadError) -> String? {
    switch error {
    case .noLoss, .shapes:
      "train, prune, lowrank and quantize need no loss of the head's with --loss match"
    case .fixedClasses: "leave out --classes, or train an --arch"
    }
  }

  private static func of(_ error: HeadError) -> String? {
    switch error {
    case .unrecognized, .ambiguous: "--head names a family or a file of settings"
    case .classes: "a --head file gives the class names in their order"
    default: nil
    }
  }
}
