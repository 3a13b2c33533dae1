// What making a model from a configuration may cost in total. Without a limit, a file of 1 KiB
// could ask for models nested thirty deep, each called twice.

import CairnJSON
import CairnSystem

/// The budget that is shared by everything made while a model is made.
enum BuildBudget {
  /// The budget of the model that this thread is making; nil where a model is made in code.
  @TaskLocal private static var current: Budget?

  /// The steps allowed for one model. Each object of its configuration adds more; most objects are
  /// layers.
  private static let steps = 1 << 15
  private static let stepsAnObject = 8
  /// The bytes of shapes and results that may be kept.
  private static let bytes = 64 << 20

  /// Runs `body` within a budget for one model, or in that of the model around it.
  static func run<Result>(
    for configuration: JSONValue, _ body: () throws(CairnError) -> Result
  ) throws(CairnError) -> Result {
    guard current == nil else { return try body() }
    let budget = Budget(
      bytes: bytes, steps: steps + stepsAnObject * objects(in: configuration), for: "the model",
      advice: "Its configuration asks for more calls than any model that is of use")
    return try $current.withValue(budget) { () -> Swift.Result<Result, CairnError> in
      do throws(CairnError) { return .success(try body()) } catch { return .failure(error) }
    }.get()
  }

  /// The number of objects that name a class. The recursion is bounded: the JSON parser limits the
  /// nesting.
  private static func objects(in value: JSONValue) -> Int {
    switch value {
    case .array(let elements): elements.reduce(0) { $0 + objects(in: $1) }
    case .object(let object):
      object.reduce(object["class_name"] == nil ? 0 : 1) { $0 + objects(in: $1.value) }
    default: 0
    }
  }

  /// Counts steps: calls of layers, results that are looked up.
  static func take(steps count: Int = 1) throws(CairnError) { try current?.take(steps: count) }

  /// Counts results of a call, which a graph keeps.
  static func take(results: [TensorSpec]) throws(CairnError) {
    guard let current else { return }
    try current.take(steps: 1 + results.count)
    try current.take(bytes: results.reduce(0) { $0 + 64 + 16 * $1.shape.rank })
  }
}
