// Every operation of Fixtures/keras/operations against what Keras computed.

import CairnJSON
import CairnModels
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

/// A model of one operation.
struct OperationCase: Sendable, CustomTestStringConvertible {
  let testDescription: String
  /// The file of its tensors.
  let tensors: String
  let configuration: JSONValue
  let inputs: [String]
  let outputs: [String]
  /// The shapes that Keras gives the outputs in the graph.
  let shapes: [[Int?]]

  static let all = read("operations/models") + read("float64/operations")

  private static func read(_ path: String) -> [OperationCase] {
    let rows = try? JSONValue(parsing: fixture("keras/\(path).json"))
    let folder = path.prefix { $0 != "/" }
    return (rows?.arrayValue ?? []).compactMap { row in
      guard let name = row["name"]?.stringValue, let inputs = row["inputs"]?.intValue,
        let outputs = row["outputs"]?.intValue, let configuration = row["config"]
      else { return nil }
      return OperationCase(
        testDescription: name, tensors: "keras/\(folder)/tensors.safetensors",
        configuration: configuration,
        inputs: (0..<inputs).map { "\(name)/input.\($0)" },
        outputs: (0..<outputs).map { "\(name)/output.\($0)" },
        shapes: (row["shapes"]?.arrayValue ?? []).map { ($0.arrayValue ?? []).map(\.intValue) })
    }
  }
}

@Suite("Keras's operations on tensors of a graph")
struct KerasOperationTests {
  @Test("All golden models are there")
  func casesAreThere() { #expect(OperationCase.all.count == 309) }

  @Test("An operation gives what Keras's gives", arguments: OperationCase.all)
  func resultsAreKeras(_ item: OperationCase) throws {
    let tensors = try SafetensorsFixture(item.tensors)
    let model = try #require(Model.make(configuration: item.configuration) as? Functional)
    for (output, keras) in zip(model.outputs, item.shapes) {
      // Keras leaves some lengths open that are known.
      #expect(try output.shape.isCompatible(with: BatchShape(keras)), "\(output.shape) \(keras)")
    }
    let results = try model.predict(item.inputs.map { try tensors.tensor($0) })
    #expect(results.count == item.outputs.count)
    for (result, key) in zip(results, item.outputs) {
      let keras = try tensors.tensor(key)
      #expect(result.dtype == keras.dtype)
      #expect(result.shape == keras.shape)
      let a: [Double] = try result.cast(to: .float64).scalars()
      let b: [Double] = try keras.cast(to: .float64).scalars()
      // XLA's functions are right to some units in the last place.
      let unit =
        switch keras.dtype {
        case .float64: 1e-13
        default: keras.dtype.isFloatingPoint ? 2e-7 : 0
        }
      for (x, y) in zip(a, b) {
        let tolerance = 10 * unit * abs(y) + unit
        #expect((x.isNaN && y.isNaN) || x == y || abs(x - y) <= tolerance, "\(x), Keras \(y)")
      }
    }
  }

  @Test("An operation's configuration comes back as it was", arguments: OperationCase.all)
  func configurationRoundTrips(_ item: OperationCase) throws {
    let model = try #require(Model.make(configuration: item.configuration) as? Functional)
    let keras = Expected.operations(of: item.configuration)
    #expect(Expected.operations(of: model.kerasConfiguration) == keras)
  }

  private enum Expected {
    static func operations(of model: JSONValue) -> [JSONValue] {
      (model["config"]?["layers"]?.arrayValue ?? []).filter {
        $0["class_name"] != "InputLayer"
      }
    }
  }

  @Test("Options that make no sense are refused by name")
  func refusals() throws {
    func make(_ module: String, _ name: String, _ config: JSONObject) -> CairnError.Code? {
      code {
        _ = try LayerRegistry.standard.makeLayer(
          configuration: [
            "module": .string("keras.src.ops.\(module)"), "class_name": .string(name),
            "config": .object(config), "registered_name": .string(name),
          ])
      }
    }
    #expect(make("numpy", "Tile", ["repeats": [2, 3]]) == nil)
    #expect(make("numpy", "Tile", ["repeats": [-1]]) == .invalidConfiguration)
    #expect(make("numpy", "Tile", ["repeats": [0x1000_0000_0000_0000]]) == .invalidConfiguration)
    #expect(make("numpy", "Pad", ["pad_width": [[1]]]) == .invalidConfiguration)
    #expect(make("numpy", "Pad", ["pad_width": 1, "mode": "wrap"]) == .invalidConfiguration)
    #expect(make("numpy", "Split", ["indices_or_sections": 0]) == .invalidConfiguration)
    #expect(make("numpy", "Roll", ["shift": [1, 2]]) == .invalidConfiguration)
    #expect(make("linalg", "Norm", ["ord": "nuc", "axis": [1, 2]]) == .unsupportedConfiguration)
    #expect(make("nn", "OneHot", ["num_classes": 3, "sparse": true]) == .unsupportedConfiguration)
    #expect(make("numpy", "Fftshift", [:]) == .unknownLayerClass)
  }

  @Test("What would be too large is refused before memory is taken")
  func budgets() throws {
    let source: [JSONObject] = [
      ["class": "Tile", "repeats": [1, 0x100_0000_0000]],
      ["class": "Repeat", "repeats": 0x100_0000_0000, "axis": 1],
      ["class": "BroadcastTo", "shape": [1, 0x100_0000_0000]],
      ["class": "Pad", "pad_width": [[0, 0], [0, 0x80_0000_0000]]],
    ]
    for var config in source {
      let name = try #require(config["class"]?.stringValue)
      config["class"] = nil
      let layer = try LayerRegistry.standard.makeLayer(
        configuration: [
          "module": "keras.src.ops.numpy", "class_name": .string(name), "config": .object(config),
        ])
      #expect(
        code { _ = try layer(Tensor(zeros: .float32, shape: [1, 1])) } == .overBudget, "\(name)")
    }
  }
}
