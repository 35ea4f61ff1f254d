import Foundation
import Synchronization

/// What identifies a file, however it is named.
///
/// Links of either kind and `..` make no difference, nor does letter case on file systems that
/// ignore it.
struct FileIdentity: Hashable {
  private let device: UInt
  private let inode: UInt

  init(_ status: stat) {
    (device, inode) = (UInt(status.st_dev), UInt(status.st_ino))
  }
}

/// The files that this process has read and that nothing may replace.
enum InputRegistry {
  private struct Inputs {
    /// What was read, and under which name.
    var names: [FileIdentity: String] = [:]
    /// The same by path, because another process may put a new file where one was read.
    var places: [String: String] = [:]
    /// The files that this process has written, and their paths.
    var own: [FileIdentity: String] = [:]

    /// The name under which a file is kept in a table, unless its inode number now belongs to
    /// another file.
    static func name(of identity: FileIdentity, in table: inout [FileIdentity: String]) -> String? {
      guard let name = table[identity] else { return nil }
      var status = stat()
      if stat(name, &status) == 0, FileIdentity(status) == identity { return name }
      table[identity] = nil
      return nil
    }
  }

  private static let inputs = Mutex(Inputs())

  /// Notes that a file was read, unless this process made it.
  static func note(_ identity: FileIdentity, path: String) {
    inputs.withLock { inputs in
      guard inputs.names[identity] != path,
        Inputs.name(of: identity, in: &inputs.own) == nil
      else { return }
      if Inputs.name(of: identity, in: &inputs.names) == nil { inputs.names[identity] = path }
      if let place = OutputPlace.realPath(path) { inputs.places[place] = path }
    }
  }

  /// Notes that this process has written a file.
  static func noteOutput(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return }
    let identity = FileIdentity(status)
    inputs.withLock { inputs in
      inputs.own[identity] = path
      inputs.names[identity] = nil
    }
  }

  /// Lets a file be replaced.
  static func forget(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return }
    inputs.withLock { inputs in
      inputs.names[FileIdentity(status)] = nil
      if let place = OutputPlace.realPath(path) { inputs.places[place] = nil }
    }
  }

  /// The name under which a file was read; `nil` when it was not, or this process wrote it.
  ///
  /// - Parameter place: Its path, links resolved.
  static func name(of identity: FileIdentity, at place: String) -> String? {
    inputs.withLock { inputs in
      guard Inputs.name(of: identity, in: &inputs.own) == nil else { return nil }
      return Inputs.name(of: identity, in: &inputs.names) ?? inputs.places[place]
    }
  }
}
