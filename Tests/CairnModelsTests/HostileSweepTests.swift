// Every golden configuration of Keras, mutated with fixed seeds; what is made of it is run on what the
// golden layer or model is called with. An error or a result, never a trap, and bounded memory.

import CairnDemo
import CairnGoldens
import CairnJSON
import CairnModels
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@Suite("Hostile configurations of every class")
struct HostileSweepTests {
  /// Small enough that no mutation takes memory or time worth mentioning.
  private static let context = EvaluationContext(
    threads: 1, maximumElementCount: 1 << 16, maximumHeldElementCount: 1 << 18)
  private static let limits: ModelLimits = {
    var limits = ModelLimits()
    limits.maximumParameters = 1 << 16
    return limits
  }()

  @Test("A mutated layer is refused or runs", arguments: LayerRow.classes)
  func layers(_ className: String) throws {
    var numbers = SeededNumbers(className.utf8.reduce(7) { $0 &* 31 &+ UInt64($1) })
    var (refused, made) = (0, 0)
    for row in try LayerRow.read(className) {
      for _ in 0..<20 {
        let configuration = Mutation.mutated(row.configuration, &numbers)
        guard
          let layer = try? LayerRegistry.standard.makeLayer(
            configuration: configuration, initialization: .zeros, limits: Self.limits)
        else {
          refused += 1
          continue
        }
        made += 1
        guard let outputs = try? layer.call(row.arguments, in: Self.context) else { continue }
        // What runs says beforehand what comes out.
        let specs = try layer.outputSpecs(for: row.arguments.specs())
        for (spec, output) in zip(specs, outputs) {
          #expect(
            spec.shape.isCompatible(with: BatchShape(output.tensor.shape)), "\(configuration)")
          #expect(spec.dtype == output.tensor.dtype, "\(configuration)")
        }
      }
    }
    #expect(refused > 0 && made > 0)
  }

  @Test("A mutated model is refused or runs", arguments: GoldenModel.functional)
  func models(_ row: GoldenModel) throws {
    var numbers = SeededNumbers(UInt64(row.name.utf8.count))
    var (refused, made) = (0, 0)
    for _ in 0..<300 {
      let configuration = Mutation.mutated(row.configuration, &numbers)
      guard
        let model = try? Model.make(
          configuration: configuration, initialization: .zeros, limits: Self.limits)
      else {
        refused += 1
        continue
      }
      made += 1
      _ = try? model.predict(row.inputs, in: Self.context)
      // What was accepted has a configuration that is accepted.
      let again = try Model.make(
        configuration: model.configuration, initialization: .zeros, limits: Self.limits)
      #expect(again.configuration == model.configuration)
    }
    #expect(refused > 0 && made > 0)
  }

  /// Zero, what is just too much for 32 bits, for memory, for an Int when it is doubled, and less than
  /// nothing.
  private static let amplified: [JSONValue] = [
    0, 1, -1, .integer(1 << 31), .integer(1 << 40), .integer(1 << 62),
  ]

  private static let bounded: EvaluationContext = {
    var context = HostileSweepTests.context
    context.maximumStepCount = 1 << 18
    return context
  }()

  @Test("Any number of a layer's configuration may be anything", arguments: LayerRow.classes)
  func amplifiedLayers(_ className: String) throws {
    for row in try LayerRow.read(className).prefix(3) {
      for configuration in Mutation.amplified(row.configuration, Self.amplified) {
        guard
          let layer = try? LayerRegistry.standard.makeLayer(
            configuration: configuration, initialization: .zeros, limits: Self.limits)
        else { continue }
        _ = try? layer.cloned()
        _ = try? layer.call(row.arguments, in: Self.bounded)
      }
    }
  }

  @Test("Any number of a model's configuration may be anything", arguments: GoldenModel.functional)
  func amplifiedModels(_ row: GoldenModel) throws {
    for configuration in Mutation.amplified(row.configuration, Self.amplified) {
      guard
        let model = try? Model.make(
          configuration: configuration, initialization: .zeros, limits: Self.limits)
      else { continue }
      _ = try? model.predict(row.inputs, in: Self.bounded)
    }
  }

  @Test("Models within one another that are called twice each are stopped soon")
  func doubledCalls() throws {
    // Thirty levels of f(x) = g(x) + g(x): 2^30 calls from thirty lines.
    var x = try Input(shape: [2], name: "x")
    var model = try Functional(inputs: [x], outputs: [x + x], name: "m0")
    for level in 1..<12 {
      x = try Input(shape: [2], name: "x")
      model = try Functional(
        inputs: [x], outputs: [try model(x) + model(x)], name: "m\(level)")
    }
    var context = Self.context
    context.maximumStepCount = 20_000
    let input = try Tensor([1, 2] as [Float], shape: [1, 2])
    expectError(.overBudget) { _ = try model.predict([input], in: context) }
  }

  @Test("Cycles, and models within models without end, are refused")
  func cyclesAndNesting() throws {
    func call(_ name: String) -> JSONValue {
      let tensor: JSONValue = [
        "class_name": "__keras_tensor__",
        "config": [
          "shape": [.null, 2], "dtype": "float32", "keras_history": [.string(name), 0, 0],
        ],
      ]
      return [["args": [tensor], "kwargs": [:]]]
    }
    func layer(_ name: String, _ calls: JSONValue) -> JSONValue {
      [
        "module": "keras.layers", "class_name": "ReLU", "registered_name": .null,
        "config": ["name": .string(name)], "name": .string(name), "inbound_nodes": calls,
      ]
    }
    let cycle: JSONValue = [
      "module": "keras.src.models.functional", "class_name": "Functional",
      "registered_name": "Functional",
      "config": [
        "name": "m", "trainable": true, "layers": [layer("a", call("b")), layer("b", call("a"))],
        "input_layers": ["a", 0, 0], "output_layers": ["b", 0, 0],
      ],
    ]
    let error = expectError(.invalidConfiguration) { _ = try Model.make(configuration: cycle) }
    #expect(error?.message.contains("cycles") == true)
    var nested = try Sequential([Dense(2)], name: "innermost").configuration
    for level in 0..<40 {
      nested = [
        "module": "keras", "class_name": "Sequential", "registered_name": .null,
        "config": ["name": .string("s\(level)"), "layers": [nested]],
      ]
    }
    expectError(.overBudget) { _ = try Model.make(configuration: nested) }
  }

  @Test("A graph of small results that are all held is stopped at the limit for the pass")
  func heldResults() throws {
    let x = try Input(shape: [64], name: "x")
    var held: [SymbolicTensor] = []
    for _ in 0..<20 { held.append(try x + 1) }
    let outer = try Functional(inputs: [x], outputs: [Add(name: "all")(held)], name: "held")
    let input = try Tensor(zeros: .float32, shape: [4, 64])
    var context = EvaluationContext(threads: 1, maximumHeldElementCount: 20 * 256 + 256)
    let output: [Float] = try outer.predict([input], in: context)[0].scalars()
    #expect(output.allSatisfy { $0 == 20 })
    context.maximumHeldElementCount = 19 * 256
    expectError(.overBudget) { _ = try outer.predict([input], in: context) }
  }
}

