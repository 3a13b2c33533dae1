// `cairn info`: what it says of a file, for a person and for a program.

import CairnCheckpoints
import CairnContainer
import CairnJSON
import CairnTensors
import CairnTestSupport
import Testing

@Suite struct InfoTests {
  private let folder: TestFolder

  init() throws { folder = try TestFolder() }

  private func json(_ arguments: String...) async throws -> JSONValue {
    let run = try await cairn(["info", "--json"] + arguments, in: folder)
    run.expectSuccess()
    return try JSONValue(parsing: Array(run.output.utf8))
  }

  @Test func `The text for a container is the golden one`() async throws {
    try folder.writeContainer(Samples.rich(), to: "rich.cairn")
    let run = try await cairn("info", "rich.cairn", in: folder)
    run.expectSuccess()
    try Goldens.check(run.output, "info-container")
  }

  @Test func `The text for safetensors is the golden one`() async throws {
    try folder.writeSafetensors(Samples.plain(), to: "plain.safetensors")
    let run = try await cairn("info", "plain.safetensors", in: folder)
    run.expectSuccess()
    try Goldens.check(run.output, "info-safetensors")
  }

  @Test func `A file without tensors needs no table`() async throws {
    try folder.writeContainer(NamedTensors(), to: "empty.cairn")
    try folder.writeSafetensors(NamedTensors(), to: "empty.safetensors")
    for file in ["empty.cairn", "empty.safetensors"] {
      let run = try await cairn("info", file, in: folder)
      run.expectSuccess()
      #expect(run.output.contains("0 tensors\n"))
      #expect(!run.output.contains("dtype"))
      let value = try await json(file)
      #expect(value["tensors"] == .array([]))
      #expect(value["bytes"] == .integer(0))
    }
  }

  @Test func `A model's optimizer is named, and how far it has come`() async throws {
    var source = NamedTensors()
    source.configuration = Array(
      """
      {"class_name":"Sequential","compile_config":{"optimizer":{"class_name":"Nadam","config":{}}},\
      "config":{"layers":[],"name":"net"}}
      """.utf8)
    try folder.writeContainer(source, to: "compiled.cairn")
    #expect(try await json("compiled.cairn")["optimizer"] == ["class": "Nadam", "steps": .null])
    try source.add(Tensor(scalar: Int32(73)), named: "net/optimizer/Nadam/iteration")
    try folder.writeContainer(source, to: "trained.cairn")
    #expect(try await json("trained.cairn")["optimizer"] == ["class": "Nadam", "steps": 73])
    let run = try await cairn("info", "trained.cairn", in: folder)
    #expect(run.output.contains("optimizer    Nadam, after 73 steps\n"))
    try folder.writeContainer(Samples.rich(), to: "rich.cairn")
    #expect(try await json("rich.cairn")["optimizer"] == .null)
  }

  @Test func `JSON tells what is not kept, as the text does`() async throws {
    try folder.writeSafetensors(Samples.plain(), to: "plain.safetensors")
    #expect(try await json("plain.safetensors")["remarks"] == .array([]))
    let remarks = try await json("\(fixtures)/onnx/nested.onnx")["remarks"]?.arrayValue
    let remark = try #require(remarks?.first?.stringValue)
    #expect(remark.contains("graph"))
    let run = try await cairn("info", "\(fixtures)/onnx/nested.onnx", in: folder)
    #expect(run.output.contains("note         \(remark)"))
  }

  @Test func `JSON has all that was promised, of a container`() async throws {
    try folder.writeContainer(Samples.rich(), to: "rich.cairn")
    let value = try await json("rich.cairn")
    #expect(value["format"] == .string("cairn"))
    #expect(value["version"] == .string("1.0"))
    #expect(value["fileBytes"]?.intValue == (try folder.bytes("rich.cairn").count))
    // 48 · 64 + 64 floats, 2 bfloat16, one int64, 3 bools; 3 strings with 12 bytes of UTF-8. Not
    // the alias.
    let bytes = 4 * (48 * 64 + 64) + 2 * 2 + 8 + 3 + (3 * 8 + 12)
    #expect(value["bytes"]?.intValue == bytes)
    #expect(value["storedBytes"]?.intValue == bytes)
    #expect(value["rootDigest"]?.stringValue?.count == 64)
    #expect(value["hasConfiguration"] == .bool(true))
    #expect(value["blobs"] == [["name": "generator state", "bytes": 3]])
    #expect(value["metadata"]?["format"] == .string("pt"))
    #expect(value["metadata"]?["epoch"] == .integer(3))
    let tensors = try #require(value["tensors"]?.arrayValue)
    #expect(
      tensors.compactMap { $0["name"]?.stringValue } == [
        "dense/kernel", "dense/bias", "norm/scale", "step", "mask", "none", "head/kernel",
        "vocabulary",
      ], "in the order of weights")
    for tensor in tensors {
      for key in ["name", "dtype", "codec", "digest"] {
        #expect(tensor[key]?.stringValue != nil, "\(key)")
      }
      for key in ["bytes", "storedBytes"] { #expect(tensor[key]?.intValue != nil, "\(key)") }
      #expect(tensor["shape"]?.arrayValue != nil)
    }
    #expect(tensors[0]["shape"] == [48, 64])
    #expect(tensors[0]["bytes"] == .integer(12_288))
    #expect(tensors[3]["shape"] == .array([]))
    #expect(tensors[5]["shape"] == [0, 3])
    #expect(tensors[5]["storedBytes"] == .integer(0))
    #expect(tensors[6]["aliasOf"] == .string("dense/kernel"))
    #expect(tensors[6]["codec"] == .string("alias"))
    #expect(tensors[6]["digest"] == tensors[0]["digest"])
    #expect(tensors[0]["aliasOf"] == nil)
  }

