// Replacing weights: all or nothing, nothing cast, nothing crossed.

import CairnCheckpoints
import CairnModels
import CairnSystem
import CairnTensors
import Testing

@Suite("Replacing weights")
struct SetWeightsTests {
  @Test(
    "A failed set_weights leaves the model half-changed: not here, at whichever weight it fails")
  func failureAtAnyWeightChangesNothing() throws {
    let model = try sampleModel()
    let fresh = try sampleModel(seed: 2).getWeights()
    for index in fresh.indices {
      var wrongShape = fresh
      wrongShape[index] = try Tensor(zeros: .float32, shape: [9, 9, 9])
      let error = try expectUnchanged(model, .shapeMismatch) { try model.setWeights(wrongShape) }
      let place = model.places(.weights)[index]
      #expect(error?.location.name == place.path.joined(separator: "/"))
      #expect(error?.location.index == index)
      #expect(error?.expected == "\(fresh[index].shape)")
      #expect(error?.found == "(9, 9, 9)")
    }
    #expect(fresh.count == 9)
    try model.setWeights(fresh)
    #expect(model.getWeights() == fresh)
  }

  @Test("dtypes are cast in silence: not here")
  func dtypesAreNotCast() throws {
    let model = try sampleModel()
    let fresh = try sampleModel(seed: 2).getWeights()
    for index in fresh.indices {
      var wrong = fresh
      wrong[index] = try Tensor(zeros: .float64, shape: fresh[index].shape)
      let error = try expectUnchanged(model, .dtypeMismatch) { try model.setWeights(wrong) }
      #expect(error?.location.index == index)
      #expect(error?.expected == "float32")
      #expect(error?.found == "float64")
    }
  }

  @Test("Too few and too many weights change nothing", arguments: [0, 1, 8, 10, 100])
  func wrongCount(_ count: Int) throws {
    let model = try sampleModel()
    let tensor = try Tensor(zeros: .float32, shape: [4, 4])
    let error = try expectUnchanged(model, .countMismatch) {
      try model.setWeights(Array(repeating: tensor, count: count))
    }
    #expect(error?.expected == "9 weights")
    #expect(error?.found == "\(count)")
  }

  @Test("A model that is not built says so")
  func unbuilt() throws {
    let model = try Sequential([Dense(2), Dense(3)])
    #expect(model.getWeights().isEmpty)
    let error = expectError(.countMismatch) { try model.setWeights([Tensor([1] as [Float])]) }
    #expect(error?.advice?.contains("build") == true)
  }

  @Test("Assigned tensors are values: writing to them later does not show in the model")
  func assignedTensorsAreValues() throws {
    let model = try Sequential([InputLayer(shape: [2]), Dense(1, usesBias: false)])
    var tensor = try Tensor([1, 2] as [Float], shape: [2, 1])
    try model.setWeights([tensor])
    try tensor.setElement(at: [0, 0], to: Float(9))
    #expect(try model.getWeights()[0].scalars(of: Float.self) == [1, 2])
    var got = model.getWeights()[0]
    try got.setElement(at: [0, 0], to: Float(8))
    #expect(try model.getWeights()[0].scalars(of: Float.self) == [1, 2])
  }
}

@Suite("Loading weights by name")
struct LoadWeightsTests {
  private func named(_ model: Model, _ scope: StateScope = .weights) throws -> NamedTensors {
    try NamedTensors(reading: ModelTensors(model, scope: scope))
  }

  private func report(_ error: CairnError?) throws -> [WeightMismatch] {
    try #require(error?.cause as? WeightMismatchReport).mismatches
  }