/// One change of a value of JSON.
enum Mutation {
  private enum Step {
    case index(Int)
    case key(String)
  }

  private static let strangers: [JSONValue] = [
    .null, true, false, 0, 1, 2, 3, -1, -2, .integer(.max), .integer(.min), .unsigned(.max),
    .integer(1 << 31), .integer(1 << 20), 0.5, -0.5, 1e300, -1e-300, "", "a/b", "same", "causal",
    "softmax", "float16", "channels_first", "\u{0}", [], [0], [-1, .integer(.max)], [1, 2, 3],
    [[1, 2], [3, 4]], [.null], [:], ["class_name": "Dense", "config": [:]],
    ["class_name": "__keras_tensor__"],
    (0..<200).reduce(into: JSONValue.null) { value, _ in value = [value] },
  ]

  /// The value with one value within it replaced by a stranger or by another of its own, or removed.
  static func mutated(_ value: JSONValue, _ numbers: inout SeededNumbers) -> JSONValue {
    var places: [[Step]] = []
    collect(value, [], &places)
    guard let place = places.randomElement(using: &numbers) else { return .null }
    let other: JSONValue?
    switch Int.random(in: 0..<10, using: &numbers) {
    case 0: other = nil
    case 1...3: other = places.randomElement(using: &numbers).flatMap { look($0[...], in: value) }
    default: other = strangers.randomElement(using: &numbers)
    }
    return replacing(place[...], in: value, by: other) ?? .null
  }

  /// The value with each of its whole numbers replaced by each of `numbers`, one at a time.
  static func amplified(_ value: JSONValue, _ numbers: [JSONValue]) -> [JSONValue] {
    var places: [[Step]] = []
    collect(value, [], &places)
    var results: [JSONValue] = []
    for place in places where look(place[...], in: value)?.intValue != nil {
      for number in numbers {
        if let other = replacing(place[...], in: value, by: number) { results.append(other) }
      }
    }
    return results
  }

  private static func collect(_ value: JSONValue, _ path: [Step], _ places: inout [[Step]]) {
    if !path.isEmpty { places.append(path) }
    switch value {
    case .array(let elements):
      for (index, element) in elements.enumerated() {
        collect(element, path + [.index(index)], &places)
      }
    case .object(let object):
      for (key, member) in object { collect(member, path + [.key(key)], &places) }
    default: break
    }
  }

  private static func look(_ path: ArraySlice<Step>, in value: JSONValue) -> JSONValue? {
    guard let step = path.first else { return value }
    switch step {
    case .index(let index):
      return value.arrayValue.flatMap { look(path.dropFirst(), in: $0[index]) }
    case .key(let key): return value[key].flatMap { look(path.dropFirst(), in: $0) }
    }
  }

  private static func replacing(
    _ path: ArraySlice<Step>, in value: JSONValue, by other: JSONValue?
  ) -> JSONValue? {
    guard let step = path.first else { return other }
    switch (step, value) {
    case (.index(let index), .array(var elements)):
      if let new = replacing(path.dropFirst(), in: elements[index], by: other) {
        elements[index] = new
      } else {
        elements.remove(at: index)
      }
      return .array(elements)
    case (.key(let key), .object(var object)):
      object[key] = object[key].flatMap { replacing(path.dropFirst(), in: $0, by: other) }
      return .object(object)
    default: return value
    }
  }
}
