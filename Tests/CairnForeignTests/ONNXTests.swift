// ONNX initialisers: what the `onnx` package wrote, and models that must be refused.

import CairnCheckpoints
import CairnContainer
import CairnEditing
import CairnForeign
import CairnModelFiles
import CairnSystem
import CairnTensors
import CairnTestSupport
import Foundation
import Testing

@Suite struct ONNXTests {
  private let folder: TestFolder
  init() throws { folder = try TestFolder() }

  @Test(arguments: FormatFixture.all("onnx"))
  func `What made a model is metadata`(fixture: FormatFixture) throws {
    let metadata = try CheckpointFile.open(fixture.path).source.metadata
    #expect(metadata["producer_name"] == .string("fixtures"))
    #expect(metadata["opset.ai.onnx"] == .int(20))
    #expect(metadata["metadata_props.key"] == .string("value"))
  }

  @Test func `That the graph is not kept is said`() throws {
    let nested = try CheckpointFile.open("\(fixtures)/onnx/nested.onnx")
    #expect(nested.remarks.count == 1 && nested.remarks[0].contains("1 nodes"))
    #expect(try CheckpointFile.open("\(fixtures)/onnx/raw.onnx").remarks.isEmpty)
  }

  @Test func `A model is found by its content, whatever its name`() throws {
    let path = folder.file("model")
    try write(contents(of: "\(fixtures)/onnx/raw.onnx"), to: path)
    #expect(try FormatRegistry.standard.detect(path).name == "onnx")
  }

  // MARK: - Hostile models

  private static func varint(_ value: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = value
    repeat {
      bytes.append(UInt8(truncatingIfNeeded: rest & 0x7F) | (rest > 0x7F ? 0x80 : 0))
      rest >>= 7
    } while rest > 0
    return bytes
  }
  private static func number(_ field: UInt64, _ value: UInt64) -> [UInt8] {
    varint(field << 3) + varint(value)
  }
  private static func message(_ field: UInt64, _ body: [UInt8]) -> [UInt8] {
    varint(field << 3 | 2) + varint(UInt64(body.count)) + body
  }
  private static func text(_ field: UInt64, _ text: String) -> [UInt8] {
    message(field, Array(text.utf8))
  }

  /// A model whose graph has that body.
  private static func model(_ graph: [UInt8]) -> [UInt8] { number(1, 9) + message(7, graph) }

  /// A model of one initialiser: float32, two elements, raw, with parts replaced.
  private static func tensor(
    dims: [UInt64] = [2], type: UInt64 = 1, name: String = "a", data: [UInt8]? = nil,
    more: [UInt8] = []
  ) -> [UInt8] {
    let data = data ?? message(9, [UInt8](repeating: 1, count: 8))
    return message(
      5, dims.flatMap { number(1, $0) } + number(2, type) + data + text(8, name) + more)
  }

  private static func external(_ entries: [(String, String)]) -> [UInt8] {
    entries.flatMap { message(13, text(1, $0.0) + text(2, $0.1)) } + number(14, 1)
  }

