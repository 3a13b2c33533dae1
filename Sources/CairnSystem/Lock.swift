// A lock that holds the value that it guards.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A value that one thread at a time may touch.
///
/// It does what `Synchronization.Mutex` does, over `pthread_mutex_t`: the thread sanitizer knows
/// POSIX's locks, but on Linux not the standard library's, and reports races there that do not
/// exist. A lock that a tool can check is worth its second allocation.
///
/// `@unchecked Sendable`: `value` is touched in ``withLock(_:)`` alone, between locking and
/// unlocking, and goes out of it only as a value that is `Sendable` itself.
@safe package final class Lock<Value: Sendable>: @unchecked Sendable {
  private var value: Value
  // On the heap, because a mutex must stay where it was initialised.
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>

  /// An open lock around `value`.
  package init(_ value: Value) {
    self.value = value
    // SAFETY: one `pthread_mutex_t` is allocated, initialised here and only here, and lives until
    // `deinit`, when no other reference can be in `withLock`.
    unsafe mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    let status = unsafe pthread_mutex_init(mutex, nil)
    precondition(status == 0, "pthread_mutex_init failed: \(status)")
  }

  deinit {
    unsafe pthread_mutex_destroy(mutex)
    unsafe mutex.deallocate()
  }

  /// Runs `body` with the value, alone.
  ///
  /// - Precondition: `body` does not take the same lock again.
  package func withLock<Result, Failure: Error>(
    _ body: (inout Value) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let status = unsafe pthread_mutex_lock(mutex)
    precondition(status == 0, "pthread_mutex_lock failed: \(status)")
    defer { unsafe pthread_mutex_unlock(mutex) }
    return try body(&value)
  }
}
