import Foundation
import Synchronization

/// Writes files so that an interruption leaves the old one whole.
public enum AtomicFile {
  private static let pending = Mutex<Set<String>>([])

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
      let handle = open(temporary.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
      guard handle >= 0 else { throw failure(url) }
      defer { close(handle) }
      try data.withUnsafeBytes { bytes in
        var offset = 0
        while offset < bytes.count {
          let written = Foundation.write(
            handle, bytes.baseAddress.map { $0 + offset }, bytes.count - offset)
          if written < 0 && errno == EINTR { continue }
          guard written > 0 else { throw failure(url) }
          offset += written
        }
      }
      guard fsync(handle) == 0 else { throw failure(url) }
    }
  }

  /// Lets `body` make a file at a temporary name in the same folder, then renames it to `url`.
  public static func replace(_ url: URL, _ body: (URL) throws -> Void) throws {
    let folder = url.deletingLastPathComponent()
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      throw FormatError(
        .inputOutput, file: folder.path, reason: "cannot be made: \(error.localizedDescription)")
    }
    let temporary = folder.appending(
      path: ".\(url.lastPathComponent).\(ProcessInfo.processInfo.processIdentifier).part")
    _ = pending.withLock { $0.insert(temporary.path) }
    defer {
      unlink(temporary.path)
      _ = pending.withLock { $0.remove(temporary.path) }
    }
    unlink(temporary.path)
    try body(temporary)
    guard rename(temporary.path, url.path) == 0 else { throw failure(url) }
  }

  private static func failure(_ url: URL) -> FormatError {
    FormatError(
      .inputOutput, file: url.path, reason: "cannot be written: \(String(cString: strerror(errno)))"
    )
  }
}
