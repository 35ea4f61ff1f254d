import Foundation

/// Reads files.
///
/// All reading goes through here, so that the same fault has the same message and status
/// everywhere.
///
/// Files that were read are remembered, and ``AtomicFile`` refuses to replace them.
public enum InputFile {
  /// The most bytes of a text that is parsed as a whole.
  public static let textLimit = 64 << 20

  /// The bytes of a file, or of a pipe that the shell opened (`/dev/stdin`, `/dev/fd/63`).
  ///
  /// - Parameters:
  ///   - isMapped: Whether the file may be mapped into memory instead of read.
  ///   - limit: The most bytes; `nil` for any number.
  /// - Throws: ``FormatError``: `noInput` when there is no such file, `badData` for a folder, a
  ///   device or more bytes than the limit, `inputOutput` when the system refuses.
  public static func data(_ url: URL, isMapped: Bool = false, limit: Int? = nil) throws -> Data {
    let path = url.path
    let status = try status(of: path)
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw FormatError(.badData, file: path, reason: "is a folder, not a file")
    // Other pipes are refused: one without a writer would block forever.
    case S_IFIFO where path.hasPrefix("/dev/") || path.hasPrefix("/proc/"): break
    default: throw FormatError(.badData, file: path, reason: "is not a regular file")
    }
    if let limit, status.st_size > limit { throw tooLarge(path, limit) }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FormatError(reading: path, code: errno) }
    defer { close(descriptor) }
    InputRegistry.note(FileIdentity(status), path: path)
    if isMapped, let data = mapped(descriptor, count: Int(status.st_size)) { return data }
    return try read(descriptor, path: path, expected: Int(status.st_size), limit: limit)
  }

  /// The text of a UTF-8 file, without the byte order mark that some editors write.
  ///
  /// - Throws: ``FormatError`` as ``data(_:isMapped:limit:)`` does, and `badData` for bytes that
  ///   are not UTF-8, with the number of the first such line.
  public static func text(_ url: URL, limit: Int = textLimit) throws -> String {
    let data = try data(url, limit: limit)
    for (mark, name) in [([0xff, 0xfe], "UTF-16"), ([0xfe, 0xff], "UTF-16")] as [([UInt8], String)]
    where data.starts(with: mark) {
      throw FormatError(
        .badData, file: url.path, reason: "is \(name) text; save it as UTF-8")
    }
    let bytes = [UInt8](data.starts(with: [0xef, 0xbb, 0xbf]) ? data.dropFirst(3) : data)
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    let line = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0
    throw FormatError(
      .badData, file: url.path, place: "line \(line + 1)",
      reason: "is not UTF-8 text; save the file as UTF-8")
  }

  /// The names in a folder, in order.
  ///
  /// - Throws: ``FormatError``: `noInput` when there is none, `badData` for a file, `inputOutput`
  ///   when the system refuses.
  public static func names(in folder: URL) throws -> [String] {
    let status = try status(of: folder.path)
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw FormatError(.badData, file: folder.path, reason: "is a file, not a folder")
    }
    do {
      return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    } catch {
      throw FormatError(reading: folder.path, code: SystemError.code(of: error) ?? EIO)
    }
  }

  /// What is at a path.
  public enum Kind: Sendable {
    /// A file, or what is read like one.
    case file
    /// A folder.
    case folder
  }

  /// What is at a path, with links followed; `nil` for nothing.
  ///
  /// - Throws: ``FormatError`` when the system does not tell.
  public static func kind(of url: URL) throws -> Kind? {
    do {
      return try status(of: url.path).st_mode & S_IFMT == S_IFDIR ? .folder : .file
    } catch let error as FormatError where error.kind == .noInput {
      return nil
    }
  }

  /// Lets a file that was read be replaced: state that this program keeps for itself.
  public static func release(_ url: URL) { InputRegistry.forget(url.path) }

  /// Keeps a file that is not read yet from being replaced.
  ///
  /// Does nothing when there is no such file.
  public static func protect(_ url: URL) {
    guard let status = try? status(of: url.path), status.st_mode & S_IFMT == S_IFREG else { return }
    InputRegistry.note(FileIdentity(status), path: url.path)
  }

  /// Whether two paths lead to the same file.
  public static func isSame(_ first: URL, _ second: URL) -> Bool {
    guard let one = try? status(of: first.path), let other = try? status(of: second.path) else {
      return false
    }
    return FileIdentity(one) == FileIdentity(other)
  }

  private static func status(of path: String) throws -> stat {
    var status = stat()
    // The system would end the name at its first NUL.
    guard !path.utf8.contains(0) else { throw FormatError(reading: path, code: ENOENT) }
    if stat(path, &status) == 0 { return status }
    throw FormatError(reading: path, code: errno)
  }

  private static func tooLarge(_ path: String, _ limit: Int) -> FormatError {
    FormatError(
      .badData, file: path, reason: "is larger than the \(limit) bytes such a file may have")
  }

  private static func mapped(_ descriptor: Int32, count: Int) -> Data? {
    guard count > 0, let memory = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0),
      memory != MAP_FAILED
    else { return nil }
    return Data(
      bytesNoCopy: memory, count: count, deallocator: .custom { munmap($0, $1) })
  }

  /// Reads to the end, because files of `/proc` have size 0.
  private static func read(
    _ descriptor: Int32, path: String, expected: Int, limit: Int?
  ) throws -> Data {
    var data = Data(count: max(expected, 0) + 1)
    var done = 0
    while true {
      if done == data.count { data.count = max(2 * data.count, 1 << 16) }
      let room = data.count - done
      let count = data.withUnsafeMutableBytes {
        Foundation.read(descriptor, $0.baseAddress.map { $0 + done }, room)
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw FormatError(reading: path, code: errno) }
      if count == 0 { break }
      done += count
      if let limit, done > limit { throw tooLarge(path, limit) }
    }
    data.count = done
    return data
  }
}
