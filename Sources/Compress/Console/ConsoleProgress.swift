import Execution
import Logging
import Synchronization
import Training

/// Shows on standard error what libraries report: bars, remarks and tables of training.
final class ConsoleProgress: TrainingObserver {
  private let logger: Logger
  private let isQuiet: Bool
  private let state = Mutex(State())

  private struct State {
    /// The jobs under way, the last begun last.
    var bars: [ProgressBar] = []
    var console: TrainingConsole?
  }

  /// A console under what every verb understands.
  init(_ common: CommonOptions) { (logger, isQuiet) = (common.logger, common.quiet) }

  func observe(_ event: ProgressEvent) {
    switch event {
    case .began(let title, let total, let unit):
      state.withLock { state in
        state.bars.append(
          ProgressBar(
            title, total: total, unit: unit, isShown: !isQuiet, within: state.bars.last))
      }
    case .advanced(let done): state.withLock { $0.bars.last }?.update(done)
    case .ended: state.withLock { $0.bars.popLast() }?.finish()
    case .note(.info, let text): logger.info("\(text)")
    case .note(.notice, let text): logger.notice("\(text)")
    case .note(.warning, let text): logger.warning("\(text)")
    }
  }

  func begin(_ trainer: Trainer) {
    let console = TrainingConsole(trainer, isQuiet: isQuiet)
    console.begin()
    state.withLock { $0.console = console }
  }

  func show(_ event: TrainingEvent, of trainer: Trainer) {
    state.withLock { $0.console }?.show(event)
  }
}