  @Test("Two layers of one shape load crosswise without a warning: not here, names decide")
  func namesDecide() throws {
    func model(_ names: [String], seed: UInt64) throws -> Sequential {
      try Sequential(
        [InputLayer(shape: [3])] + names.map { try Dense(3, name: $0) }, name: "m", seed: seed)
    }
    let source = try model(["b", "a"], seed: 1)
    let target = try model(["a", "b"], seed: 2)
    try target.loadWeights(from: ModelTensors(source, scope: .weights))
    for (own, other) in zip(target.layers, source.layers.reversed()) {
      #expect(own.name == other.name)
      #expect(own.getWeights() == other.getWeights())
    }
    let renamed = try model(["x", "b"], seed: 3)
    let error = try expectUnchanged(renamed, .weightMismatch) {
      try renamed.loadWeights(from: ModelTensors(source, scope: .weights))
    }
    #expect(
      try report(error) == [
        .missing("m/x/kernel"), .missing("m/x/bias"), .unexpected("m/a/kernel"),
        .unexpected("m/a/bias"),
      ])
  }

  @Test("All that is wrong is reported, and nothing changes")
  func everythingIsReported() throws {
    let model = try sampleModel()
    var tensors = NamedTensors()
    try tensors.add(Tensor(zeros: .float32, shape: [4, 5]), named: "sample/first/kernel")
    try tensors.add(Tensor(zeros: .float64, shape: [4]), named: "sample/first/bias")
    for place in model.places(.weights).dropFirst(2).dropLast() {
      try tensors.add(place.variable.value, named: place.name())
    }
    try tensors.add(Tensor(zeros: .float32, shape: [1]), named: "stranger")
    let error = try expectUnchanged(model, .weightMismatch) {
      try model.loadWeights(from: tensors)
    }
    #expect(
      try report(error) == [
        .shape("sample/first/kernel", expected: [4, 4], found: [4, 5]),
        .dtype("sample/first/bias", expected: .float32, found: .float64),
        .missing("sample/last/kernel"), .unexpected("stranger"),
      ])
    #expect(error?.location.name == "sample")
  }

  @Test("A long report shows the first few and the number")
  func longReport() throws {
    let model = try sampleModel()
    let error = expectError(.weightMismatch) { try model.loadWeights(from: NamedTensors()) }
    #expect(error?.found?.hasSuffix("and 4 more") == true)
    #expect(try report(error).count == 9)
  }

  @Test("The weights' scope has no seeds, the full state has them in their places")
  func scopes() throws {
    let model = try sampleModel()
    let other = try sampleModel(seed: 5)
    expectError(.weightMismatch) { try other.loadWeights(from: named(model), scope: .fullState) }
    expectError(.weightMismatch) { try other.loadWeights(from: named(model, .fullState)) }
    try other.loadWeights(from: named(model, .fullState), scope: .fullState)
    #expect(other.variables.map(\.value) == model.variables.map(\.value))
    #expect(try other.ties().isEmpty)
  }

  @Test("A dictionary of tensors by path is as good as a source")
  func dictionary() throws {
    let model = try sampleModel()
    let other = try sampleModel(seed: 5)
    var tensors: [TensorName: Tensor] = [:]
    for place in other.places(.weights) { tensors[try place.name()] = place.variable.value }
    try model.setWeights(tensors)
    #expect(model.getWeights() == other.getWeights())
    tensors["sample/first/kernel"] = nil
    try expectUnchanged(model, .weightMismatch) { try model.setWeights(tensors) }
  }

  @Test("What fails half-way through reading changes nothing")
  func readingFails() throws {
    let model = try sampleModel()
    let source = try ModelTensors(sampleModel(seed: 9), scope: .weights)
    for index in 0..<source.count {
      try expectUnchanged(model, .inputOutput) {
        try model.loadWeights(from: FailingSource(source: source, failing: index))
      }
    }
  }

  @Test("Tied names need equal values or an alias")
  func tiedNames() throws {
    func tied() throws -> Sequential {
      let a = try Dense(2, usesBias: false, name: "a")
      let b = try Dense(2, usesBias: false, name: "b")
      let model = try Sequential([InputLayer(shape: [2]), a, b], name: "m")
      try b.share("kernel", with: a)
      return model
    }
    let model = try tied()
    try model.loadWeights(from: ModelTensors(tied(), scope: .weights))
    let (one, other) = (
      try Tensor(repeating: Float(1), shape: [2, 2]),
      try Tensor(repeating: Float(2), shape: [2, 2])
    )
    try model.setWeights(["m/a/kernel": one, "m/b/kernel": one.copied()])
    #expect(model.getWeights() == [one])
    let error = try expectUnchanged(model, .weightMismatch) {
      try model.setWeights(["m/a/kernel": one, "m/b/kernel": other])
    }
    #expect(try report(error) == [.tied("m/b/kernel", to: "m/a/kernel")])
  }
}

/// A source one of whose tensors can't be read.
private struct FailingSource: TensorSource {
  let source: ModelTensors
  let failing: Int

  var count: Int { source.count }
  func entry(at index: Int) throws(CairnError) -> TensorEntry { try source.entry(at: index) }
  func read(
    at index: Int, from offset: Int, into bytes: inout MutableSpan<UInt8>
  ) throws(CairnError) {
    guard index != failing else { throw CairnError(.inputOutput, "the disk is gone") }
    try source.read(at: index, from: offset, into: &bytes)
  }
}
