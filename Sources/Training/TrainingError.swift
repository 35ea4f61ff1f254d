import Formats

/// Why a network cannot be trained.
public enum TrainingError: Error, Equatable, CustomStringConvertible {
  case noImageInput(found: [String])
  case unknownValue(String)
  case imageSize(expected: [Int], found: Int)
  case nothingToTrain
  case noImages
  case fewImages(found: Int, needed: Int)
  case checkpoint(reason: String)
  case setting(name: String, reason: String)
  case diverged(epoch: Int, step: Int)

  /// A sentence for the user.
  public var description: String {
    switch self {
    case .noImageInput(let found):
      "training needs a network with one input of images, found \(found.joined(separator: ", "))"
    case .unknownValue(let name): "the network computes no value '\(name)'"
    case .imageSize(let expected, let found):
      "an image of \(found) numbers does not fit the input \(expected)"
    case .nothingToTrain:
      "the network has no float32 weights that its outputs depend on; a quantised model is trained as the student of a distillation, or compressed without training"
    case .noImages: "there are no images to train on"
    case .fewImages(let found, let needed):
      "recovery needs at least \(needed) images, half of which may be held back; found \(found)"
    case .checkpoint(let reason): "the checkpoint cannot be resumed: \(reason)"
    case .setting(let name, let reason): "\(name) \(reason)"
    case .diverged(let epoch, let step):
      "the loss is no longer finite (epoch \(epoch), step \(step)); nothing is written"
    }
  }
}

extension TrainingError: LocatedError {
  /// Whether it is about settings, images or a checkpoint, not about the model.
  public var isLocated: Bool {
    switch self {
    case .setting, .noImages, .fewImages, .checkpoint: true
    default: false
    }
  }
}
