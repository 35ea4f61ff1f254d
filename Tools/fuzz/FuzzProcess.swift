import Foundation

/// A process started by this one.
struct FuzzProcess {
  let id: pid_t

  /// How it ended.
  struct End {
    /// The exit status; nil when a signal ended it.
    var status: Int32?
    /// The signal that ended it.
    var signal: Int32?
    /// The most memory it held, in bytes.
    var peakBytes: Int
  }

  /// Starts a command whose output and messages go to a file.
  init(_ arguments: [String], output: String) throws {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(
      &actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0o644)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    let environment = [
      "PATH=/usr/bin:/bin", "SWIFT_BACKTRACE=enable=no", "OPENBLAS_NUM_THREADS=1", "COLUMNS=80",
      "TMPDIR=\(FileManager.default.temporaryDirectory.path)",
    ]
    var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    var settings: [UnsafeMutablePointer<CChar>?] = environment.map { strdup($0) } + [nil]
    defer { for text in words + settings { free(text) } }
    var id: pid_t = 0
    let failure = posix_spawn(&id, arguments[0], &actions, nil, &words, &settings)
    guard failure == 0 else {
      throw FuzzFailure("\(arguments[0]): \(String(cString: strerror(failure)))")
    }
    self.id = id
  }

  /// Waits for one of the processes this one has started, or for a given one.
  static func wait(_ id: pid_t = -1) -> (id: pid_t, end: End)? {
    var (status, usage): (Int32, rusage) = (0, rusage())
    var found: pid_t
    repeat { found = wait4(id, &status, 0, &usage) } while found < 0 && errno == EINTR
    guard found > 0 else { return nil }
    let signal = status & 0x7f
    return (
      found,
      End(
        status: signal == 0 ? (status >> 8) & 0xff : nil, signal: signal == 0 ? nil : signal,
        peakBytes: usage.ru_maxrss * 1024)
    )
  }
}
