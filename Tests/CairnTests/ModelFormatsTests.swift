// Models in files of any format: the content decides on the way in, the extension on the way out.

import Cairn
import CairnSystem
import CairnTestSupport
import Foundation
import Testing

@Suite struct ModelFormatsTests {
  private let folder: TestFolder

  init() throws { folder = try TestFolder() }

  private func model() throws -> Model {
    try Sequential([
      InputLayer(shape: [4]), Dense(3, activation: .relu), Dense(2),
    ])
  }

  @Test(arguments: ["m.cairn", "m.keras"])
  func `A model comes back from every format that holds models`(name: String) throws {
    let saved = try model()
    try saved.save(to: folder.file(name))
    let loaded = try Model.load(from: folder.file(name))
    #expect(loaded.getWeights() == saved.getWeights())
    // The content decides, not the name.
    try FileManager.default.copyItem(
      atPath: folder.file(name), toPath: folder.file("other.bin"))
    #expect(try Model.load(from: folder.file("other.bin")).getWeights() == saved.getWeights())
  }

  @Test
  func `A format without a place for a model says so, and writes what is left if that is accepted`()
    throws
  {
    let saved = try model()
    let path = folder.file("m.safetensors")
    let refusal = #expect(throws: CairnError.self) { try saved.save(to: path) }
    #expect(refusal?.code == .cannotHold)
    #expect(refusal?.message.contains("configuration") == true)
    #expect(throws: CairnError.self) { try FileBytes(path: path) }
    try saved.save(to: path, accepting: [.configuration, .metadataTypes])
    let file = try CheckpointFile.open(path)
    #expect(file.formatName == "safetensors" && file.source.count == 4)
    let other = try model()
    try other.loadWeights(from: path)
    #expect(other.getWeights() == saved.getWeights())
    let missing = #expect(throws: CairnError.self) { try Model.load(from: path) }
    #expect(missing?.code == .noConfiguration)
  }

  @Test func `Weights in Keras's file make the model with its configuration`() throws {
    let saved = try model()
    try saved.save(to: folder.file("m.weights.h5"))
    let weights = try CheckpointFile.open(folder.file("m.weights.h5")).source
    let made = try Model.load(from: weights, configuration: saved.canonicalConfiguration().text)
    #expect(made.getWeights() == saved.getWeights())
  }

  @Test(arguments: ["m.weights.h5", "m.safetensors"])
  func `A budget bounds the tensors wherever the configuration stands`(name: String) throws {
    let saved = try model()
    try saved.save(to: folder.file(name), accepting: [.configuration, .metadataTypes])
    let weights = try CheckpointFile.open(folder.file(name)).source
    let text = try saved.canonicalConfiguration().text
    // 4 × 3 + 3 + 3 × 2 + 2 numbers of 4 bytes.
    #expect(
      try Model.load(from: weights, configuration: text, budget: 92).getWeights()
        == saved.getWeights())
    let error = #expect(throws: CairnError.self) {
      try Model.load(from: weights, configuration: text, budget: 91)
    }
    #expect(error?.code == .overBudget)
  }

  @Test func `An extension that is none asks for a format`() throws {
    let saved = try model()
    let refusal = #expect(throws: CairnError.self) { try saved.save(to: folder.file("m.model")) }
    #expect(refusal?.code == .unknownFormat)
    try saved.save(to: folder.file("m.model"), format: .cairn)
    #expect(try Model.load(from: folder.file("m.model")).getWeights() == saved.getWeights())
  }
}
