import GraphIR

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

  /// Every loss: those of the library, then added ones.
  public static var all: [LossFamily] { builtIn + additions.all }

  /// Adds a loss, which a head family can then name.
  public static func add(_ loss: LossFamily) { additions.add(loss) }

  private static let additions = Additions<LossFamily>()
  /// One line for each loss.
  private static let builtIn: [LossFamily] = [
    .yolov5, .yolov8, .yolox, .generalizedFocal, .ssd, .fastestDet,
  ]

  /// The loss with a name.
  public static func named(_ name: String) -> LossFamily? { all.first { $0.name == name } }
}
