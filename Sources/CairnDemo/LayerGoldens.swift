// Golden rows: a layer's configuration and weights, what it is called with, and what Keras made of
// that. Fixtures/scripts/make_keras_layers.py writes them.

import CairnForeign
import CairnJSON
import CairnModels
import CairnSystem
import CairnTensors

/// The rows of a folder, class by class.
struct LayerGoldens {
  private let folder: String
  /// The classes that there are rows of.
  let classes: [String]

  init(folder: String) throws(CairnError) {
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

  /// What one layer with one set of options gives here, beside Keras.
  struct Result {
    /// The class, and what the options are called.
    var layer: String
    var options: String
    /// The largest distance from Keras's outputs, relative to the largest element of each.
    var error: Double
    var tolerance: Double

    var isWithin: Bool { error <= tolerance }
  }

  /// The results of a class's rows, in the file's order.
  func results(of className: String) throws(CairnError) -> [Result] {
    let path = "\(folder)/\(className).json"
    let tensors = try CheckpointFile.open("\(folder)/\(className).safetensors").source
    var results: [Result] = []
    for row in try Self.json(path).arrayValue ?? [] {
      let name = row["name"]?.stringValue ?? className
      do throws(CairnError) {
        results.append(try GoldenRow(row, tensors).result(named: name))
      } catch { throw error.located(file: path, name: name) }
    }
    return results
  }
}

/// One row.
private struct GoldenRow {
  let row: JSONValue
  let tensors: any TensorSource

  init(_ row: JSONValue, _ tensors: any TensorSource) {
    self.row = row
    self.tensors = tensors
  }

  func result(named name: String) throws(CairnError) -> LayerGoldens.Result {
    let layer = try LayerRegistry.standard.makeLayer(
      configuration: row["layer"] ?? .null, initialization: .zeros)
    var weights: [Tensor] = []
    for weight in row["weights"]?.arrayValue ?? [] { weights.append(try tensor(weight).tensor) }
    try layer.setWeights(weights)
    var arguments = CallArguments<MaskedTensor>([])
    for value in row["args"]?.arrayValue ?? [] { arguments.positional.append(try argument(value)) }
    for (key, value) in row["kwargs"]?.objectValue ?? [:] {
      arguments.named.append((key, try argument(value)))
    }
    var found: [MaskedTensor] = []
    for _ in 0..<min(max(row["calls"]?.intValue ?? 1, 1), 8) { found = try layer.call(arguments) }
    var expected: [MaskedTensor] = []
    for value in row["outputs"]?.arrayValue ?? [] { expected.append(try tensor(value)) }
    let parts = name.split(separator: "/", maxSplits: 1)
    return LayerGoldens.Result(
      layer: String(parts[0]), options: parts.count > 1 ? String(parts[1]) : "",
      error: try Self.error(of: found, against: expected),
      tolerance: Self.tolerance(of: expected.first?.tensor.dtype))
  }

  private func tensor(_ value: JSONValue) throws(CairnError) -> MaskedTensor {
    func read(_ key: String) throws(CairnError) -> Tensor {
      try tensors.tensor(named: TensorName(value[key]?.stringValue ?? ""))
    }
    var tensor = try read("tensor")
    // bfloat16 stands as float32, which NumPy has.
    if let dtype = value["dtype"]?.stringValue.flatMap({ DType(name: $0) }) {
      tensor = try tensor.cast(to: dtype)
    }
    return MaskedTensor(tensor, mask: value["mask"] == nil ? nil : try read("mask"))
  }

  private func argument(_ value: JSONValue) throws(CairnError) -> CallArgument<MaskedTensor> {
    if let elements = value.arrayValue {
      var list: [CallArgument<MaskedTensor>] = []
      for element in elements { list.append(try argument(element)) }
      return .list(list)
    }
    if let plain = value["value"] { return .value(plain) }
    return .tensor(try tensor(value))
  }

  private static func error(
    of found: [MaskedTensor], against expected: [MaskedTensor]
  ) throws(CairnError) -> Double {
    guard found.count == expected.count else { return .infinity }
    var largest = 0.0
    for (mine, keras) in zip(found, expected) {
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

  /// What the element type justifies: float32 1e-5, float64 1e-12, the 16-bit types two units in the
  /// last place.
  private static func tolerance(of dtype: DType?) -> Double {
    switch dtype {
    case .float64: 1e-12
    case .float16: 2 * 0x1p-10
    case .bfloat16: 2 * 0x1p-7
    default: 1e-5
    }
  }
}
