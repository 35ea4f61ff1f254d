import Foundation
import Testing

/// A command that runs, and what it and its processes write.
///
/// All of them hold a pipe open as long as one of them lives: its end tells of theirs.
final class RunningCommand {
  let process = Process()
  /// What was written and read so far.
  private(set) var text = ""
  private let folder: URL
  private let pipe = Pipe()
  private var isAtEnd = false

  /// The milliseconds without any event after which something hangs.
  private static let patience: Int32 = 120_000
  /// Bytes that processes which end soon do not write.
  private static let chatter = 1 << 16

  /// Starts `compress` in a folder, where its temporary files go too.
  init(_ arguments: [String], in folder: URL) throws {
    self.folder = folder
    process.executableURL = Binary.url
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.environment = ["PATH": "/usr/bin:/bin", "TMPDIR": folder.path]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    try pipe.fileHandleForWriting.close()
  }

  deinit {
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
  }

  /// Waits until something is written.
  func waitForText() throws {
    while text.isEmpty { try #require(readMore(), "nothing was written") }
  }

  /// Waits until the text holds a word, so many times.
  func waitForText(_ word: String, times: Int = 1) throws {
    while text.ranges(of: word).count < times {
      try #require(readMore(), "no '\(word)': \(text)")
    }
  }

  /// Waits for a file in the folder that fits.
  func waitForFile(_ fits: (String) -> Bool) throws {
    let events = try FolderEvents(folder)
    while !events.names.contains(where: fits) {
      try #require(
        waitForEvent(also: events.descriptor) && !isAtEnd, "no such file: \(text)")
      try events.update()
    }
  }

  /// Whether all processes end, and then they have: not when one goes on writing or falls silent.
  func allEnd() -> Bool {
    let start = text.utf8.count
    while text.utf8.count - start < Self.chatter, readMore() {}
    if isAtEnd { process.waitUntilExit() }
    return isAtEnd
  }

  /// Waits for text or the end, and reads it; false at the end, or when nothing comes.
  private func readMore() -> Bool {
    waitForEvent() && !isAtEnd
  }

  /// Waits for an event of the pipe or of a descriptor, and reads from the pipe what is there.
  private func waitForEvent(also other: Int32? = nil) -> Bool {
    let reading = pipe.fileHandleForReading.fileDescriptor
    var events = ([reading] + (other.map { [$0] } ?? [])).map {
      pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
    }
    guard poll(&events, nfds_t(events.count), Self.patience) > 0 else { return false }
    guard events[0].revents != 0 else { return true }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = read(reading, &bytes, bytes.count)
    isAtEnd = count == 0
    text += String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    return count >= 0
  }
}

/// The names in a folder and below, and a descriptor that can be read when there are more.
private final class FolderEvents {
  let descriptor: Int32
  private(set) var names: [String] = []
  private let folder: URL
  private var watched: Set<String> = []

  init(_ folder: URL) throws {
    self.folder = folder
    descriptor = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
    try #require(descriptor >= 0)
    try update()
  }

  deinit { close(descriptor) }

  /// Takes the events there are, and lists the folder again.
  func update() throws {
    var bytes = [UInt8](repeating: 0, count: 4096)
    while read(descriptor, &bytes, bytes.count) > 0 {}
    var isNew = true
    // What was made in a folder before it was watched is told by no event.
    while isNew {
      isNew = false
      names = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
      for name in [""] + names where !watched.contains(name) {
        let path = folder.appending(path: name).path
        guard inotify_add_watch(descriptor, path, Self.mask) >= 0 else { continue }
        watched.insert(name)
        isNew = true
      }
    }
  }

  private static let mask = UInt32(IN_CREATE) | UInt32(IN_MOVED_TO) | UInt32(IN_ONLYDIR)
}
