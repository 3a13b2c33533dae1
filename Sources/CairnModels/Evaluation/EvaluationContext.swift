// How a forward pass is run.

public import CairnSystem

/// What a forward pass may use. The result depends on none of it.
public struct EvaluationContext: Sendable {
  /// The threads that large products are spread over.
  public var threads: Threads

  /// Inference on that many threads.
  public init(threads: Threads = .all) { self.threads = threads }
}
