import Foundation
import Synchronization

/// What tells a file from others, however it is named: links of either kind, `..` and letter case
/// of file systems that pass over it make no difference.
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
    var names: [FileIdentity: String] = [:]
    /// Files may be replaced by others while they are read: their places count as well.
    var places: [String: String] = [:]
    /// What this process has written itself.
    var own: Set<FileIdentity> = []
  }

  private static let inputs = Mutex(Inputs())

  /// Notes that a file was read, unless this process made it.
  static func note(_ identity: FileIdentity, path: String) {
    inputs.withLock { inputs in
      guard !inputs.own.contains(identity), inputs.names[identity] == nil else { return }
      inputs.names[identity] = path
      if let place = OutputPlace.realPath(path) { inputs.places[place] = path }
    }
  }

  /// Notes that this process has written a file, perhaps in place of another.
  static func noteOutput(_ path: String, replacing old: stat?) {
    var status = stat()
    guard stat(path, &status) == 0 else { return }
    let identity = FileIdentity(status)
    inputs.withLock { inputs in
      // The number of a file that is gone may be given to another.
      if let old { inputs.own.remove(FileIdentity(old)) }
      inputs.own.insert(identity)
      inputs.names[identity] = nil
    }
  }

  static func forget(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return }
    inputs.withLock { inputs in
      inputs.names[FileIdentity(status)] = nil
      if let place = OutputPlace.realPath(path) { inputs.places[place] = nil }
    }
  }

  /// The name under which a file was read; `nil` when it was not.
  ///
  /// - Parameter place: Its path, links resolved.
  static func name(of identity: FileIdentity, at place: String) -> String? {
    inputs.withLock { inputs in
      guard !inputs.own.contains(identity) else { return nil }
      if let name = inputs.names[identity] {
        // The number of a file that is gone may have been given to another.
        var status = stat()
        if stat(name, &status) == 0, FileIdentity(status) == identity { return name }
        inputs.names[identity] = nil
      }
      return inputs.places[place]
    }
  }
}
