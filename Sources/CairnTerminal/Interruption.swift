// Ctrl-C and `kill`: work stops at the next step, so that unfinished files are removed.

package import CairnSystem
internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

package enum Interruption {
  private static let requested = Atomic<Bool>(false)

  /// Notes SIGINT, SIGTERM and SIGHUP from now on instead of ending the process, and ignores
  /// SIGPIPE and SIGXFSZ. So a closed pipe and a limit on the size of files (`ulimit -f`) become
  /// errors of the write.
  ///
  /// Signals that the parent process ignores (`nohup`, background jobs of a shell) stay ignored.
  package static func watch() {
    // Read once here, so that the handler never meets an atomic that is not initialised yet.
    _ = requested.load(ordering: .relaxed)
    _ = signal(SIGPIPE, SIG_IGN)
    _ = signal(SIGXFSZ, SIG_IGN)
    for number in [SIGINT, SIGTERM, SIGHUP] {
      let before = signal(number, SIG_IGN)
      // SAFETY: two addresses are compared; neither is called.
      if unsafe unsafeBitCast(before, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) {
        continue
      }
      _ = signal(number) { _ in
        // At the second signal the process ends at once. Both calls are safe in a signal handler.
        if Interruption.requested.exchange(true, ordering: .relaxed) { _exit(Exit.failure) }
      }
    }
  }

  /// Throws if the user wants the work to stop. `state` says what is left then.
  package static func check(leaving state: String? = nil) throws(CairnError) {
    if requested.load(ordering: .relaxed) {
      throw CairnError(.interrupted, "stopped on request" + (state.map { "; \($0)" } ?? ""))
    }
  }
}
