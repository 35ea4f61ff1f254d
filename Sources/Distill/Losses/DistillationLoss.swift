/// How far a student's outputs are from its teacher's, with the gradient that brings them nearer.
public struct DistillationLoss: Sendable {
  /// The name users type.
  public var name: String
  /// One sentence.
  public var summary: String
  /// Where the loss comes from.
  public var citation: String
  /// The loss and its gradient by the student's outputs.
  ///
  /// Arguments: student and teacher, `[rows, classes]` row-major; the number of classes. Equal outputs give loss 0.
  public var evaluate:
    @Sendable (_ student: [Float], _ teacher: [Float], _ classes: Int) -> (
      loss: Double, gradient: [Float]
    )

  /// Every loss at its default settings.
  public static let all: [DistillationLoss] = [.softmax(temperature: 4)]
}
