// Loading by order, by rules of names, in part, converted: each must be asked for and is reported.

import CairnCheckpoints
import CairnModels
import CairnSystem
import CairnTensors
import Testing

@Suite("Loading with leave")
struct LoadOptionTests {
  private func stack(_ names: [String], seed: UInt64, model: String = "m") throws -> Sequential {
    try Sequential(
      [InputLayer(shape: [3])] + names.map { try Dense(3, name: $0) }, name: model, seed: seed)
  }

  private func mismatches(_ error: CairnError?) throws -> [WeightMismatch] {
    try #require(error?.cause as? WeightMismatchReport).mismatches
  }

  @Test("A strict load reports every variable and where it came from")
  func strictReport() throws {
    let (source, target) = (try stack(["a"], seed: 1), try stack(["a"], seed: 2))
    let report = try target.loadWeights(from: ModelTensors(source, scope: .weights))
    #expect(report.restored.map(\.name) == ["m/a/kernel", "m/a/bias"])
    #expect(report.restored.map(\.source) == ["m/a/kernel", "m/a/bias"])
    #expect(report.restored.allSatisfy { $0.castFrom == nil })
    #expect(report.missing.isEmpty && report.unused.isEmpty)
    #expect(report.description == "2 restored")
  }

  @Test("Missing and unused tensors, each only with its own leave")
  func partial() throws {
    let source = try ModelTensors(stack(["a", "x"], seed: 1), scope: .weights)
    let target = try stack(["a", "b"], seed: 2)
    var options = LoadOptions()
    options.allowMissing = true
    var error = try expectUnchanged(target, .weightMismatch) {
      try target.loadWeights(from: source, options: options)
    }
    #expect(try mismatches(error) == [.unexpected("m/x/kernel"), .unexpected("m/x/bias")])
    options.allowMissing = false
    options.allowUnused = true
    error = try expectUnchanged(target, .weightMismatch) {
      try target.loadWeights(from: source, options: options)
    }
    #expect(try mismatches(error) == [.missing("m/b/kernel"), .missing("m/b/bias")])
    options.allowMissing = true
    let before = target.layers[1].getWeights()
    let report = try target.loadWeights(from: source, options: options)
    #expect(report.missing == ["m/b/kernel", "m/b/bias"])
    #expect(report.unused == ["m/x/kernel", "m/x/bias"])
    #expect(report.restored.map(\.name) == ["m/a/kernel", "m/a/bias"])
    #expect(try target.weights[0].value == source.tensor(at: 0))
    #expect(target.layers[1].getWeights() == before)
    #expect(report.description == "2 restored, 2 missing, 2 unused")
  }

  @Test("Floats are converted with leave only; integers never become floats")
  func casts() throws {
    let target = try stack(["a"], seed: 2)
    let kernel = try Tensor((0..<9).map { Float($0) / 8 }, shape: [3, 3])
    let half: [TensorName: Tensor] = [
      "m/a/kernel": try kernel.cast(to: .bfloat16), "m/a/bias": try Tensor([1, 2, 3] as [Float]),
    ]
    let error = try expectUnchanged(target, .weightMismatch) { try target.setWeights(half) }
    #expect(try mismatches(error) == [.dtype("m/a/kernel", expected: .float32, found: .bfloat16)])
    var options = LoadOptions()
    options.allowCast = true
    let report = try target.setWeights(half, options: options)
    #expect(report.restored.map(\.castFrom) == [.bfloat16, nil])
    #expect(target.weights[0].dtype == .float32)
    // Multiples of 1/8 up to 1 are bfloat16's too.
    #expect(target.weights[0].value == kernel)
    let whole: [TensorName: Tensor] = [
      "m/a/kernel": try kernel.cast(to: .int32), "m/a/bias": try Tensor([1, 2, 3] as [Float]),
    ]
    try expectUnchanged(target, .weightMismatch) {
      try target.setWeights(whole, options: options)
    }
  }

  @Test("By order, whatever the names are")
  func byOrder() throws {
    let source = try ModelTensors(stack(["p", "q"], seed: 1, model: "other"), scope: .weights)
    let target = try stack(["a", "b"], seed: 2)
    try expectUnchanged(target, .weightMismatch) { try target.loadWeights(from: source) }
    var options = LoadOptions()
    options.matching = .order
    let report = try target.loadWeights(from: source, options: options)
    #expect(report.restored.map(\.source.string).first == "other/p/kernel")
    for (index, weight) in target.weights.enumerated() {
      #expect(try weight.value == source.tensor(at: index))
    }
  }

