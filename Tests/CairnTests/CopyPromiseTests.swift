// What a copy promises: the five points of the documentation's page on copies, each road.

import Cairn
import CairnSystem
import CairnTestSupport
import Testing

@Suite struct CopyPromiseTests {
  /// A model with all that copies lose elsewhere: flags, seeds, running statistics, a nested model,
  /// a tie across it.
  private func model() throws -> Sequential {
    let inner = try Sequential(
      [
        InputLayer(shape: [6]), Dense(6, activation: .tanh, name: "encoder"),
        BatchNormalization(name: "norm"),
      ], name: "inner", seed: 2)
    let decoder = try Dense(6, name: "decoder")
    let model = try Sequential(
      [
        InputLayer(shape: [6]), inner, Dropout(0.3, seed: 7, name: "drop"),
        Dense(6, name: "frozen", trainable: false), decoder, Activation(.softmax),
      ], name: "outer", seed: 1)
    try decoder.share("kernel", with: #require(inner.layers.first))
    // Not what initialisers give, so that a fresh model differs everywhere.
    for (number, variable) in model.variables.enumerated() where variable.dtype == .float32 {
      let base = Float(number) + 0.5
      let values: [Float] = (0..<variable.shape.elementCount).map { base + Float($0 % 7) * 0.1 }
      try variable.assign(Tensor(values, shape: variable.shape))
    }
    return model
  }

  private let input = try? Tensor([Float](repeating: 0.25, count: 12), shape: [2, 6])

  @Test func `A deep copy is equal in every bit of the full state`() throws {
    let model = try model()
    let copy = try model.deepCopy()
    let report = try compare(ModelTensors(model), ModelTensors(copy))
    #expect(report.isSame, "\(report.text)")
    #expect(report.comparedCount > 8)
    #expect(try model.predict(#require(input)) == copy.predict(#require(input)))
  }

  @Test func `A deep copy shares neither a variable nor a byte`() throws {
    let model = try model()
    let copy = try model.deepCopy()
    let proof = try proveIndependence(
      of: ModelTensors.live(model), from: ModelTensors.live(copy))
    #expect(proof.isDisjoint, "\(proof.text)")
    #expect(proof.probedCount > 0)
  }

  @Test func `A model is not independent of itself, and of a model that shares a layer`() throws {
    let model = try model()
    let same = try proveIndependence(of: ModelTensors.live(model), from: ModelTensors.live(model))
    #expect(!same.isIndependent)
    let shared = try #require(model.layers.last { $0 is Dense })
    let other = try Sequential([InputLayer(shape: [6]), shared], name: "other")
    let partly = try proveIndependence(of: ModelTensors.live(model), from: ModelTensors.live(other))
    #expect(!partly.isIndependent)
    #expect(!partly.leaks.isEmpty)
  }

  @Test func `A clone with weights set is equal in its weights, and apart from the first write on`()
    throws
  {
    let model = try model()
    let clone = try model.cloned(seed: 99)
    #expect(
      try !compare(ModelTensors(model, scope: .weights), ModelTensors(clone, scope: .weights))
        .isSame)
    try clone.setWeights(model.getWeights())
    let report = try compare(
      ModelTensors(model, scope: .weights), ModelTensors(clone, scope: .weights))
    #expect(report.isSame, "\(report.text)")
    let proof = try proveIndependence(
      of: ModelTensors.live(model, scope: .weights), from: ModelTensors.live(clone, scope: .weights)
    )
    #expect(proof.isIndependent, "\(proof.text)")
    #expect(proof.leaks.isEmpty)
  }

  @Test func `The two roads agree on configuration, names, order, flags, ties and weights`() throws
  {
    let model = try model()
    let deep = try model.deepCopy()
    let clone = try model.cloned(seed: 5)
    try clone.setWeights(model.getWeights())
    #expect(try deep.canonicalConfiguration().text == clone.canonicalConfiguration().text)
    #expect(try deep.canonicalConfiguration().text == model.canonicalConfiguration().text)
    #expect(try deep.ties() == clone.ties())
    #expect(try !deep.ties().isEmpty)
    #expect(deep.variables.map(\.trainable) == model.variables.map(\.trainable))
    #expect(clone.variables.map(\.trainable) == model.variables.map(\.trainable))
    #expect(deep.getWeights() == clone.getWeights())
  }

