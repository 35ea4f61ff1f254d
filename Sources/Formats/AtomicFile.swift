import Foundation
import Synchronization

/// Writes files so that an interruption leaves the old one whole.
public enum AtomicFile {
  private static let pending = Mutex<Set<String>>([])
  private static let serial = Atomic<Int>(0)

  /// Removes the files under temporary names and ends the process: what an interrupt does.
  public static func abandon(_ end: () -> Never) -> Never {
    pending.withLock { paths in
      for path in paths { unlink(path) }
      end()
    }
  }

  /// Writes `data` to a temporary name in the same folder, syncs it and renames it to `url`.
  ///
  /// Missing folders are made. On failure the temporary file is removed and an old file stays.
  ///
  /// - Throws: ``FormatError`` of kind ``FormatError/Kind/inputOutput``.
  public static func write(_ data: Data, to url: URL) throws {
    try replace(url) { temporary in
      try create(temporary) { file in try data.withUnsafeBytes { try file.write($0, at: 0) } }
    }
  }

  /// Lets `body` make a file at a temporary name in the same folder, then renames it to `url`.
  ///
  /// A symbolic link at `url` is followed: what it points to is replaced. What is no regular file (a folder, a device)
  /// is refused.
  ///
  /// - Throws: ``FormatError`` of kind ``FormatError/Kind/inputOutput``, with the name of `url` in place of the
  ///   temporary one, and what `body` throws.
  public static func replace(_ url: URL, _ body: (URL) throws -> Void) throws {
    let target = url.resolvingSymlinksInPath()
    var status = stat()
    if stat(target.path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
      let kind = status.st_mode & S_IFMT == S_IFDIR ? "is a folder" : "is not a regular file"
      throw FormatError(.inputOutput, file: url.path, reason: "cannot be written: \(kind)")
    }
    let folder = target.deletingLastPathComponent()
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      throw FormatError(
        .inputOutput, file: url.path,
        reason: "cannot be written: its folder \(folder.path) cannot be made")
    }
    let number = serial.add(1, ordering: .relaxed).newValue
    let temporary = folder.appending(
      path: ".\(ProcessInfo.processInfo.processIdentifier)-\(number).part")
    _ = pending.withLock { $0.insert(temporary.path) }
    defer {
      unlink(temporary.path)
      _ = pending.withLock { $0.remove(temporary.path) }
    }
    do {
      try body(temporary)
    } catch var error as FormatError where error.file == temporary.path {
      error.file = url.path
      throw error
    }
    guard rename(temporary.path, target.path) == 0 else { throw failure(url) }
  }

  /// Makes a file, lets `body` fill it and syncs it.
  static func create(_ url: URL, _ body: (AtomicFileOutput) throws -> Void) throws {
    let descriptor = open(url.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw failure(url) }
    defer { close(descriptor) }
    try body(AtomicFileOutput(descriptor: descriptor, url: url))
    guard fsync(descriptor) == 0 else { throw failure(url) }
  }

  fileprivate static func failure(_ url: URL) -> FormatError {
    FormatError(
      .inputOutput, file: url.path, reason: "cannot be written: \(String(cString: strerror(errno)))"
    )
  }
}

/// A file that is being filled.
struct AtomicFileOutput {
  fileprivate let descriptor: Int32
  fileprivate let url: URL

  /// Writes bytes to a place of the file; a gap before them reads as zeros.
  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
    var done = 0
    while done < bytes.count {
      let count = pwrite(
        descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset + done))
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw AtomicFile.failure(url) }
      done += count
    }
  }
}
