/// An object that a network's input shows: what training aims at.
public struct LabelledBox: Hashable, Sendable {
  /// Where, in network pixels.
  public var box: Box
  /// The class, counted from 0 in the detector's order.
  public var classIndex: Int

  /// An object of a class in a box.
  public init(box: Box, classIndex: Int) {
    self.box = box
    self.classIndex = classIndex
  }
}
