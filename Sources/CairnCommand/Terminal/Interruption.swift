// Ctrl-C and `kill`: work stops at the next step, so that what was half written is cleared away.

import CairnSystem
import Dispatch
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

enum Interruption {
  private static let requested = Atomic<Bool>(false)
  private static let sources = Mutex<[any DispatchSourceSignal]>([])

  /// Notes SIGINT and SIGTERM from now on instead of dying of them, and ignores SIGPIPE, so that a
  /// closed pipe is an error of the write.
  static func watch() {
    // SAFETY: SIG_IGN is one of the two constants that `signal` takes in place of a function.
    _ = unsafe signal(SIGPIPE, SIG_IGN)
    for number in [SIGINT, SIGTERM] {
      _ = unsafe signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler {
        // The second time the user means it.
        if requested.exchange(true, ordering: .relaxed) { leave(Exit.failure) }
      }
      source.resume()
      sources.withLock { $0.append(source) }
    }
  }

  /// Throws if the user wants the work to stop.
  static func check() throws(CairnError) {
    if requested.load(ordering: .relaxed) {
      throw CairnError(
        .interrupted, "stopped on request; what was there before is untouched")
    }
  }
}
