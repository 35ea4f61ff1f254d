/// What an allowed drop of mAP counts in.
public enum DropType: String, CaseIterable, Codable, Sendable {
  /// Points of mAP, from 0 to 1.
  case absolute
  /// A part of the float model's mAP.
  case relative
}
