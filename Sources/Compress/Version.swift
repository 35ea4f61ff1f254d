/// The version of the tool.
enum Version {
  /// For example `0.1.0`, as `compress --version` prints it.
  static let text = "0.1.0"
}
