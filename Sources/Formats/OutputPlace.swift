import Foundation

/// The place where a file may be written, with links resolved.
struct OutputPlace {
  /// The path as it was given.
  let name: String
  /// The path of the file itself, without links.
  let path: String
  /// The file that is there; `nil` for none.
  let old: stat?

  /// The most links in a row that are followed, as many as the kernel follows.
  private static let linkLimit = 40

  /// Finds the place.
  ///
  /// A link without a target is followed to where its target would be.
  ///
  /// - Throws: ``FormatError``: `inputOutput` for folders, devices, pipes and files that may not be
  ///   written, `conflict` for files that this process has read.
  init(_ url: URL) throws {
    name = url.path
    guard !name.utf8.contains(0) else { throw FormatError(writing: name, code: EINVAL) }
    path = try Self.resolve(name)
    func refusal(_ reason: String) -> FormatError {
      FormatError(.inputOutput, file: url.path, reason: "cannot be written: \(reason)")
    }
    var status = stat()
    guard stat(path, &status) == 0 else {
      guard [ENOENT, ENOTDIR].contains(errno) else { throw FormatError(writing: name, code: errno) }
      old = nil
      return
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw refusal("is a folder")
    default: throw refusal("is not a regular file")
    }
    if let input = InputRegistry.name(of: FileIdentity(status), at: path) {
      throw FormatError(
        .conflict, file: name,
        reason: input == name
          ? "is read by this command; give another name to write to"
          : "is the file \(input), which this command reads; give another name to write to")
    }
    guard access(path, W_OK) == 0 else { throw FormatError(writing: name, code: errno) }
    old = status
  }

  /// The folder of the file.
  var folder: String { URL(filePath: path).deletingLastPathComponent().path }

  /// Checks that the folder can be written to or made.
  ///
  /// - Throws: ``FormatError`` of kind `inputOutput`.
  func checkFolder() throws {
    let there = OutputFolder.nearest(URL(filePath: folder))
    var status = stat()
    guard stat(there, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw OutputFolder.failure(folder, of: name, code: ENOTDIR)
    }
    guard access(there, W_OK | X_OK) == 0 else { throw FormatError(writing: name, code: errno) }
  }

  /// A path without links; `nil` when nothing is there.
  static func realPath(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// The path without links of a file that need not exist.
  static func resolve(_ name: String) throws -> String {
    var path = name
    for _ in 0..<linkLimit {
      guard !isStream(path) else {
        throw FormatError(
          .inputOutput, file: name, reason: "cannot be written: is not a regular file")
      }
      let url = URL(filePath: path)
      guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path) else {
        return resolvingFolder(of: url)
      }
      let folder = URL(filePath: resolvingFolder(of: url)).deletingLastPathComponent()
      path = target.hasPrefix("/") ? target : folder.appending(path: target).path
    }
    throw FormatError(writing: name, code: ELOOP)
  }

  /// Whether a path is one of the system's entries for open files, such as `/dev/stdout`.
  ///
  /// Renaming a file there would take it from the process that has it open.
  private static func isStream(_ path: String) -> Bool {
    let path = URL(filePath: path).standardizedFileURL.path
    return path.hasPrefix("/proc/") || path.hasPrefix("/dev/") && !path.hasPrefix("/dev/shm/")
  }

  /// The path with its existing folders resolved.
  private static func resolvingFolder(of url: URL) -> String {
    var missing = [url.lastPathComponent]
    var folder = url.deletingLastPathComponent()
    while folder.path != "/" {
      if let real = realPath(folder.path) {
        // Folders that do not exist are no links, so here `..` is simply the parent.
        let url = missing.reduce(URL(filePath: real)) { $0.appending(path: $1) }
        return url.standardizedFileURL.path
      }
      missing.insert(folder.lastPathComponent, at: 0)
      folder = folder.deletingLastPathComponent()
    }
    return url.standardizedFileURL.path
  }
}

/// Folders that results go to.
public enum OutputFolder {
  /// Makes a folder and its missing parents, unless it exists.
  ///
  /// - Throws: ``FormatError`` of kind `inputOutput`.
  public static func make(_ url: URL) throws { _ = try create(url, for: url.path) }

  /// Checks that a folder exists or can be made, and can be written to, before any work is done.
  ///
  /// - Throws: ``FormatError`` of kind `inputOutput`.
  public static func check(_ url: URL) throws {
    let folder = nearest(url)
    var status = stat()
    guard stat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw failure(url.path, of: url.path, code: ENOTDIR)
    }
    guard access(folder, W_OK | X_OK) == 0 else {
      throw FormatError(writing: url.path, code: errno)
    }
  }

  /// The nearest parent of a folder that exists.
  static func nearest(_ url: URL) -> String {
    var folder = url.standardizedFileURL
    var status = stat()
    while stat(folder.path, &status) != 0, folder.path != "/" { folder.deleteLastPathComponent() }
    return folder.path
  }

  /// Makes folders and returns the new ones, the outermost first.
  static func create(_ url: URL, for name: String) throws -> [String] {
    var missing: [URL] = []
    var folder = url.standardizedFileURL
    var status = stat()
    while stat(folder.path, &status) != 0, folder.path != "/" {
      missing.insert(folder, at: 0)
      folder = folder.deletingLastPathComponent()
    }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw failure(url.path, of: name, code: ENOTDIR)
    }
    var made: [String] = []
    for folder in missing {
      if mkdir(folder.path, 0o777) == 0 {
        made.append(folder.path)
      } else if errno != EEXIST {
        let code = errno
        remove(made)
        throw failure(url.path, of: name, code: code)
      }
    }
    return made
  }

  /// Removes folders again, as far as they are empty.
  static func remove(_ made: [String]) { for folder in made.reversed() { rmdir(folder) } }

  static func failure(_ folder: String, of name: String, code: Int32) -> FormatError {
    let reason =
      folder == name
      ? "cannot be made: \(FormatError.text(code))"
      : "cannot be written: its folder \(folder) cannot be made: \(FormatError.text(code))"
    return FormatError(.inputOutput, file: name, reason: reason)
  }
}
