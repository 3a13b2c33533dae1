// Files that Keras wrote on its TensorFlow back end, and what it computed with them.
// Fixtures/scripts/make_keras_tensorflow.py makes them.

import Cairn
import CairnTestSupport
import Testing

@Suite("Files of Keras on TensorFlow")
struct KerasTensorFlowTests {
  private static let folder = "\(fixtures)/keras/tensorflow"
  static let names = [
    "multiply", "maximum", "minimum", "normalization", "translation", "attention", "nested",
    "constants", "activations", "compiled", "cells", "pictures", "films", "whole",
  ]

  private func tensors(_ name: String, _ kind: String) throws -> [Tensor] {
    let source = try CheckpointFile.open(
      "\(Self.folder)/expected.safetensors"
    ).source
    var tensors: [Tensor] = []
    while let index = try source.index(of: TensorName("\(name)/\(kind)\(tensors.count)")) {
      tensors.append(try source.tensor(at: index))
    }
    return tensors
  }

  private func check(_ model: Model, _ name: String) throws {
    let outputs = try model.predict(tensors(name, "in"))
    let expected = try tensors(name, "out")
    #expect(!expected.isEmpty && outputs.count == expected.count)
    for (found, keras) in zip(outputs, expected) {
      #expect(found.shape == keras.shape && found.dtype == keras.dtype)
      let x: [Double] = try found.cast(to: .float64).scalars()
      let y: [Double] = try keras.cast(to: .float64).scalars()
      let scale = max(y.map { abs($0) }.max() ?? 0, 1e-30)
      let tolerance = name == "nested" ? 2e-3 : 1e-5
      for (a, b) in zip(x, y) { #expect(abs(a - b) <= tolerance * scale, "\(name): \(a), \(b)") }
    }
  }

  @Test("Predictions are Keras's", arguments: names)
  func predictions(_ name: String) throws {
    let path = "\(Self.folder)/\(name).keras"
    let model = try Model.load(from: path)
    try check(model, name)
    // A clone has the same layers in the same order, which a canonical configuration must not change.
    let clone = try model.cloned(copyingWeights: true)
    try check(clone, name)
    // What the file says of an optimizer that was never built is no part of the architecture.
    #expect(clone.configuration["config"] == model.configuration["config"])
    let text = try model.canonicalConfiguration().text
    let again = try Model.make(
      configuration: Model.parse(configuration: text), initialization: .zeros)
    try again.setWeights(model.getWeights())
    try check(again, name)
  }

  @Test("A merging layer follows the Keras that wrote it")
  func versions() throws {
    let source = try CheckpointFile.open(
      "\(Self.folder)/multiply.keras"
    ).source
    let text = try #require(source.configuration)
    let configuration = try Model.parse(configuration: text)
    let new = try Model.make(
      configuration: configuration, initialization: .zeros, version: KerasVersion(3, 15))
    let old = try Model.make(
      configuration: configuration, initialization: .zeros, version: KerasVersion(3, 0))
    // Kept by what is made of it.
    let kept = try Model.make(configuration: old.configuration, initialization: .zeros)
    let weights = try Model.load(from: "\(Self.folder)/multiply.keras").getWeights()
    for model in [new, old, kept] { try model.setWeights(weights) }
    let inputs = try tensors("multiply", "in")
    #expect(try old.predict(inputs) != new.predict(inputs))
    #expect(try old.predict(inputs) == kept.predict(inputs))
  }

  @Test("An optimizer that was never built is in nobody's way, and its state is said to be fresh")
  func unbuiltOptimizer() throws {
    let model = try Model.load(from: "\(Self.folder)/compiled.keras")
    #expect(model.optimizer?.isBuilt == false && model.optimizerNote == nil)
  }
}
