// A place where a test can refuse memory, as it can fail any call on files.

/// Decides, before a block of memory is asked of the system, whether it may be asked for.
package protocol MemoryGate: Sendable {
  /// Whether a block of `byteCount` bytes may be asked for. Called from several threads.
  func admits(byteCount: Int) -> Bool
}

extension Storage {
  /// The gate that new blocks must pass. It is set only in the scope of `$gate.withValue`, by
  /// tests.
  /// ``inParallel(_:threads:makeWorker:_:)`` and its like hand it on to their threads.
  @TaskLocal package static var gate: (any MemoryGate)?
}