  static let hostile: [(String, [UInt8], String)] = [
    ("no graph", number(1, 9), "invalidHeader"),
    ("two graphs", model([]) + message(7, []), "invalidHeader"),
    ("a length beyond the end", number(1, 9) + varint(7 << 3 | 2) + varint(1 << 40), "truncated"),
    ("a length beyond 2^63", number(1, 9) + varint(7 << 3 | 2) + varint(.max), "truncated"),
    ("an inner length beyond its message", model(varint(5 << 3 | 2) + varint(9)), "truncated"),
    ("a number of 11 bytes", [UInt8](repeating: 0x80, count: 11), "invalidHeader"),
    ("field number 0", number(1, 9) + [0, 0], "invalidHeader"),
    ("a group", number(1, 9) + varint(2 << 3 | 3), "invalidHeader"),
    ("a negative dimension", model(tensor(dims: [.max])), "invalidShape"),
    ("a dimension beyond 2^48", model(tensor(dims: [1 << 60])), "invalidShape"),
    ("a product beyond 2^63", model(tensor(dims: [1 << 40, 1 << 40])), "invalidShape"),
    ("too few bytes", model(tensor(dims: [3])), "sizeMismatch"),
    ("too many bytes", model(tensor(dims: [1])), "sizeMismatch"),
    ("no bytes", model(tensor(data: [])), "sizeMismatch"),
    ("raw and typed", model(tensor(more: message(4, [0, 0, 0, 0]))), "invalidHeader"),
    ("raw twice", model(tensor(more: message(9, [0, 0, 0, 0]))), "invalidHeader"),
    ("floats in the field of integers", model(tensor(data: message(5, [1, 2]))), "invalidHeader"),
    ("a bool of 2", model(tensor(dims: [1], type: 9, data: message(5, [2]))), "invalidElement"),
    ("one name twice", model(tensor() + tensor()), "duplicateName"),
    ("external data without a place", model(tensor(data: external([]))), "invalidHeader"),
    (
      "external data that go up", model(tensor(data: external([("location", "../x")]))),
      "invalidPath"
    ),
    (
      "external data that go up within",
      model(tensor(data: external([("location", "a/../../x")]))), "invalidPath"
    ),
    (
      "external data at an absolute path",
      model(tensor(data: external([("location", "/etc/passwd")]))), "invalidPath"
    ),
    (
      "external data with backslashes",
      model(tensor(data: external([("location", "..\\x")]))), "invalidPath"
    ),
    ("external data nowhere", model(tensor(data: external([("location", "")]))), "invalidPath"),
    (
      "external data that are not there",
      model(tensor(data: external([("location", "absent")]))), "missingFile"
    ),
    (
      "external data behind a link that leads out",
      model(tensor(data: external([("location", "link")]))), "invalidPath"
    ),
    (
      "external data behind a folder that is a link",
      model(tensor(data: external([("location", "up/secret")]))), "invalidPath"
    ),
    (
      "external data beyond their file",
      model(tensor(data: external([("location", "here"), ("offset", "12")]))), "truncated"
    ),
    (
      "external data at a negative offset",
      model(tensor(data: external([("location", "here"), ("offset", "-8")]))), "invalidHeader"
    ),
    (
      "external data of another length",
      model(tensor(data: external([("location", "here"), ("length", "4")]))), "sizeMismatch"
    ),
    (
      "external data in two places",
      model(tensor(data: external([("location", "here"), ("location", "x")]))), "invalidHeader"
    ),
  ]

  @Test(arguments: hostile)
  func `A hostile model is refused`(what: String, bytes: [UInt8], code: String) throws {
    let home = folder.file("home")
    try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
    try write([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], to: folder.file("secret"))
    try write([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], to: home + "/here")
    try folder.link("home/link", to: folder.file("secret"))
    try folder.link("home/up", to: folder.path)
    let path = home + "/model.onnx"
    try write(bytes, to: path)
    let error = refusal(of: path)
    #expect(error?.code.name == code, "\(what): \(String(describing: error))")
    #expect(error?.location.file != nil, "\(what)")
  }

  @Test func `Models put together by hand, and external data beside them, are read`() throws {
    let path = folder.file("model.onnx")
    try write(Self.model(Self.tensor()), to: path)
    #expect(refusal(of: path) == nil)
    try write([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], to: folder.file("here"))
    for location in ["here", "./here"] {
      let entries = [("location", location), ("offset", "4"), ("length", "8")]
      try write(Self.model(Self.tensor(data: Self.external(entries))), to: path)
      #expect(try CheckpointFile.open(path).source.tensor(named: "a").bytes == Array(5...12))
    }
  }

