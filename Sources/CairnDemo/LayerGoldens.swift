// Golden rows: a layer's configuration and weights, its inputs, and the outputs of Keras.
// Fixtures/scripts/make_keras_layers.py writes them.

import CairnCheckpoints
internal import CairnForeign
package import CairnJSON
import CairnModelFiles
package import CairnModels
package import CairnSystem
package import CairnTensors

/// The rows of a folder, class by class.
package struct LayerGoldens: Sendable {
  private let folder: String
  /// The classes that have rows.
  package let classes: [String]

  package init(folder: String) throws(CairnError) {
    self.folder = folder
    classes = (try Self.json("\(folder)/index.json").arrayValue ?? []).compactMap(\.stringValue)
    guard !classes.isEmpty, classes.allSatisfy({ !$0.contains("/") && $0 != ".." }) else {
      throw CairnError(
        .invalidConfiguration, "the folder's index names no classes",
        at: .init(file: "\(folder)/index.json"), expected: "an array of names")
    }
  }

  private static func json(_ path: String) throws(CairnError) -> JSONValue {
    do throws(CairnError) {
      let file = try FileBytes(path: path)
      return try Model.parse(configuration: file.withBytes(in: 0..<file.count) { $0.array })
    } catch { throw error.located(file: path) }
  }

  /// The result of one layer with one set of options, compared with Keras.
  package struct Result: Sendable {
    /// The class, and the name of the options.
    package var layer: String
    package var options: String
    /// The largest distance from Keras's outputs, relative to the largest element of each.
    package var error: Double
    package var tolerance: Double

    package var isWithin: Bool { error <= tolerance }
  }

  /// The results of a class's rows, in the file's order.
  package func results(of className: String) throws(CairnError) -> [Result] {
    try map(className) { (row) throws(CairnError) in
      let found = try row.call()
      let parts = row.name.split(separator: "/", maxSplits: 1)
      return Result(
        layer: parts.first.map(String.init) ?? "", options: parts.count > 1 ? String(parts[1]) : "",
        error: try row.error(of: found), tolerance: row.tolerance)
    }
  }

  /// The rows of a class, in the file's order.
  package func rows(of className: String) throws(CairnError) -> [LayerGolden] {
    try map(className) { (row) throws(CairnError) in row }
  }

  /// The results of `body` for each row, one after the other. An error names its row.
  private func map<T>(
    _ className: String, _ body: (LayerGolden) throws(CairnError) -> T
  ) throws(CairnError) -> [T] {
    let path = "\(folder)/\(className).json"
    let tensors = try CheckpointFile.open("\(folder)/\(className).safetensors").source
    var results: [T] = []
    for row in try Self.json(path).arrayValue ?? [] {
      let name = row["name"]?.stringValue ?? className
      do throws(CairnError) {
        results.append(try body(LayerGolden(row, named: name, tensors)))
      } catch { throw error.located(file: path, name: name) }
    }
    return results
  }
}

/// One row.
package struct LayerGolden: Sendable {
  package struct Weight: Sendable {
    package let path: String
    package let isTrainable: Bool
    package let value: Tensor
  }

  /// The class, a slash, and the name of the options.
  package let name: String
  package let configuration: JSONValue
  package private(set) var weights: [Weight] = []
  package private(set) var arguments = CallArguments<MaskedTensor>([])
  /// How often the layer is called. A stateful layer is called more than once.
  package let calls: Int
  /// The outputs of Keras's last call.
  package private(set) var outputs: [MaskedTensor] = []

  fileprivate init(
    _ row: JSONValue, named name: String, _ tensors: any TensorSource
  ) throws(CairnError) {
    self.name = name
    configuration = row["layer"] ?? .null
    calls = min(max(row["calls"]?.intValue ?? 1, 1), 8)
    let reader = Reader(tensors: tensors)
    for weight in row["weights"]?.arrayValue ?? [] {
      weights.append(
        Weight(
          path: weight["path"]?.stringValue ?? "",
          isTrainable: weight["trainable"]?.boolValue ?? false,
          value: try reader.tensor(weight).tensor))
    }
    for value in row["args"]?.arrayValue ?? [] {
      arguments.positional.append(try reader.argument(value))
    }
    for (key, value) in row["kwargs"]?.objectValue ?? [:] {
      arguments.named.append((key, try reader.argument(value)))
    }
    for value in row["outputs"]?.arrayValue ?? [] { outputs.append(try reader.tensor(value)) }
  }

  /// A layer with the row's configuration and weights.
  package func layer() throws(CairnError) -> any Layer {
    let layer = try LayerRegistry.standard.makeLayer(
      configuration: configuration, initialization: .zeros)
    try layer.setWeights(weights.map(\.value))
    return layer
  }

  /// The outputs of the last call, after the layer is called as often as the row says.
  package func call() throws(CairnError) -> [MaskedTensor] {
    let layer = try layer()
    var found: [MaskedTensor] = []
    for _ in 0..<calls { found = try layer.call(arguments) }
    return found
  }

  /// The largest distance from Keras's outputs, relative to the largest element of each; infinite
  /// if shape, type or mask differs.
  package func error(of found: [MaskedTensor]) throws(CairnError) -> Double {
    guard found.count == outputs.count else { return .infinity }
    var largest = 0.0
    for (mine, keras) in zip(found, outputs) {
      guard mine.tensor.shape == keras.tensor.shape, mine.tensor.dtype == keras.tensor.dtype,
        mine.mask == keras.mask
      else { return .infinity }
      let a: [Double] = try mine.tensor.cast(to: .float64).scalars()
      let b: [Double] = try keras.tensor.cast(to: .float64).scalars()
      let scale = max(b.map { abs($0) }.max() ?? 0, 1e-30)
      for (x, y) in zip(a, b) { largest = max(largest, x.isNaN ? .infinity : abs(x - y) / scale) }
    }
    return largest
  }

  /// The tolerance for the element type: float32 1e-5, float64 1e-12, the 16-bit types two units in
  /// the last place.
  package var tolerance: Double {
    switch outputs.first?.tensor.dtype {
    case .float64: 1e-12
    case .float16: 2 * 0x1p-10
    case .bfloat16: 2 * 0x1p-7
    default: 1e-5
    }
  }
}

/// Reads the values of a row.
private struct Reader {
  let tensors: any TensorSource

  func tensor(_ value: JSONValue) throws(CairnError) -> MaskedTensor {
    func read(_ key: String) throws(CairnError) -> Tensor {
      try tensors.tensor(named: TensorName(value[key]?.stringValue ?? ""))
    }
    var tensor = try read("tensor")
    // bfloat16 is stored as float32, since NumPy has no bfloat16.
    if let dtype = value["dtype"]?.stringValue.flatMap({ DType(name: $0) }) {
      tensor = try tensor.cast(to: dtype)
    }
    return MaskedTensor(tensor, mask: value["mask"] == nil ? nil : try read("mask"))
  }

  func argument(_ value: JSONValue) throws(CairnError) -> CallArgument<MaskedTensor> {
    if let elements = value.arrayValue {
      var list: [CallArgument<MaskedTensor>] = []
      for element in elements { list.append(try argument(element)) }
      return .list(list)
    }
    if let plain = value["value"] { return .value(plain) }
    return .tensor(try tensor(value))
  }
}
