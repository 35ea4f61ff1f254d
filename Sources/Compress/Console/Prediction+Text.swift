import Compression

extension Prediction.Verification? {
  /// What a result says of a written file.
  func sentence(_ output: String) -> String {
    guard let self else {
      return "Written to \(output), read back and found equal."
    }
    let inputs = self.images == 1 ? "an input" : "\(self.images) inputs"
    let difference =
      self.difference == 0
      ? "are what the plan predicts"
      : "lie within \(Format.small(self.difference)) of their range from the plan's prediction"
    return "Written to \(output), read back and verified: outputs \(difference), on \(inputs)."
  }
}