  @Test(arguments: [
    ("an unknown type", tensor(type: 99)), ("no type", tensor(type: 0)),
    ("too many dimensions", tensor(dims: [UInt64](repeating: 1, count: 33))),
    ("no name", tensor(name: "")), ("a name of a control character", tensor(name: "a\u{1}")),
    ("a name that is too long", tensor(name: String(repeating: "n", count: 2_000))),
    ("segments", tensor(more: message(3, []))), ("a sparse tensor of nothing", message(15, [])),
  ])
  func `What is odd is named, and hides nothing`(what: String, bytes: [UInt8]) throws {
    let path = folder.file("odd.onnx")
    try write(Self.model(bytes + Self.tensor(name: "whole")), to: path)
    let file = try CheckpointFile.open(path)
    #expect(try file.source.entries().map(\.name).contains("whole"), "\(what)")
    if !what.contains("sparse") { #expect(file.opaqueItems.count == 1, "\(what)") }
    try file.verify(.deep)
    // Written only where the loss is accepted, or what is odd was left out.
    let target = folder.file("odd.cairn")
    if !file.opaqueItems.isEmpty {
      var refusing = try CheckpointFormat.cairn.writer(to: target)
      let error = #expect(throws: CairnError.self) { try refusing.write(file.source) }
      #expect(error?.code == .cannotHold)
    }
    var edited = try EditedTensors(file.source)
    try edited.select(including: [NamePattern("whole")])
    var sink = try CheckpointFormat.cairn.writer(to: target)
    try sink.write(edited)
    #expect(try CheckpointFile.open(target).source.count == 1)
  }

  // MARK: - Bombs

  @Test func `Thousands of tensors of one range of external data are refused`() throws {
    try write([UInt8](repeating: 1, count: 1 << 20), to: folder.file("big.bin"))
    func model(_ count: Int) -> [UInt8] {
      let data = Self.external([("location", "big.bin")])
      return Self.model(
        (0..<count).flatMap { Self.tensor(dims: [1 << 18], name: "t\($0)", data: data) })
    }
    let path = folder.file("many.onnx")
    try write(model(3_000), to: path)
    #expect(refusal(of: path)?.code == .overBudget)
    // Tied weights share their bytes, and that is no bomb.
    try write(model(8), to: path)
    #expect(try CheckpointFile.open(path).source.count == 8)
  }

  @Test func `Paths are counted, however often they are the prefix of a name`() throws {
    let graph = (0..<100_000).flatMap {
      Self.message(5, Self.number(1, 0) + Self.number(2, 1) + Self.text(8, "\($0)"))
    }
    let node =
      Self.text(3, String(repeating: "n", count: 1_000))
      + Self.message(5, Self.text(1, "g") + Self.message(6, graph))
    let path = folder.file("prefix.onnx")
    try write(Self.model(Self.message(1, node)), to: path)
    #expect(refusal(of: path)?.code == .overBudget)
  }

  @Test func `Graphs nested too deep are refused`() throws {
    var graph: [UInt8] = []
    for _ in 0..<40 { graph = Self.message(1, Self.message(5, Self.message(6, graph))) }
    let path = folder.file("deep.onnx")
    try write(Self.model(graph), to: path)
    #expect(refusal(of: path)?.code == .limitExceeded)
  }

  @Test func `A flipped byte, or a cut, never traps`() throws {
    let path = folder.file("flipped.onnx")
    for name in ["typed", "nested"] {
      let whole = try contents(of: "\(fixtures)/onnx/\(name).onnx")
      for place in whole.indices {
        var bytes = whole
        bytes[place] ^= 0x91
        try write(bytes, to: path)
        _ = refusal(of: path, format: .onnx)
        try write(Array(whole[..<place]), to: path)
        _ = refusal(of: path, format: .onnx)
      }
    }
  }

  // MARK: - Every place

  static let more = FormatFixture.all("onnx_more")

  @Test(arguments: more)
  func `Every place and every type is read as the package reads it`(fixture: FormatFixture) throws {
    let file = try CheckpointFile.open(fixture.path)
    #expect(file.opaqueItems.isEmpty)
    try file.verify(.deep)
    let found = Set(try file.source.entries().map(\.name.string))
    #expect(found == Set(fixture.tensors.map(\.name)))
    for expected in fixture.tensors {
      let tensor = try file.source.tensor(named: TensorName(expected.name))
      #expect(tensor.dtype.name == expected.dtype, "\(expected.name)")
      #expect(tensor.shape.dimensions == expected.shape, "\(expected.name)")
      #expect(tensor.bytes.hexDigits == expected.hex, "\(expected.name)")
    }
  }

  @Test func `Every further fixture is there`() { #expect(Self.more.count == 4) }

  @Test func `The SHA-1 of external data is checked, ahead of the first byte and by verify`() throws
  {
    let file = try CheckpointFile.open("\(fixtures)/onnx_more/wrong_checksum.onnx")
    #expect(file.source.count == 1)
    let reading = #expect(throws: CairnError.self) { try file.source.tensor(at: 0) }
    #expect(reading?.code == .checksumMismatch)
    let checking = #expect(throws: CairnError.self) { try file.verify(.structure) }
    #expect(checking?.code == .checksumMismatch)
    let right = try CheckpointFile.open("\(fixtures)/onnx_more/checksum.onnx")
    try right.verify(.structure)
  }

  @Test func `What is odd in a model of the package's is named`() throws {
    let file = try CheckpointFile.open("\(fixtures)/onnx_more/odd.onnx")
    #expect(try file.source.entries().map(\.name) == ["w"])
    #expect(file.opaqueItems.map(\.pathText) == ["x", "", "metadata_props.k"])
    #expect(file.source.metadata["metadata_props.k"] == .string("first"))
  }

  @Test func `Files whose names differ in their normal form alone are two`() throws {
    let names = ["\u{E9}.bin", "e\u{301}.bin"]
    for (number, name) in names.enumerated() {
      try write([UInt8](repeating: UInt8(number + 1), count: 8), to: folder.file(name))
    }
    let tensors = names.enumerated().flatMap {
      Self.tensor(name: "t\($0)", data: Self.external([("location", $1)]))
    }
    let path = folder.file("forms.onnx")
    try write(Self.model(tensors), to: path)
    let source = try CheckpointFile.open(path).source
    for number in 0...1 {
      let tensor = try source.tensor(named: TensorName("t\(number)"))
      #expect(tensor.bytes == [UInt8](repeating: UInt8(number + 1), count: 8))
    }
  }
}
