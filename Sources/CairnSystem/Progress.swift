// Progress of long work, and the ways to stop it.

import Synchronization

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

/// Called now and then while work goes on, from the thread that started it; with an `async`
/// variant, from a thread of Cairn's own.
///
/// Throwing stops the work: what was being written is discarded and what was there before is untouched.
/// A ``CairnError`` comes out as it is. Any other error, such as that of
/// `Task.checkCancellation()`, comes out as the cause of an `interrupted` error; from an `async`
/// variant, as itself.
public typealias ProgressHandler = (WorkProgress) throws -> Void

extension WorkProgress {
  /// Tells `handler` that `done` of `total` bytes are done, unless the work is to stop.
  ///
  /// - Throws: `interrupted`; what the handler throws, if it is a `CairnError`.
  package static func report(
    _ done: Int, of total: Int, to handler: ProgressHandler
  ) throws(CairnError) {
    do {
      try handler(WorkProgress(done: done, total: total))
    } catch let error as CairnError {
      throw error
    } catch {
      throw CairnError(.interrupted, "the work was stopped by its progress handler", cause: error)
    }
    try Cancellation.check()
  }
}

/// A request to end work early, seen by all threads that do the work.
///
/// It is checked between pieces of work, which take a few milliseconds each: by
/// ``WorkProgress/report(_:of:to:)`` and by the functions that spread work over threads.
package final class Cancellation: Sendable {
  /// The request that the work of this thread obeys; nil unless ``onOwnThread(_:)`` runs the work.
  @TaskLocal package static var current: Cancellation?

  /// The most bytes that one call of the system reads or writes, so that it takes a few milliseconds.
  package static let callByteCount = 8 << 20

  private let isWanted = Atomic<Bool>(false)
  private let wasNoticed = Atomic<Bool>(false)

  package init() {}

  /// Lets the work end at its next step.
  package func cancel() { isWanted.store(true, ordering: .relaxed) }

  /// Whether some of the work was left out. A result that came about all the same, because some
  /// code went on without what was not read, does not count: no file is put in its place after
  /// that.
  fileprivate var leftSomethingOut: Bool { wasNoticed.load(ordering: .relaxed) }

  /// Throws if the work of this thread is to end.
  ///
  /// - Throws: `interrupted`, with a `CancellationError` as its cause.
  package static func check() throws(CairnError) {
    guard let current, current.isWanted.load(ordering: .relaxed) else { return }
    current.wasNoticed.store(true, ordering: .relaxed)
    throw CairnError(
      .interrupted, "the task was cancelled", cause: CancellationError())
  }
}

/// Runs `body` on a thread of Cairn's own, so that no thread of Swift's pool is held up meanwhile.
///
/// Cancelling the task ends the work at its next step, and what it was writing is discarded.
///
/// - Throws: `CancellationError` if that, or a progress handler that checks for it, ended the work; what else
///   a progress handler threw; otherwise the `CairnError` of `body`.
package func onOwnThread<Value: Sendable>(
  _ body: @escaping @Sendable () throws(CairnError) -> Value
) async throws -> Value {
  let cancellation = Cancellation()
  let outcome: Result<Value, CairnError> = await withTaskCancellationHandler {
    await withCheckedContinuation { continuation in
      OwnThreads.leave {
        continuation.resume(
          returning: Cancellation.$current.withValue(cancellation) {
            do throws(CairnError) {
              // A task that was cancelled before it came here begins nothing.
              try Cancellation.check()
              return .success(try body())
            } catch {
              return .failure(error)
            }
          })
      }
    }
  } onCancel: {
    cancellation.cancel()
  }
  if cancellation.leftSomethingOut { throw CancellationError() }
  do { return try outcome.get() } catch {
    if error.code == .interrupted, let cause = error.cause { throw cause }
    throw error
  }
}
