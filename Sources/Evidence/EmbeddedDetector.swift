import CEmbedded
import Foundation

/// The detector that verbs use when none is given.
///
/// It was trained by `compress train` on the embedded scenes.
public enum EmbeddedDetector {
  /// Its name in tables.
  public static let name = "default.onnx"

  /// The bytes of its ONNX file, which are part of the executable.
  public static let data = Data(
    bytesNoCopy: UnsafeMutableRawPointer(mutating: compress_default_detector()),
    count: compress_default_detector_size(), deallocator: .none)
}
