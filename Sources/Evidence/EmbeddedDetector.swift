import CEmbedded
import Foundation

/// The detector that verbs work on when none is given: trained by `compress train` on the embedded scenes.
public enum EmbeddedDetector {
  /// What tables call it.
  public static let name = "default.onnx"

  /// The bytes of its ONNX file, which lie in the executable.
  public static let data = Data(
    bytesNoCopy: UnsafeMutableRawPointer(mutating: compress_default_detector()),
    count: compress_default_detector_size(), deallocator: .none)
}