  @Test("By order the order of weights counts, not that of the names; ties count once")
  func byOrderOfWeights() throws {
    let source = try stack(["z", "a"], seed: 1, model: "n")
    try source.layers[1].share("kernel", with: source.layers[0])
    let target = try stack(["one", "two"], seed: 2)
    try target.layers[1].share("kernel", with: target.layers[0])
    var options = LoadOptions()
    options.matching = .order
    let sorted = try ByName(source: ModelTensors(source, scope: .weights))
    #expect(
      try sorted.entries().map(\.name) == ["n/a/bias", "n/a/kernel", "n/z/bias", "n/z/kernel"])
    try target.loadWeights(from: sorted, options: options)
    #expect(target.getWeights() == source.getWeights())
  }

  @Test("Two layers of one shape would load crosswise by order: an error that names both")
  func crosswise() throws {
    let source = try ModelTensors(stack(["b", "a"], seed: 1, model: "other"), scope: .weights)
    let target = try stack(["a", "b"], seed: 2)
    var options = LoadOptions()
    options.matching = .order
    let error = try expectUnchanged(target, .weightMismatch) {
      try target.loadWeights(from: source, options: options)
    }
    #expect(
      try mismatches(error).first == .crossed("other/b/kernel", into: "m/a/kernel"))
    #expect(error?.advice?.contains("allowCrosswise") == true)
    options.allowCrosswise = true
    try target.loadWeights(from: source, options: options)
    #expect(try target.weights[0].value == source.tensor(at: 0))
  }

  @Test("By order too few and too many tensors are said by name")
  func byOrderCounts() throws {
    var options = LoadOptions()
    options.matching = .order
    let short = try ModelTensors(stack(["p"], seed: 1), scope: .weights)
    let long = try ModelTensors(stack(["p", "q"], seed: 1), scope: .weights)
    let (one, two) = (try stack(["a"], seed: 2), try stack(["a", "b"], seed: 2))
    var error = try expectUnchanged(two, .weightMismatch) {
      try two.loadWeights(from: short, options: options)
    }
    #expect(try mismatches(error) == [.missing("m/b/kernel"), .missing("m/b/bias")])
    error = try expectUnchanged(one, .weightMismatch) {
      try one.loadWeights(from: long, options: options)
    }
    #expect(try mismatches(error) == [.unexpected("m/q/kernel"), .unexpected("m/q/bias")])
    #expect(error.flatMap { $0.cause as? WeightMismatchReport }?.unexpected.count == 2)
  }

  @Test("Rules make paths of another program's names, one after the other")
  func rules() throws {
    let mapping: NameMapping = [
      .prefix("bert.", becomes: "m."), .text(".", becomes: "/"),
      .component("weight", becomes: "kernel"), .suffix("/b", becomes: "/bias"),
      .name("m/x/kernel", becomes: "m/a/kernel"),
    ]
    #expect(try mapping("bert.a.weight") == "m/a/kernel")
    #expect(try mapping("bert.x.weight") == "m/a/kernel")
    #expect(try mapping("bert.weights.b") == "m/weights/bias")
    #expect(try mapping("plain") == "plain")
    let target = try stack(["a"], seed: 2)
    var options = LoadOptions()
    options.mapping = mapping
    let (kernel, bias) = (
      try Tensor((0..<9).map { Float($0) }, shape: [3, 3]), try Tensor([1, 2, 3] as [Float])
    )
    let report = try target.setWeights(
      ["bert.a.weight": kernel, "bert.a.b": bias], options: options)
    #expect(report.restored.map(\.source) == ["bert.a.weight", "bert.a.b"])
    #expect(target.getWeights() == [kernel, bias])
  }

  @Test("Two names that become one are an error, and so is a name that becomes none")
  func ambiguousRules() throws {
    let target = try stack(["a"], seed: 2)
    var options = LoadOptions()
    options.mapping = [.text("2", becomes: "")]
    let value = try Tensor([1, 2, 3] as [Float])
    let error = try expectUnchanged(target, .weightMismatch) {
      try target.setWeights(["m/a/bias": value, "m/a/bias2": value], options: options)
    }
    #expect(
      try mismatches(error).contains(
        .ambiguous("m/a/bias", "m/a/bias2", bothBecome: "m/a/bias")))
    options.mapping = [.text("m/a/bias", becomes: "")]
    try expectUnchanged(target, .invalidName) {
      try target.setWeights(["m/a/bias": value], options: options)
    }
  }
}

/// The tensors of a model in the order of their names, as a file has them.
private struct ByName: TensorSource {
  let source: ModelTensors
  private let indices: [Int]

  init(source: ModelTensors) throws {
    self.source = source
    let names = try source.entries().map(\.name)
    indices = names.indices.sorted { names[$0] < names[$1] }
  }

  var count: Int { source.count }
  func entry(at index: Int) throws(CairnError) -> TensorEntry {
    try source.entry(at: indices[index])
  }
  func read(
    at index: Int, from offset: Int, into bytes: inout MutableSpan<UInt8>
  ) throws(CairnError) {
    try source.read(at: indices[index], from: offset, into: &bytes)
  }
}
