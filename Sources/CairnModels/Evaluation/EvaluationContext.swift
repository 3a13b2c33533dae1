// How a forward pass is run.

public import CairnSystem
import CairnTensors

/// What a forward pass may use. The result does not depend on it.
public struct EvaluationContext: Sendable {
  /// The threads that large products are spread over.
  public var threads: Threads
  /// The most elements that a tensor within the pass may have; 2^28 unless set (1 GiB in float32,
  /// twice that in float64).
  ///
  /// A configuration can ask for any size (a padding of 2^40), whatever its weights.
  public var maximumElementCount: Int
  /// The most elements that all results still needed within the pass may have together; 2^30 unless
  /// set (4 GiB in float32, twice that in float64). Inputs and weights don't count.
  ///
  /// A graph of small layers can keep any number of results alive until its last call.
  public var maximumHeldElementCount: Int
  /// The steps of work that a pass may take, about 100 ns each; no limit unless set.
  ///
  /// A configuration can ask for any number of calls of small layers, whatever they hold.
  public var maximumStepCount: Int?
  /// What is left of those steps in the current pass.
  private(set) var budget: Budget?

  /// Inference on that many threads.
  public init(
    threads: Threads = .all, maximumElementCount: Int = 1 << 28,
    maximumHeldElementCount: Int = 1 << 30
  ) {
    self.threads = threads
    self.maximumElementCount = maximumElementCount
    self.maximumHeldElementCount = maximumHeldElementCount
  }

  /// The context of a pass that begins here, or of one that has already begun.
  func started() -> EvaluationContext {
    guard budget == nil, let maximumStepCount else { return self }
    var context = self
    context.budget = Budget(
      bytes: .max, steps: maximumStepCount, for: "the evaluation",
      advice: "Predict fewer examples at once, or set no bounds", remedies: [.noLimits])
    return context
  }

  /// The context for a call while results with `count` elements in total are held.
  ///
  /// - Throws: `overBudget`.
  func holding(_ count: Int, by model: String) throws(CairnError) -> EvaluationContext {
    guard count <= maximumHeldElementCount else {
      throw CairnError(
        .overBudget, "the evaluation would hold too many results at once",
        at: .init(name: model), expected: "at most \(maximumHeldElementCount) elements",
        found: "\(count)",
        advice: "Predict fewer examples at once, or raise EvaluationContext.maximumHeldElementCount"
      )
    }
    var context = self
    context.maximumHeldElementCount -= count
    return context
  }

  /// The shape with those dimensions, if a tensor may be so large.
  ///
  /// - Throws: `overBudget`, `invalidShape`.
  func shape(_ dimensions: [Int]) throws(CairnError) -> Shape {
    let shape = try Shape(dimensions)
    // Zeros are left out of the product: the indices along the other dimensions are made anyway.
    let places = shape.dimensions.lazy.filter { $0 > 1 }.product() ?? .max
    guard places <= min(maximumElementCount, maximumHeldElementCount) else {
      throw CairnError(
        .overBudget, "a tensor within the evaluation would be too large",
        expected: "at most \(min(maximumElementCount, maximumHeldElementCount)) elements",
        found: "a shape of \(shape)",
        advice: "Raise EvaluationContext.maximumElementCount if that is meant")
    }
    try take(elements: places)
    return shape
  }

  /// The dimensions that both broadcast to, if a tensor may be so large.
  ///
  /// - Throws: `shapeMismatch` if they don't go together; as above.
  func broadcast(_ left: [Int], _ right: [Int]) throws(CairnError) -> [Int] {
    guard let result = RowMajor.broadcast(left, right) else {
      throw CairnError(
        .shapeMismatch, "the shapes cannot be broadcast to one another",
        found: "\(left) and \(right)")
    }
    _ = try shape(result)
    return result
  }

  /// The shape, whose dimensions are all known; checked as above.
  func shape(_ shape: BatchShape) throws(CairnError) -> Shape {
    try self.shape(shape.dimensions.map { $0 ?? 0 })
  }
}
