// The golden optimizers of Fixtures/keras/optimizers.

import CairnJSON
import CairnModels
import CairnTensors
import CairnTestSupport
import Testing

/// An optimizer of Keras's, and what several steps of it leave behind.
struct OptimizerCase: Sendable, CustomTestStringConvertible {
  let name: String
  let dtype: String
  let configuration: JSONValue
  /// The names of the optimizer's variables, in Keras's order.
  let variables: [String]
  /// The model's configuration, where its weights have constraints.
  let constrained: JSONValue?
  /// The first part of the gradients' keys.
  let gradients: String

  var testDescription: String { name }

  private static let index = try? JSONValue(parsing: fixture("keras/optimizers/index.json"))
  static let steps = index?["steps"]?.intValue ?? 0
  /// The steps after which the weights are known.
  static let after = (index?["after"]?.arrayValue ?? []).compactMap(\.intValue)

  static let all: [OptimizerCase] = (index?["cases"]?.arrayValue ?? []).compactMap { item in
    guard let name = item["name"]?.stringValue, let dtype = item["dtype"]?.stringValue,
      let configuration = item["optimizer"], let variables = item["variables"]?.arrayValue
    else { return nil }
    return OptimizerCase(
      name: name, dtype: dtype, configuration: configuration,
      variables: variables.compactMap(\.stringValue), constrained: item["model"],
      gradients: item["gradients"]?.stringValue ?? dtype)
  }

  /// The model that the gradients are for.
  func model() throws -> Sequential {
    if let constrained { return try Sequential(configuration: constrained) }
    let type = try DTypePolicy(dtype)
    return try Sequential(
      [
        InputLayer(shape: [3], dtype: #require(DType(name: dtype))),
        Dense(5, name: "hidden", dtype: type), Dense(2, name: "head", dtype: type),
      ], name: "net")
  }
}

/// A learning-rate schedule of Keras's, and its values at some steps.
struct ScheduleCase: Sendable, CustomTestStringConvertible {
  let name: String
  let configuration: JSONValue
  let values: [Float]

  var testDescription: String { name }

  private static let index = try? JSONValue(parsing: fixture("keras/optimizers/schedules.json"))
  static let steps = (index?["steps"]?.arrayValue ?? []).compactMap(\.intValue)

  static let all: [ScheduleCase] = (index?["schedules"]?.arrayValue ?? []).compactMap { item in
    guard let name = item["name"]?.stringValue, let configuration = item["schedule"] else {
      return nil
    }
    return ScheduleCase(
      name: name, configuration: configuration,
      values: (item["values"]?.arrayValue ?? []).compactMap(\.doubleValue).map { Float($0) })
  }
}
