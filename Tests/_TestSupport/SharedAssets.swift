import Foundation

/// The real detectors and images beside the checkout; tests that need them skip when they are
/// absent.
public enum SharedAssets {
  /// The folder of the package.
  public static let package = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../..").standardizedFileURL

  /// The folder of the shared assets.
  public static let root = package.deletingLastPathComponent().appending(path: "shared")

  /// Whether the assets are there.
  public static let isPresent = FileManager.default.fileExists(
    atPath: root.appending(path: "models").path)

  /// Why a test that needs them is skipped.
  public static let absence = "../shared is absent: no real detectors to test with"

  /// The shared ONNX models, by name.
  public static var models: [URL] {
    files(in: "models").filter { $0.pathExtension == "onnx" }
  }

  /// One shared model.
  public static func model(_ name: String) -> URL {
    root.appending(path: "models").appending(path: name)
  }

  /// The files of a shared folder, by name.
  public static func files(in folder: String) -> [URL] {
    let url = root.appending(path: folder)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
    return names.sorted().map { url.appending(path: $0) }
  }
}

/// A folder that is removed when the last reference to it goes.
public final class TemporaryFolder: Sendable {
  /// The folder.
  public let url: URL

  /// Makes an empty folder.
  public init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "compress-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }
}
