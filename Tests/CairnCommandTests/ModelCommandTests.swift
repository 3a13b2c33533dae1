// Models at the shell: Keras's files joined and taken apart, predictions, clones, the table of layers.

import CairnCheckpoints
import CairnForeign
import CairnGoldens
import CairnJSON
import CairnModelFiles
import CairnSystem
import CairnTensors
import CairnTestSupport
import Foundation
import Testing

@Suite struct ModelCommandTests {
  private let folder: TestFolder

  init() throws { folder = try TestFolder() }

  private func digits() async throws {
    try await cairn(
      "convert", "--config", fixtures + "/digits/model.json",
      fixtures + "/digits/weights.safetensors", "digits.cairn", in: folder
    ).expectSuccess()
  }

  private func arrays(_ name: String) throws -> [Tensor] {
    let source = try CheckpointFile.open(folder.file(name)).source
    return try source.tensors(at: source.indicesInWeightOrder())
  }

  @Test func `All golden models are there`() throws {
    #expect(try GoldenModel.read("models").count == 7)
    #expect(try GoldenModel.read("float64", "tensors").count == 2)
  }

  @Test(arguments: ["mixed.keras", "mixed.h5"])
  func `A file of Keras's is the same model once it is converted`(file: String) async throws {
    let predictions = URL(fileURLWithPath: "\(fixtures)/hdf5/predictions.json")
    let root = try JSONValue(parsing: Array(Data(contentsOf: predictions)))
    func numbers(_ key: String) throws -> [Float] {
      try #require(root[key]?.arrayValue).compactMap { $0.doubleValue.map { Float($0) } }
    }
    var sink = try CheckpointFormat.npy.writer(to: folder.file("x.npy"), accepting: .names)
    let inputs = try NamedTensors([("x", Tensor(numbers("inputs"), shape: [2, 6, 3]))])
    try sink.write(inputs) { (_) throws(CairnError) in }
    try await cairn("convert", "\(fixtures)/hdf5/\(file)", "m.cairn", in: folder).expectSuccess()
    try await cairn(
      "predict", "m.cairn", "--input", "x.npy", "--output", "y.npy", in: folder
    ).expectSuccess()
    let found = try arrays("y.npy")[0].scalars(of: Float.self)
    let expected = try numbers("outputs")
    #expect(found.count == 4 && expected.count == 4)
    for (a, b) in zip(found, expected) { #expect(abs(a - b) < 1e-5) }
  }

  @Test(arguments: GoldenModel.functional + GoldenModel.doubles)
  func `Keras's two files become one model that predicts as Keras, and come apart again`(
    _ model: GoldenModel
  ) async throws {
    try model.write(to: folder)
    try await cairn(
      "convert", "--config", "config.json", "weights.safetensors", "m.cairn", in: folder
    ).expectSuccess()
    let inputs = model.inputNames.flatMap { ["--input", "\($0)=\($0).npy"] }
    let run = try await cairn(
      ["predict", "m.cairn", "--output", "out.npz"] + inputs, in: folder)
    run.expectSuccess()
    let found = try arrays("out.npz")
    #expect(found.map(\.shape) == model.outputs.map(\.shape))
    #expect(found.map(\.dtype) == model.outputs.map(\.dtype))
    for (mine, keras) in zip(found, model.outputs) {
      let a = try mine.cast(to: .float64).scalars(of: Double.self)
      let b = try keras.cast(to: .float64).scalars(of: Double.self)
      let scale = b.map { abs($0) }.max() ?? 0
      // The one that is in float64 throughout.
      let tolerance = model.name == "whole" ? 1e-12 : 2e-5
      #expect(zip(a, b).allSatisfy { abs($0 - $1) <= tolerance * scale })
    }
    let back = try await cairn(
      "convert", "--write-config", "back.json", "m.cairn", "back.safetensors", in: folder)
    back.expectSuccess()
    #expect(try JSONValue(parsing: folder.bytes("back.json")) == model.configuration)
    let tensors = try CheckpointFile.open(folder.file("back.safetensors")).source
    // Seeds of recurrent layers are no weights.
    for entry in try tensors.entries() where entry.dtype != .uint32 {
      let ends = try model.namedWeights().entries().filter {
        entry.name.string.hasSuffix("/" + $0.name.string)
      }
      #expect(ends.count == 1)
      if let end = ends.first {
        #expect(
          try tensors.tensor(named: entry.name) == model.namedWeights().tensor(named: end.name))
      }
    }
  }

