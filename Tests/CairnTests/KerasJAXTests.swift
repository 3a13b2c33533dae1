// Files that Keras wrote on its JAX back end, which has no types of 64 bits by default, and what Keras on
// TensorFlow computes with them. Fixtures/scripts/make_keras_jax.py makes them.

import Cairn
import CairnTestSupport
import Testing

@Suite("Files of Keras on JAX")
struct KerasJAXTests {
  private static let folder = "\(fixtures)/keras/jax"

  private func tensors(_ name: String) throws -> [Tensor] {
    let source = try CheckpointFile.open("\(Self.folder)/expected.safetensors").source
    var tensors: [Tensor] = []
    while let index = try source.index(of: TensorName("\(name)\(tensors.count)")) {
      tensors.append(try source.tensor(at: index))
    }
    return tensors
  }

  private func check(_ model: Model, _ name: String, tolerance: Double) throws {
    let inputs = try zip(tensors("\(name)/in"), model.inputDTypes).map { try $0.cast(to: $1) }
    let found: [Double] = try model.predict(inputs)[0].cast(to: .float64).scalars()
    let expected = try #require(try tensors("\(name)/out").first)
    let keras: [Double] = try expected.cast(to: .float64).scalars()
    #expect(found.count == keras.count && !keras.isEmpty)
    for (a, b) in zip(found, keras) { #expect(abs(a - b) <= tolerance, "\(name): \(a), \(b)") }
  }

  @Test(
    "Predictions are those of Keras on TensorFlow",
    arguments: [("float64", 1e-12), ("tower", 1.0 / 128), ("weightless", 1e-6)])
  func predictions(_ name: String, _ tolerance: Double) throws {
    let path = "\(Self.folder)/\(name).keras"
    let model = try Model.load(from: path)
    try check(model, name, tolerance: tolerance)
    try check(model.cloned(copyingWeights: true), name, tolerance: tolerance)
    // Through a container, which has the tensors as they are in the file, and Keras's form again.
    let folder = try TestFolder()
    let source = try CheckpointFile.open(path).source
    try Container.write(source, to: folder.file("m.cairn"))
    let container = try CheckpointFile.open(folder.file("m.cairn")).source
    #expect(try container.hasKerasNames)
    try check(Model.restored(fromKeras: container), name, tolerance: tolerance)
    try model.save(to: folder.file("m.keras"))
    try check(Model.load(from: folder.file("m.keras")), name, tolerance: tolerance)
  }

  @Test("What would lose digits in a variable's type is refused")
  func narrower() throws {
    let model = try Sequential([InputLayer(shape: [1]), Dense(1)])
    var tensors = NamedTensors()
    try tensors.add(
      Tensor([0.1] as [Double], shape: [1, 1]), named: "layers/dense/vars/0")
    try tensors.add(Tensor([0.5] as [Double]), named: "layers/dense/vars/1")
    let error = #expect(throws: CairnError.self) { try model.loadKerasWeights(from: tensors) }
    #expect(error?.code == .weightMismatch)
  }
}
