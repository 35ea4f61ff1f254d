import Formats
import Foundation
import Synchronization

/// Ctrl-C and termination: half-written files are removed, helpers stopped, old files stay whole.
enum Interruption {
  /// Written by ``install()`` alone, before any thread is started.
  nonisolated(unsafe) private static var sources: [any DispatchSourceSignal] = []
  private static let child = Mutex<Process?>(nil)

  /// Takes over SIGINT and SIGTERM unless the parent had them ignored; a broken pipe ends the process as usual.
  static func install() {
    signal(SIGPIPE, SIG_DFL)
    for number in [SIGINT, SIGTERM] where !isIgnored(number) {
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(
        signal: number, queue: DispatchQueue.global(qos: .userInteractive))
      source.setEventHandler { end(number) }
      source.resume()
      sources.append(source)
    }
  }

  /// Starts a helper process that an interrupt ends too.
  static func start(_ process: Process) throws {
    try child.withLock { current in
      try process.run()
      current = process
    }
  }

  /// Waits for the helper process.
  static func wait(for process: Process) {
    process.waitUntilExit()
    child.withLock { $0 = nil }
  }

  private static func end(_ number: Int32) -> Never {
    child.withLock { $0?.terminate() }
    AtomicFile.abandon {
      if Console.isTerminal { Console.draw("\r\u{1B}[2K") }
      Console.note("interrupted; no half-written file is left")
      _exit(128 + number)
    }
  }

  private static func isIgnored(_ number: Int32) -> Bool {
    var action = sigaction()
    sigaction(number, nil, &action)
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
      == unsafeBitCast(SIG_IGN, to: Int.self)
  }
}
