// A place where a test can refuse memory, as it can fail any call on files.

/// Says of each block of memory that is about to be asked of the system whether it may be.
package protocol MemoryGate: Sendable {
  /// Whether a block of `byteCount` bytes may be asked for. Called from several threads.
  func admits(byteCount: Int) -> Bool
}

extension Storage {
  /// What new blocks must pass, in the scope of `$gate.withValue` alone; nothing, outside of tests.
  /// ``inParallel(_:threads:makeWorker:_:)`` and its like hand it on to their threads.
  @TaskLocal package static var gate: (any MemoryGate)?
}