  @Test func `A clone has the weights, and says what is fresh`() async throws {
    let model = try #require(GoldenModel.functional.first { $0.name == "sequence" })
    try model.write(to: folder)
    try await cairn(
      "convert", "--config", "config.json", "weights.safetensors", "m.cairn", in: folder
    ).expectSuccess()
    let run = try await cairn("clone", "--seed", "5", "m.cairn", "clone.cairn", in: folder)
    run.expectSuccess()
    #expect(
      run.output.hasPrefix(
        "clone.cairn: 12 weights equal to m.cairn in every bit; fresh: sequence/"))
    let diff = try await cairn("diff", "m.cairn", "clone.cairn", in: folder)
    #expect(diff.status == 1)
    let lines = diff.output.split(separator: "\n").dropLast()
    #expect(lines.count == 3)
    #expect(lines.allSatisfy { $0.contains("seed_generator_state") })
    // A deep copy has that too.
    try await cairn("copy", "m.cairn", "copy.cairn", in: folder).expectSuccess()
    try await cairn("diff", "m.cairn", "copy.cairn", in: folder).expectSuccess()
  }

  @Test func `A fresh clone is another model each time, and of one seed always the same`()
    async throws
  {
    try await digits()
    for (name, seed) in [("a", "7"), ("b", "7"), ("c", "8")] {
      let run = try await cairn(
        "clone", "--fresh", "--seed", seed, "--json", "digits.cairn", "\(name).cairn", in: folder)
      run.expectSuccess()
      let report = try JSONValue(parsing: Array(run.output.utf8))
      #expect(report["weights"]?.intValue == 10)
      #expect(report["equal"]?.boolValue == false)
      #expect(report["fresh"]?.arrayValue?.count == 11)
    }
    #expect(try folder.bytes("a.cairn") == folder.bytes("b.cairn"))
    #expect(try await cairn("diff", "--quiet", "a.cairn", "c.cairn", in: folder).status == 1)
  }

  @Test func `One input and one output need no names, and integers become the input's type`()
    async throws
  {
    let model = try #require(GoldenModel.functional.first { $0.name == "transformer" })
    try model.write(to: folder)
    var sink = try CheckpointFormat.npy.writer(to: folder.file("wide.npy"), accepting: .names)
    try sink.write(NamedTensors([("x", model.inputs[0].cast(to: .int64))])) { _ in }
    for input in ["tokens.npy", "wide.npy"] {
      let run = try await cairn(
        "predict", "--config", "config.json", "weights.safetensors", "--input", input, "--output",
        "\(input).out.npy", "--threads", "1", "--json", in: folder)
      run.expectSuccess()
      let report = try JSONValue(parsing: Array(run.output.utf8))
      #expect(report["model"]?.stringValue == "transformer")
      #expect(report["inputs"]?.arrayValue?.first?["name"]?.stringValue == "tokens")
      #expect(report["outputs"]?.arrayValue?.first?["name"]?.stringValue == "logits")
      #expect(
        report["outputs"]?.arrayValue?.first?["shape"]?.arrayValue?.compactMap(\.intValue)
          == model.outputs[0].shape.dimensions)
    }
    #expect(try arrays("tokens.npy.out.npy") == arrays("wide.npy.out.npy"))
  }

  @Test func `Wrong inputs and outputs are said by name`() async throws {
    let model = try #require(GoldenModel.functional.first { $0.name == "shared_encoder" })
    try model.write(to: folder)
    try await cairn(
      "convert", "--config", "config.json", "weights.safetensors", "m.cairn", in: folder
    ).expectSuccess()
    func predict(_ arguments: [String], to output: String = "y.npz") async throws -> CommandRun {
      try await cairn(["predict", "m.cairn", "--output", output] + arguments, in: folder)
    }
    let both = ["--input", "left=left.npy", "--input", "right=right.npy"]
    try await predict(["--input", "left.npy"]).expectFailure("invalidArgument")
    try await predict(["--input", "lefft=left.npy"]).expectFailure("invalidArgument")
    try await predict(both + ["--input", "left.npy"]).expectFailure("invalidArgument")
    try await predict(both + ["--input", "left=left.npy"]).expectFailure("invalidArgument")
    try await predict(["--input", "left=absent.npy"]).expectFailure("notFound")
    // Two outputs don't go into one array.
    try await predict(both, to: "y.npy").expectFailure("cannotHold")
    try await predict(both, to: "y.h5x").expectFailure("unknownFormat")
    try await predict([]).expectUsageError()
    #expect(try !folder.names().contains { $0.hasPrefix("y.") })
    try await predict(both).expectSuccess()
    let names = try CheckpointFile.open(folder.file("y.npz")).source.entries().map(\.name.string)
    #expect(Set(names) == ["same", "score"])
  }

  @Test func `What is no model is a failure`() async throws {
    try folder.writeContainer(Samples.plain(), to: "plain.cairn")
    try await cairn("clone", "plain.cairn", "x.cairn", in: folder).expectFailure("noConfiguration")
    try await cairn(
      "convert", "--write-config", "c.json", "plain.cairn", "x.safetensors", in: folder
    ).expectFailure("noConfiguration")
    try await cairn(
      "convert", "--config", fixtures + "/digits/model.json", "plain.cairn", "x.cairn", in: folder
    ).expectFailure("weightMismatch")
    try folder.write(Array("{".utf8), to: "broken.json")
    try await cairn(
      "convert", "--config", "broken.json", "plain.cairn", "x.cairn", in: folder
    ).expectFailure("invalidConfiguration", offset: true)
    try await digits()
    try await cairn("clone", "digits.cairn", "x.npz", in: folder).expectFailure("cannotHold")
    #expect(try Set(folder.names()) == ["plain.cairn", "broken.json", "digits.cairn"])
  }

  @Test func `The table of layers has every golden row, within tolerance`() async throws {
    let run = try await cairn("models", "--json", fixtures + "/keras/layers", in: folder)
    run.expectSuccess()
    let report = try JSONValue(parsing: Array(run.output.utf8))
    #expect(report["count"]?.intValue == report["within"]?.intValue)
    #expect(try #require(report["count"]?.intValue) >= 480)
    let text = try await cairn("models", fixtures + "/keras/layers", in: folder)
    text.expectSuccess()
    #expect(text.output.contains("rows of 76 classes"))
    let classes = try await cairn("models", in: folder)
    #expect(Set(classes.output.split(separator: "\n")).isSuperset(of: ["Conv2D", "LSTM"]))
  }

  @Test func `A row beyond its tolerance is said, with exit status 1`() async throws {
    try folder.write(Array(#"["Flatten"]"#.utf8), to: "index.json")
    for file in ["Flatten.json", "Flatten.safetensors"] {
      try folder.write(folder.bytes(fixtures + "/keras/layers/" + file), to: file)
    }
    var text = String(decoding: try folder.bytes("Flatten.json"), as: UTF8.self)
    let outputs = text.ranges(of: "/output.0\"")
    #expect(outputs.count > 1)
    text.replaceSubrange(outputs[0], with: "/arg.0\"")
    try folder.write(Array(text.utf8), to: "Flatten.json")
    let run = try await cairn("models", ".", in: folder)
    #expect(run.status == 1)
    #expect(run.output.contains("BEYOND"))
    try await cairn("models", "absent", in: folder).expectFailure("notFound")
  }
}
