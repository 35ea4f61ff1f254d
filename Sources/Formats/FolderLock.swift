import Foundation

/// A folder that one process at a time works in.
///
/// The lock is the kernel's (`flock` on a file `.lock`), so it ends with the process that holds it,
/// however that process ends. The file names the process, for messages only.
public final class FolderLock {
  private let descriptor: Int32
  private let path: String

  /// Takes the lock, and makes the folder where it is missing.
  ///
  /// Where the file system has no locks, none is held.
  ///
  /// - Throws: ``FormatError`` of kind `inputOutput` that names the process that holds it.
  public init(_ folder: URL) throws {
    try OutputFolder.make(folder)
    path = folder.appending(path: ".lock").path
    while true {
      let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o666)
      guard descriptor >= 0 else { throw FormatError(writing: path, code: errno) }
      if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
        let holder = Self.holder(descriptor)
        close(descriptor)
        throw FormatError(
          .inputOutput, file: folder.path,
          reason: "is in use by \(holder); wait for its end or give another folder")
      }
      guard Self.isStill(descriptor, at: path) else {
        // The process that held the lock has just removed the file.
        close(descriptor)
        continue
      }
      self.descriptor = descriptor
      break
    }
    TemporaryFiles.keep(path)
    _ = ftruncate(descriptor, 0)
    let text = Array("\(getpid())\n".utf8)
    _ = text.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
  }

  deinit {
    TemporaryFiles.remove(path)
    close(descriptor)
  }

  /// Calls `body` while the folder is locked.
  public static func during<Result>(
    _ folder: URL, _ work: () throws -> Result
  ) throws -> Result {
    let lock = try FolderLock(folder)
    return try withExtendedLifetime(lock, work)
  }

  private static func isStill(_ descriptor: Int32, at path: String) -> Bool {
    var (open, there) = (stat(), stat())
    return fstat(descriptor, &open) == 0 && stat(path, &there) == 0
      && FileIdentity(open) == FileIdentity(there)
  }

  private static func holder(_ descriptor: Int32) -> String {
    var bytes = [UInt8](repeating: 0, count: 32)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    let text = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    return Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)).map { "process \($0)" }
      ?? "another process"
  }
}
