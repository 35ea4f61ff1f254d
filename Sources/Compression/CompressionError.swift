import GraphIR

/// Why a network cannot be measured, or does not compute what was planned.
public enum CompressionError: Error, CustomStringConvertible {
  /// mAP is to be measured without labelled images.
  case needsLabels
  /// A value of a network is not finite on an image.
  case image(String, NotFinite)
  /// A written network does not compute what its plan predicts.
  case unpredicted(claim: String, value: String, difference: Double)

  /// A sentence for the user.
  public var description: String {
    switch self {
    case .needsLabels: "mAP is measured on labelled images, and there are none"
    case .image(let name, let error): "\(name): \(error)"
    case .unpredicted(let claim, let value, let difference):
      "\(claim): value '\(value)' differs by \(difference) of its range from what was "
        + "predicted; nothing is written: please report this model"
    }
  }
}