  @Test func `JSON has the same of safetensors, as far as the format goes`() async throws {
    try folder.writeSafetensors(Samples.plain(), to: "plain.safetensors")
    let value = try await json("plain.safetensors")
    #expect(value["format"] == .string("safetensors"))
    #expect(value["version"] == .null)
    #expect(value["rootDigest"] == .null)
    #expect(value["metadata"] == ["format": "pt"])
    let tensors = try #require(value["tensors"]?.arrayValue)
    #expect(
      tensors.compactMap { $0["name"]?.stringValue } == [
        "dense/kernel", "dense/bias", "norm/scale", "step", "mask", "none",
      ])
    #expect(tensors.allSatisfy { $0["codec"] == .string("raw") })
    #expect(tensors.allSatisfy { $0["bytes"] == $0["storedBytes"] })
  }

  @Test func `Types are spelt as Keras and NumPy spell them`() async throws {
    var tensors = NamedTensors()
    for dtype in DType.allPlain where dtype != .string {
      try tensors.add(Tensor(zeros: dtype, shape: [8]), named: TensorName("\(dtype)"))
    }
    try folder.writeContainer(tensors, to: "types.cairn")
    let names = try #require(try await json("types.cairn")["tensors"]?.arrayValue)
      .compactMap { $0["dtype"]?.stringValue }
    #expect(
      Set(names) == [
        "bool", "int4", "int8", "int16", "int32", "int64", "uint4", "uint8", "uint16", "uint32",
        "uint64", "float16", "bfloat16", "float32", "float64", "complex64", "complex128",
        "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu",
        "float6_e2m3fn", "float6_e3m2fn", "float4_e2m1fn",
      ])
  }

  @Test func `What is compressed takes less, and the codec says how`() async throws {
    try folder.writeContainer(Samples.plain(), to: "auto.cairn", options: WriteOptions())
    let value = try await json("auto.cairn")
    let kernel = try #require(value["tensors"]?.arrayValue?.first)
    #expect(kernel["codec"] == .string("rotated planes+zlib"))
    let stored = try #require(kernel["storedBytes"]?.intValue)
    #expect(stored < 12_288 && stored > 0)
    #expect(try #require(value["storedBytes"]?.intValue) < #require(value["bytes"]?.intValue))
  }

  @Test func `JSON stays JSON where metadata holds what is no number`() async throws {
    try folder.writeContainer(Samples.rich(), to: "rich.cairn")
    let run = try await cairn("info", "--json", "rich.cairn", in: folder)
    // The parser is the strict one: bare NaN and Infinity are refused.
    let value = try JSONValue(parsing: Array(run.output.utf8))
    #expect(value["metadata"]?["losses"] == [0.5, "nan", "-inf"])
  }

  @Test func `Characters that steer a terminal are shown, not sent`() async throws {
    var tensors = NamedTensors()
    try tensors.add(Tensor(zeros: .uint8, shape: [1]), named: "left\u{202E}right")
    tensors.metadata["key\u{2066}"] = .string("a\u{1B}[31mb\u{9B}31mc\u{202E}d")
    try folder.writeContainer(tensors, to: "odd.cairn")
    let run = try await cairn("info", "odd.cairn", in: folder)
    run.expectSuccess()
    for scalar in ["\u{202E}", "\u{2066}", "\u{9B}", "\u{1B}"] {
      #expect(!run.output.unicodeScalars.contains(scalar.unicodeScalars.first ?? "?"))
    }
    #expect(run.output.contains(#"left\u{202e}right"#))
  }

  @Test func `What cannot be described is a failure`() async throws {
    try folder.makeFolder("folder.cairn")
    try folder.write([], to: "nothing")
    try folder.write(Array("just a text, and long enough".utf8), to: "text")
    try await cairn("info", "absent.cairn", in: folder).expectFailure("notFound")
    try await cairn("info", "folder.cairn", in: folder).expectFailure("notARegularFile")
    try await cairn("info", "nothing", in: folder).expectFailure("unknownFormat")
    try await cairn("info", "text", in: folder).expectFailure("notACheckpoint")
    try await cairn("info", "--from", "cairn", "text", in: folder)
      .expectFailure("notACairnFile", offset: true)
    try await cairn("info", "--from", "pickle", "text", in: folder).expectUsageError()
  }
}
