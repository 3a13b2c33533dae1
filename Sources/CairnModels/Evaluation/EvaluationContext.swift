// How a forward pass is run.

public import CairnSystem
import CairnTensors

/// What a forward pass may use. The result does not depend on it.
public struct EvaluationContext: Sendable {
  /// The threads that large products are spread over.
  public var threads: Threads
  /// The most elements that a tensor within the pass may have; 2^28 unless set (1 GiB in float32).
  ///
  /// A configuration can ask for any size (a padding of 2^40), whatever its weights.
  public var maximumElementCount: Int

  /// Inference on that many threads.
  public init(threads: Threads = .all, maximumElementCount: Int = 1 << 28) {
    self.threads = threads
    self.maximumElementCount = maximumElementCount
  }

  /// The shape with those dimensions, if a tensor may be so large.
  ///
  /// - Throws: `overBudget`, `invalidShape`.
  func shape(_ dimensions: [Int]) throws(CairnError) -> Shape {
    let shape = try Shape(dimensions)
    guard shape.elementCount <= maximumElementCount else {
      throw CairnError(
        .overBudget, "a tensor within the evaluation would be too large",
        expected: "at most \(maximumElementCount) elements", found: "a shape of \(shape)",
        advice: "Raise EvaluationContext.maximumElementCount if that is meant")
    }
    return shape
  }

  /// The shape of which all dimensions are known, as above.
  func shape(_ shape: BatchShape) throws(CairnError) -> Shape {
    try self.shape(shape.dimensions.map { $0 ?? 0 })
  }
}