  @Test func `What was tied stays tied, what was separate stays separate`() throws {
    let copy = try model().deepCopy()
    let tied = try #require(copy.layers.last { $0.name == "decoder" }).variables.first
    let kernel = try #require(tied)
    let inner = try #require(copy.layers.first as? Sequential)
    let encoder = try #require(inner.layers.first { $0.name == "encoder" })
    #expect(encoder.variables.contains { $0 === kernel })
    #expect(copy.variables.filter { $0 === kernel }.count == 1)
    try kernel.assign(Tensor(zeros: .float32, shape: kernel.shape))
    #expect(encoder.variables.contains { $0.value == kernel.value && $0.name == "kernel" })
  }

  @Test(arguments: WriteOptions.Codec.allCases)
  func `A saved model comes back whole`(codec: WriteOptions.Codec) throws {
    let folder = try TestFolder()
    let model = try model()
    var options = WriteOptions()
    options.codec = codec
    var metadata = Metadata()
    metadata["step"] = .int(12)
    try model.save(to: folder.file("m.cairn"), metadata: metadata, options: options)
    let restored = try Model.load(from: folder.file("m.cairn"))
    #expect(restored is Sequential)
    #expect(try compare(ModelTensors(model), ModelTensors(restored)).isSame)
    let container = try Container(path: folder.file("m.cairn"))
    _ = try container.verify(.deep)
    #expect(container.metadata == metadata)
  }

  @Test func `Saving the same state twice gives the same bytes`() throws {
    let folder = try TestFolder()
    let model = try model()
    try model.save(to: folder.file("a.cairn"))
    try Model.load(from: folder.file("a.cairn")).save(to: folder.file("b.cairn"))
    try model.deepCopy().save(to: folder.file("c.cairn"))
    let files = try ["a.cairn", "b.cairn", "c.cairn"].map { name in
      let file = try FileBytes(path: folder.file(name))
      var bytes = [UInt8](repeating: 0, count: file.count)
      var span = bytes.mutableSpan
      try file.read(at: 0, into: &span)
      return bytes
    }
    #expect(files[0] == files[1])
    #expect(files[0] == files[2])
  }

  @Test func `Weights load from a whole model's file and leave other state alone`() throws {
    let folder = try TestFolder()
    let model = try model()
    try model.save(to: folder.file("m.cairn"))
    let other = try model.cloned(seed: 3)
    let seeds = try ModelTensors(other).entries().filter { $0.dtype == .uint32 }.map(\.name)
    #expect(!seeds.isEmpty)
    let before = try seeds.map { try ModelTensors(other).tensor(named: $0) }
    try other.loadWeights(from: folder.file("m.cairn"))
    #expect(other.getWeights() == model.getWeights())
    #expect(try seeds.map { try ModelTensors(other).tensor(named: $0) } == before)
  }

  @Test func `A load that fails leaves the live model as it was`() throws {
    let folder = try TestFolder()
    let model = try model()
    let stranger = try Sequential([InputLayer(shape: [6]), Dense(6)], name: "stranger", seed: 4)
    try stranger.save(to: folder.file("stranger.cairn"))
    try model.save(to: folder.file("m.cairn"))
    let before = model.variables.map(\.value)
    let error = #expect(throws: CairnError.self) {
      try model.loadWeights(from: folder.file("stranger.cairn"))
    }
    #expect(error?.code == .weightMismatch)
    #expect(error?.location.file == folder.file("stranger.cairn"))
    #expect(model.variables.map(\.value) == before)
  }

  @Test func `A file of tensors is no model, and the error says what to do`() throws {
    let folder = try TestFolder()
    try Container.write(
      NamedTensors([("x", Tensor(scalar: Float(1)))]), to: folder.file("x.cairn"))
    let error = #expect(throws: CairnError.self) { try Model.load(from: folder.file("x.cairn")) }
    #expect(error?.code == .noConfiguration)
    #expect(error?.advice != nil)
  }

  @Test func `A model that needs more memory than is allowed is not loaded`() throws {
    let folder = try TestFolder()
    let model = try model()
    try model.save(to: folder.file("m.cairn"))
    let error = #expect(throws: CairnError.self) {
      try Model.load(from: folder.file("m.cairn"), budget: 100)
    }
    #expect(error?.code == .overBudget)
  }

  @Test func `Named tensors copy deeply through the format, ties and all`() throws {
    var tensors = try NamedTensors([("a", Tensor([1, 2, 3] as [Float]))])
    try tensors.addAlias("b", of: "a")
    tensors.metadata["k"] = .string("v")
    let copy = try tensors.deepCopy()
    #expect(try compare(tensors, copy).isSame)
    #expect(try proveIndependence(of: tensors, from: copy).isDisjoint)
  }
}
