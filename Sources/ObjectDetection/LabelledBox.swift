/// An object in a network's input: a target of training.
public struct LabelledBox: Hashable, Sendable {
  /// The box, in network pixels.
  public var box: Box
  /// The class, counted from 0 in the detector's order.
  public var classIndex: Int

  /// An object of a class in a box.
  public init(box: Box, classIndex: Int) {
    self.box = box
    self.classIndex = classIndex
  }
}
