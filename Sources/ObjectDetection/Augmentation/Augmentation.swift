/// How strongly training images are varied.
///
/// Each transform has a file of its own.
///
/// The order is: mosaic or a single image placed by ``RandomPlacement``, flip, mixup,
/// ``ColourJitter``. Strengths of 0 leave images as evaluation sees them.
public struct Augmentation: Codable, Sendable, Hashable {
  /// Probability of a mirror image, left to right.
  public var flip = 0.0
  /// Largest change of the hue, as a fraction of the colour circle.
  public var hue = 0.0
  /// Largest change of the saturation: its factor lies between 1 − s and 1 + s.
  public var saturation = 0.0
  /// Largest change of the brightness, as for ``saturation``.
  public var brightness = 0.0
  /// Largest change of the size, as for ``saturation``.
  public var scale = 0.0
  /// Largest shift, as a fraction of the input's extents.
  public var translation = 0.0
  /// Probability that four images are combined around a point.
  public var mosaic = 0.0
  /// Probability that another image is blended in.
  public var mixup = 0.0
  /// The number of last epochs that use neither mosaic nor mixup.
  public var plainEpochs = 0

  /// No change at all.
  public init() {}

  /// Images as evaluation sees them.
  public static let none = Augmentation()

  /// Mirroring, colours, size and position: for fine-tuning.
  public static let light: Augmentation = {
    var value = Augmentation()
    (value.flip, value.hue, value.saturation, value.brightness) = (0.5, 0.015, 0.4, 0.3)
    (value.scale, value.translation) = (0.25, 0.08)
    return value
  }()

  /// With mosaic and a little mixup: for training from scratch.
  public static let standard: Augmentation = {
    var value = Augmentation.light
    (value.scale, value.translation, value.saturation, value.brightness) = (0.4, 0.1, 0.7, 0.4)
    (value.mosaic, value.mixup, value.plainEpochs) = (0.7, 0.05, 10)
    return value
  }()

  /// The presets by name, in the order of help texts.
  public static let presets: [(name: String, value: Augmentation)] = [
    ("none", .none), ("light", .light), ("standard", .standard),
  ]

  /// The names of the presets.
  public static let presetNames = presets.map(\.name)

  /// The preset of a name.
  public static func named(_ name: String) -> Augmentation? {
    presets.first { $0.name == name }?.value
  }

  /// The augmentation in force in an epoch, counted from 0.
  public func inForce(epoch: Int, of epochs: Int) -> Augmentation {
    guard epochs - epoch <= plainEpochs else { return self }
    var plain = self
    (plain.mosaic, plain.mixup) = (0, 0)
    return plain
  }
}
