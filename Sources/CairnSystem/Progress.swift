// Progress of long work, and the way to stop it.

/// How far a piece of work has come, in bytes of uncompressed tensor data.
public struct WorkProgress: Hashable, Sendable {
  /// Bytes done.
  public var done: Int
  /// Bytes in all.
  public var total: Int

  /// `done` of `total` bytes.
  public init(done: Int, total: Int) {
    self.done = done
    self.total = total
  }
}

/// Called now and then while work goes on, from the thread that started it.
///
/// Throwing stops the work with that error: what was being written is discarded and what was there
/// before is untouched.
public typealias ProgressHandler = (WorkProgress) throws(CairnError) -> Void
