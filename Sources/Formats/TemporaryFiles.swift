import Foundation
import Synchronization

/// The files that exist only while this process runs: half-written results, scratch files, locks.
///
/// A temporary file is named `.PID-N.part` after the process that makes it, and locked while it is
/// filled. So files of dead processes can be told from those of living ones.
enum TemporaryFiles {
  /// The modes that files are made with, by path.
  private static let pending = Mutex<[String: mode_t]>([:])
  private static let cleaned = Mutex<Set<String>>([])
  private static let serial = Atomic<Int>(0)

  /// A new name in a folder, which is removed when the process is interrupted.
  ///
  /// - Parameter mode: The mode to make the file with, the umask left out.
  static func claim(in folder: String, mode: mode_t = 0o666) -> String {
    clean(folder)
    while true {
      let number = serial.add(1, ordering: .relaxed).newValue
      let path = "\(folder == "/" ? "" : folder)/.\(getpid())-\(number).part"
      // In a container, a process may have the number of one that was killed before.
      guard access(path, F_OK) != 0 else { continue }
      keep(path, mode: mode)
      return path
    }
  }

  /// Notes a file that is removed when the process is interrupted.
  static func keep(_ path: String, mode: mode_t = 0o666) { pending.withLock { $0[path] = mode } }

  /// The mode to make a file with.
  static func mode(of path: String) -> mode_t { pending.withLock { $0[path] } ?? 0o666 }

  /// Removes a file that was noted.
  static func remove(_ path: String) {
    unlink(path)
    pending.withLock { $0[path] = nil }
  }

  /// Removes all files and ends the process, while no new name can be claimed.
  ///
  /// Other threads go on meanwhile, and one may make a file whose name it has claimed before: files
  /// are removed once more as the last act.
  static func abandon(saying say: () -> Void, end: () -> Never) -> Never {
    pending.withLock { paths in
      for path in paths.keys { unlink(path) }
      say()
      for path in paths.keys { unlink(path) }
      end()
    }
  }

  /// Removes the files that dead processes left in a folder, once in a run.
  private static func clean(_ folder: String) {
    guard cleaned.withLock({ $0.insert(folder).inserted }),
      let names = try? FileManager.default.contentsOfDirectory(atPath: folder)
    else { return }
    for name in names {
      guard let process = owner(name) else { continue }
      let path = "\(folder)/\(name)"
      if process == getpid() ? !isOurs(path) : kill(process, 0) != 0 && errno == ESRCH {
        removeUnlocked(path)
      }
    }
  }

  private static func isOurs(_ path: String) -> Bool { pending.withLock { $0[path] != nil } }

  /// The process that a temporary file is named after; `nil` for other names.
  private static func owner(_ name: String) -> Int32? {
    guard let match = name.wholeMatch(of: /\.([0-9]{1,10})-[0-9]+\.part/),
      let process = Int32(match.1), process > 0
    else { return nil }
    return process
  }

  /// Removes a file unless a process, on this or another machine, holds its lock.
  private static func removeUnlocked(_ path: String) {
    let descriptor = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { unlink(path) }
  }
}
