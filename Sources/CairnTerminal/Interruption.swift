// Ctrl-C and `kill`: work stops at the next step, so that what was half written is cleared away.

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

  /// Notes SIGINT, SIGTERM and SIGHUP from now on instead of dying of them, and ignores SIGPIPE and
  /// SIGXFSZ, so that a closed pipe and a limit on the size of files (`ulimit -f`) are errors of the
  /// write.
  ///
  /// What whoever started the program ignores (`nohup`, a shell's background jobs) stays ignored.
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
        // The second time the user means it. Both calls are safe in a signal handler.
        if Interruption.requested.exchange(true, ordering: .relaxed) { _exit(Exit.failure) }
      }
    }
  }

  /// Throws if the user wants the work to stop; `state` says what that leaves.
  package static func check(leaving state: String? = nil) throws(CairnError) {
    if requested.load(ordering: .relaxed) {
      throw CairnError(.interrupted, "stopped on request" + (state.map { "; \($0)" } ?? ""))
    }
  }
}
