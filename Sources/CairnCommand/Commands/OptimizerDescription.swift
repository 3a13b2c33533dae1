// What `cairn info` says of a checkpoint's optimizer.

import CairnCheckpoints
import CairnJSON
import CairnModels
import CairnSystem
import CairnTensors
import CairnTerminal

/// The optimizer that a checkpoint's configuration names, and how many steps it has made.
struct OptimizerDescription {
  let className: String
  /// The steps it has taken, if the checkpoint has its state.
  private(set) var steps: Int?

  /// Nil if the configuration names none.
  init?(of source: any TensorSource) throws(CairnError) {
    // A configuration that is not JSON names no optimizer. Opening the model reports the error.
    guard let configuration = try? source.parsedConfiguration()?.value,
      let outer = configuration["compile_config"]?["optimizer"],
      // The inner optimizer counts the steps; a loss scale may be wrapped around it.
      case let optimizer = outer["config"]?["inner_optimizer"] ?? outer,
      let className = optimizer["class_name"]?.stringValue ?? optimizer.stringValue
    else { return nil }
    self.className = className
    // The name of the number of steps in Cairn, and the one in Keras 3's files.
    var names = ["optimizer/vars/0"]
    if let model = configuration["config"]?["name"]?.stringValue {
      names.append("\(model)/optimizer/\(className)/iteration")
    }
    for name in names {
      guard let name = try? TensorName(name), let index = try source.index(of: name) else {
        continue
      }
      let entry = try source.entry(at: index)
      guard entry.dtype.isInteger, entry.shape.elementCount == 1 else { continue }
      steps = Int(try source.tensor(at: index).cast(to: .int64).scalar(of: Int64.self))
    }
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
