import Formats
import Foundation
import Synchronization

/// Ctrl-C and termination: half-written files are removed, helpers stopped, old files stay whole.
enum Interruption {
  /// Written by ``install()`` alone, before any thread is started.
  nonisolated(unsafe) private static var sources: [any DispatchSourceSignal] = []
  /// Written like ``sources``.
  nonisolated(unsafe) private static var handled: Set<Int32> = []
  /// Whether the end is announced; a child leaves that to its parent.
  ///
  /// Written like ``sources``.
  nonisolated(unsafe) private static var speaks = true
  private static let children = Mutex<[Process]>([])
  private static let request = Mutex(Request())

  private struct Request {
    /// Whether work under way ends by itself when asked to.
    var isAwaited = false
    /// The signal that asked.
    var signal: Int32?
  }

  /// Takes over SIGINT and SIGTERM unless the parent had them ignored; a broken pipe ends the
  /// process as usual.
  static func install() {
    signal(SIGPIPE, SIG_DFL)
    for number in [SIGINT, SIGTERM] where !isIgnored(number) {
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(
        signal: number, queue: DispatchQueue.global(qos: .userInteractive))
      source.setEventHandler { end(number) }
      source.resume()
      sources.append(source)
      handled.insert(number)
    }
  }

  /// Whether a signal ends this process in good order; what the parent had ignored does not.
  static func isHandled(_ number: Int32) -> Bool { handled.contains(number) }

  /// Leaves it to the parent to say that the work was interrupted.
  static func leaveWordsToParent() { speaks = false }

  /// Starts a helper process that an interrupt ends too.
  static func start(_ process: Process) throws {
    try children.withLock { children in
      try process.run()
      children.append(process)
    }
  }

  /// Waits for the helper process.
  static func wait(for process: Process) {
    process.waitUntilExit()
    children.withLock { $0.removeAll { $0 === process } }
  }

  /// Does work that ends cleanly by itself once ``isRequested`` says so; a second signal ends it at
  /// once.
  ///
  /// - Returns: what the work returns; the signal, when one came.
  static func whileAwaited<Output>(
    _ work: () throws -> Output
  ) rethrows -> (output: Output, signal: Int32?) {
    request.withLock { $0 = Request(isAwaited: true) }
    defer { request.withLock { $0.isAwaited = false } }
    let output = try work()
    return (output, request.withLock { $0.signal })
  }

  /// Whether work that ends by itself is asked to.
  static var isRequested: Bool { request.withLock { $0.signal != nil } }

  private static func end(_ number: Int32) {
    let isFirst = request.withLock { request in
      guard request.isAwaited, request.signal == nil else { return false }
      request.signal = number
      return true
    }
    if isFirst {
      if Console.isTerminal { Console.draw("\r\u{1B}[2K") }
      return Console.note("stopping after this step; once more stops at once")
    }
    endAtOnce(number)
  }

  private static func endAtOnce(_ number: Int32) -> Never {
    children.withLock { for child in $0 { child.terminate() } }
    AtomicFile.abandon(
      saying: {
        if speaks && Console.isTerminal { Console.draw("\r\u{1B}[2K") }
        if speaks { Console.note("interrupted; no half-written file is left") }
      }, end: { _exit(128 + number) })
  }

  private static func isIgnored(_ number: Int32) -> Bool {
    var action = sigaction()
    sigaction(number, nil, &action)
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
      == unsafeBitCast(SIG_IGN, to: Int.self)
  }
}
