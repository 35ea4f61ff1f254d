import Foundation

/// Writes files so that an interruption leaves the old one whole.
///
/// A link is followed, and its target is replaced, or made where it is missing. Folders, devices
/// and pipes are refused, and so are files that this process has read (``InputFile``). A file that
/// is replaced keeps its mode and, where the system allows it, its owner. A new file has the mode
/// that the umask leaves.
public enum AtomicFile {
  /// Removes the files under temporary names and ends the process, as an interrupt does.
  ///
  /// - Parameters:
  ///   - say: Tells of it, before the end.
  ///   - end: Ends the process.
  public static func abandon(saying say: () -> Void = {}, end: () -> Never) -> Never {
    TemporaryFiles.abandon(saying: say, end: end)
  }

  /// Checks that a file can be written later, before any work is done.
  ///
  /// - Throws: ``FormatError``: `inputOutput` for what cannot be written, `conflict` for what was
  ///   read.
  public static func check(_ url: URL) throws { try OutputPlace(url).checkFolder() }

  /// The path that is written for `url`, with links resolved.
  public static func place(of url: URL) -> String {
    (try? OutputPlace.resolve(url.path)) ?? url.path
  }

  /// Writes `data` to a path, whole or not at all.
  public static func write(_ data: Data, to path: String) throws {
    try write(data, to: URL(filePath: path))
  }

  /// Writes `data` to a temporary name in the same folder, syncs it and renames it to `url`.
  ///
  /// Missing folders are made. On failure the temporary file is removed and an old file stays.
  ///
  /// - Throws: ``FormatError`` of kind `inputOutput` or `conflict`.
  public static func write(_ data: Data, to url: URL) throws {
    try replace(url) { temporary in
      try create(temporary) { file in try data.withUnsafeBytes { try file.write($0, at: 0) } }
    }
  }

  /// Lets `body` make a file at a temporary name in the same folder, then renames it to `url`.
  ///
  /// On failure, folders that were made for the file are removed again.
  ///
  /// - Throws: ``FormatError`` of kind `inputOutput` or `conflict`, with the name of `url` in place
  ///   of the temporary one, and what `body` throws.
  public static func replace(_ url: URL, _ body: (URL) throws -> Void) throws {
    let place = try OutputPlace(url)
    let made = try OutputFolder.create(URL(filePath: place.folder), for: url.path)
    // The half-written file must not be readable by anybody who may not read the old one.
    let mode = place.old.map { $0.st_mode & 0o666 } ?? 0o666
    let temporary = TemporaryFiles.claim(in: place.folder, mode: mode | 0o200)
    var isDone = false
    defer {
      TemporaryFiles.remove(temporary)
      if !isDone { OutputFolder.remove(made) }
    }
    do {
      try body(URL(filePath: temporary))
    } catch var error as FormatError where error.file == temporary {
      error.file = url.path
      throw error
    }
    if let old = place.old { try keepOwnerAndMode(of: old, at: temporary, for: url) }
    guard rename(temporary, place.path) == 0 else {
      throw FormatError(writing: url.path, code: errno)
    }
    isDone = true
    InputRegistry.noteOutput(place.path)
  }

  /// Lets `body` use a temporary file in a folder.
  ///
  /// It is removed afterwards, and after an interrupt.
  ///
  /// - Throws: ``FormatError`` of kind `inputOutput`, what `body` throws.
  public static func scratch<Result>(
    in folder: URL, _ body: (URL) throws -> Result
  ) throws -> Result {
    let path = TemporaryFiles.claim(in: folder.path)
    defer { TemporaryFiles.remove(path) }
    try create(URL(filePath: path)) { _ in }
    return try body(URL(filePath: path))
  }

  /// The bytes of a temporary file.
  static func readBack(_ temporary: URL) throws -> Data {
    defer { InputFile.release(temporary) }
    return try InputFile.data(temporary, isMapped: true)
  }

  private static func keepOwnerAndMode(of old: stat, at path: String, for url: URL) throws {
    // Only root may change the owner of a file. For other users the file becomes theirs, as it does
    // in editors.
    let isKept = chown(path, old.st_uid, old.st_gid) == 0
    let mode = old.st_mode & (isKept ? 0o7777 : 0o777)
    guard chmod(path, mode) == 0 else { throw FormatError(writing: url.path, code: errno) }
  }

  /// Makes a file, lets `body` fill it and syncs it.
  package static func create(_ url: URL, _ body: (AtomicFileOutput) throws -> Void) throws {
    let descriptor = open(
      url.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, TemporaryFiles.mode(of: url.path))
    guard descriptor >= 0 else { throw FormatError(writing: url.path, code: errno) }
    defer { close(descriptor) }
    // The lock tells other machines, which do not know the process, that the file is in use.
    _ = flock(descriptor, LOCK_EX | LOCK_NB)
    try body(AtomicFileOutput(descriptor: descriptor, url: url))
    guard fsync(descriptor) == 0 else { throw FormatError(writing: url.path, code: errno) }
  }
}

/// A file that is being filled.
package struct AtomicFileOutput {
  fileprivate let descriptor: Int32
  fileprivate let url: URL

  /// Writes bytes at an offset of the file.
  ///
  /// A gap before them reads as zeros.
  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
    var done = 0
    while done < bytes.count {
      let count = pwrite(
        descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset + done))
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw FormatError(writing: url.path, code: errno) }
      done += count
    }
  }
}
