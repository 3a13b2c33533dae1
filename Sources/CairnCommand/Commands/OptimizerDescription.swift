// What `cairn info` says of a checkpoint's optimizer.

import CairnJSON
import CairnModels
import CairnSystem
import CairnTensors

/// The optimizer that a checkpoint's configuration names, and how far it has come.
struct OptimizerDescription {
  let className: String
  /// The steps it has taken, if the checkpoint has its state.
  private(set) var steps: Int?

  /// Nil if the configuration names none.
  init?(of source: any TensorSource) throws(CairnError) {
    // A configuration that is no JSON names nothing; opening the model says what is wrong with it.
    guard let text = source.configuration,
      let configuration = try? Model.parse(configuration: text),
      let outer = configuration["compile_config"]?["optimizer"],
      // The one that the steps are counted by: a scaling of the loss is around another.
      case let optimizer = outer["config"]?["inner_optimizer"] ?? outer,
      let className = optimizer["class_name"]?.stringValue ?? optimizer.stringValue
    else { return nil }
    self.className = className
    guard let model = configuration["config"]?["name"]?.stringValue,
      let name = try? TensorName("\(model)/optimizer/\(className)/iteration"),
      let index = try source.index(of: name), try source.entry(at: index).byteCount <= 8
    else { return }
    let count = try source.tensor(at: index).cast(to: .int64)
    steps = count.elementCount == 1 ? Int(try count.scalar(of: Int64.self)) : nil
  }

  var json: JSONValue {
    [
      "class": .string(className),
      "steps": steps.map { .integer(Int64($0)) } ?? .null,
    ]
  }

  var text: String {
    guard let steps else { return "\(className.printable), without state" }
    return "\(className.printable), after \(steps) \(steps == 1 ? "step" : "steps")"
  }
}
