/// The version of the tool and of its library.
public enum Version {
  /// For example `0.1.0`, as `compress --version` prints it.
  public static let text = "0.1.0"
}
