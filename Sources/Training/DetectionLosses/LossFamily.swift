/// A loss that a head family names in its `HeadTraining`.
public struct LossFamily: Sendable {
  /// The name.
  public var name: String
  /// The loss of a head's raw maps.
  public var make: @Sendable (RawHead) -> any DetectionLoss

  /// A loss of the given name.
  public init(name: String, make: @escaping @Sendable (RawHead) -> any DetectionLoss) {
    (self.name, self.make) = (name, make)
  }

  /// Every loss, one line each.
  public static let all: [LossFamily] = [
    .yolov5, .yolov8, .yolox, .generalizedFocal, .ssd,
  ]

  /// The loss with a name.
  public static func named(_ name: String) -> LossFamily? { all.first { $0.name == name } }
}
