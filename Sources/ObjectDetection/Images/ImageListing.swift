import Formats
import Foundation

/// The images of a folder, recognised by content where the name does not tell.
public struct ImageListing: Sendable {
  /// Files that can be read, by name.
  public var images: [URL] = []
  /// Images in formats that are not read, by name.
  public var foreign: [URL] = []

  /// Lists a folder.
  ///
  /// Files whose names begin with a dot, such as Finder's `._` files, are left out.
  ///
  /// - Parameter isDeep: Whether the folders in it are listed as well.
  public init(_ folder: URL, isDeep: Bool = false) {
    // The folder itself may be a link, which listing does not follow.
    let place = folder.resolvingSymlinksInPath().path
    let manager = FileManager.default
    let names =
      isDeep
      ? try? manager.subpathsOfDirectory(atPath: place)
      : try? manager.contentsOfDirectory(atPath: place)
    for name in (names ?? []).sorted() where !Self.isHidden(name) {
      let url = folder.appending(path: name)
      switch Self.kind(of: url) {
      case .image: images.append(url)
      case .foreign: foreign.append(url)
      case .other: break
      }
    }
  }

  /// All images, those of formats that are not read included, by path.
  var all: [URL] { foreign.isEmpty ? images : (images + foreign).sorted { $0.path < $1.path } }

  /// A remark on skipped images; `nil` when there are none.
  public func remark(on folder: URL) -> String? {
    guard let first = foreign.first else { return nil }
    return
      "\(folder.path): \(foreign.count) images of other formats than \(ImageFormat.names) are passed over "
      + "(first: \(first.lastPathComponent))"
  }

  private enum Kind { case image, foreign, other }

  /// The suffix tells the kind of most files.
  ///
  /// Where it does not, the first bytes are read.
  private static func kind(of url: URL) -> Kind {
    let suffix = url.pathExtension.lowercased()
    if ImageFile.suffixes.contains(suffix) { return .image }
    if plainSuffixes.contains(suffix) { return .other }
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder),
      !isFolder.boolValue
    else { return .other }
    let start =
      (try? FileHandle(forReadingFrom: url)).flatMap { try? $0.read(upToCount: 32) } ?? Data()
    if ImageFormat.of(start) != nil { return .image }
    return ImageFormat.foreignSuffixes.contains(suffix) ? .foreign : .other
  }

  /// Endings of what lies beside images and is none.
  private static let plainSuffixes =
    [
      "txt", "xml", "json", "yaml", "yml", "csv", "tsv", "md", "names", "data", "cfg", "npy", "npz",
      "pt", "pth", "zip", "tar", "gz", "mp4", "avi", "mov", "db", "cache",
    ] + ModelFile.endings

  private static func isHidden(_ name: String) -> Bool {
    name.split(separator: "/").contains { $0.hasPrefix(".") || $0 == "__MACOSX" }
  }
}
