import Foundation

/// Finds the files that lists and labels name, in the folders that names may be relative to.
///
/// A name is tried as it is, then in each root in order. Then it is tried as a name from another
/// system: with slashes for backslashes and without a drive, and in another letter case. Last it is
/// tried without its first folders, because sets are moved and renamed. By that last step two names
/// never become one file.
final class PathResolver {
  /// Folders that names may be relative to, the likeliest first.
  let roots: [URL]
  private let places: [String]
  private var listings: [String: [String: String]] = [:]
  private var folders: [String: String?] = [:]
  private var shortened: [String: String] = [:]

  /// A file or folder that was found.
  struct Found {
    /// The file or folder.
    var url: URL
    /// Whether it was found without the first folders of its name.
    var isShortened = false
  }

  /// A resolver of names in the given folders; folders named twice count once.
  init(_ roots: [URL]) {
    var seen: Set<String> = []
    self.roots = roots.map(\.standardizedFileURL).filter { seen.insert($0.path).inserted }
    places = self.roots.map(\.path)
  }

  /// The file or folder of a name; `nil` when there is none.
  func find(_ name: String) -> Found? {
    if name.hasPrefix("/") {
      if Self.exists(name) { return Found(url: Self.url(name)) }
    } else if let url = verbatim(name) {
      return Found(url: url)
    }
    let parts = Self.parts(name)
    for count in parts.indices {
      let rest = parts[count...].joined(separator: "/")
      guard let url = verbatim(rest) ?? caseless(rest) else { continue }
      guard !parts[..<count].allSatisfy({ $0 == ".." }) else { return Found(url: url) }
      guard shortened[url.path, default: name] == name else { return nil }
      shortened[url.path] = name
      return Found(url: url, isShortened: true)
    }
    return nil
  }

  /// The path for a name that is not found: an absolute name as it is, others in the first root.
  func expected(_ name: String) -> URL {
    name.hasPrefix("/") || places.isEmpty ? Self.url(name) : Self.url(Self.joined(places[0], name))
  }

  /// The places where a name is looked for, for errors.
  func tried(_ name: String) -> String {
    let whole = Self.parts(name).joined(separator: "/")
    let paths = (name.hasPrefix("/") ? [name] : []) + places.map { Self.joined($0, whole) }
    return paths.joined(separator: ", ")
  }

  /// The path if it exists, else an existing one that differs only in letter case; `nil` when there
  /// is none.
  func existing(_ path: String) -> String? {
    if Self.exists(path) { return path }
    let split = path.lastIndex(of: "/") ?? path.startIndex
    let (folder, name) = (String(path[..<split]), path[split...].drop { $0 == "/" })
    guard !folder.isEmpty, let place = existingFolder(folder) else { return nil }
    return listing(place)[name.lowercased()].map { "\(place)/\($0)" }
  }

  private func existingFolder(_ path: String) -> String? {
    if let known = folders[path] { return known }
    let found = existing(path)
    folders[path] = .some(found)
    return found
  }

  private func verbatim(_ name: String) -> URL? {
    places.lazy.map { Self.joined($0, name) }.first(where: Self.exists).map(Self.url)
  }

  private func caseless(_ name: String) -> URL? {
    places.lazy.compactMap { self.existing(Self.joined($0, name)) }.first.map(Self.url)
  }

  private func listing(_ folder: String) -> [String: String] {
    if let known = listings[folder] { return known }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    let listing = Dictionary(
      names.sorted().map { ($0.lowercased(), $0) }, uniquingKeysWith: { first, _ in first })
    listings[folder] = listing
    return listing
  }

  private static func parts(_ name: String) -> [Substring] {
    var parts = name.replacing("\\", with: "/").split(separator: "/").filter { $0 != "." }
    if let drive = parts.first, drive.count == 2, drive.hasSuffix(":") { parts.removeFirst() }
    return parts
  }

  private static func joined(_ folder: String, _ name: String) -> String {
    var name = Substring(name)
    while name.hasPrefix("./") { name = name.dropFirst(2) }
    return folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
  }

  private static func exists(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0
  }

  private static func url(_ path: String) -> URL { URL(filePath: path).standardizedFileURL }
}
