// The arrays for a model's inputs, from the command line.

import CairnCheckpoints
import CairnForeign
import CairnModelFiles
import CairnModels
import CairnSystem
import CairnTensors

/// Arrays for a model's inputs, by name or in order.
struct ModelInputs {
  /// The array for each input, in the model's order.
  private(set) var tensors: [Tensor] = []

  /// Opens the files of `arguments`, each `file` or `name=file`.
  ///
  /// From a file of several arrays each input gets the array of its name.
  init(_ arguments: [String], for model: Model) throws(CairnError) {
    let names = model.inputNames
    var given: [String: Tensor] = [:]
    var unnamed: [Tensor] = []
    for argument in arguments {
      let (name, path) = Self.split(argument)
      let source = try CheckpointFile.open(path).source
      if let name {
        guard names.contains(name) || names.isEmpty else { throw Self.unknown(name, names) }
        guard given.updateValue(try Self.only(source, path), forKey: name) == nil else {
          throw Self.failure("an input is given twice", name: name)
        }
      } else if source.count == 1 {
        unnamed.append(try source.tensor(at: 0))
      } else {
        for index in 0..<source.count {
          let entry = try source.entry(at: index).name.string
          guard names.contains(entry) else { throw Self.unknown(entry, names) }
          guard given.updateValue(try source.tensor(at: index), forKey: entry) == nil else {
            throw Self.failure("an input is given twice", name: entry)
          }
        }
      }
    }
    var rest = unnamed[...]
    for (name, dtype) in zip(names, model.inputDTypes) {
      guard let tensor = given[name] ?? rest.popFirst() else {
        throw CairnError(
          .invalidArgument, "an input of the model is not given", at: .init(name: name),
          expected: names.joined(separator: ", "), advice: "Add --input \(name)=FILE")
      }
      tensors.append(try tensor.fitted(to: dtype, name: name))
    }
    // A model that does not know its input yet takes one array of any shape.
    if names.isEmpty, let tensor = given.first?.value ?? rest.popFirst() {
      tensors = [try tensor.fitted(to: .float32, name: "input")]
    }
    guard rest.isEmpty else {
      throw CairnError(
        .invalidArgument, "more inputs are given than the model has",
        expected: names.joined(separator: ", "))
    }
  }

  /// Splits `name=file`, unless there is a file of that whole name.
  private static func split(_ argument: String) -> (name: String?, path: String) {
    guard let sign = argument.firstIndex(of: "="), !isThere(argument) else {
      return (nil, argument)
    }
    return (String(argument[..<sign]), String(argument[argument.index(after: sign)...]))
  }

  private static func isThere(_ path: String) -> Bool {
    do throws(SystemError) {
      _ = try SystemFileSystem().status(at: path)
      return true
    } catch {
      return false
    }
  }

  private static func only(_ source: any TensorSource, _ path: String) throws(CairnError) -> Tensor
  {
    guard source.count == 1 else {
      throw CairnError(
        .countMismatch, "the file for one input has several arrays", at: .init(file: path),
        expected: "1", found: "\(source.count)", advice: "Leave the name out: the arrays have names"
      )
    }
    return try source.tensor(at: 0)
  }

  private static func unknown(_ name: String, _ names: [String]) -> CairnError {
    CairnError(
      .invalidArgument, "the model has no input of that name", at: .init(name: name),
      expected: names.joined(separator: ", "))
  }

  private static func failure(_ message: String, name: String) -> CairnError {
    CairnError(.invalidArgument, message, at: .init(name: name))
  }
}

extension Tensor {
  /// The tensor in the type of an input, converted as in Keras. Floats are rounded; integers must
  /// have the same value in the other type.
  fileprivate func fitted(to target: DType, name: String) throws(CairnError) -> Tensor {
    guard dtype != target else { return self }
    let cast = try cast(to: target)
    if dtype.isFloat, target.isFloat { return cast }
    if !dtype.isFloat, try cast.cast(to: dtype) == self { return cast }
    throw CairnError(
      .dtypeMismatch, "an array cannot be brought into its input's type without loss",
      at: .init(name: name), expected: "\(target)", found: "\(dtype)")
  }
}

extension DType {
  fileprivate var isFloat: Bool {
    switch self {
    case .float16, .bfloat16, .float32, .float64: true
    default: false
    }
  }
}
