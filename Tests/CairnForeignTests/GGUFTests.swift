// GGUF: what the `gguf` package wrote, its dequantised floats, and files that must be refused.

import CairnCheckpoints
import CairnContainer
import CairnForeign
import CairnJSON
import CairnModelFiles
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@Suite struct GGUFTests {
  static let readable = FormatFixture.all("gguf")

  @Test(arguments: readable)
  func `Typed metadata are kept`(fixture: FormatFixture) throws {
    let file = try CheckpointFile.open(fixture.path)
    #expect(file.version == (fixture.file.hasPrefix("version_2") ? "2" : "3"))
    let metadata = file.source.metadata
    for (key, expected) in fixture.metadata {
      let value = try #require(metadata[try TensorName(key)], "\(key)")
      switch value {
      case .bool(let found): #expect(expected.boolValue == found)
      case .int(let found): #expect(expected == .integer(found))
      case .uint(let found): #expect(expected.doubleValue == Double(found), "\(key)")
      case .float(let found): #expect(expected.doubleValue == found)
      case .string(let found): #expect(expected.stringValue == found)
      case .ints(let found):
        #expect(expected.arrayValue?.compactMap(\.intValue) == found.map(Int.init))
      case .floats(let found): #expect(expected.arrayValue?.compactMap(\.doubleValue) == found)
      case .strings(let found): #expect(expected.arrayValue?.compactMap(\.stringValue) == found)
      case .bools(let found): #expect(expected.arrayValue?.compactMap(\.boolValue) == found)
      default: Issue.record("\(key) is \(value)")
      }
    }
    #expect(metadata["t.uint64"] == .uint(1 << 63 + 1))
    #expect(metadata["t.int8"] == .int(-100) && metadata["t.uint8"] == .uint(200))
  }

  @Test(arguments: readable)
  func `Dequantised floats have the package's bits`(fixture: FormatFixture) throws {
    let root = try JSONValue(parsing: contents(of: "\(fixtures)/gguf/expected.json"))
    let tensors = try #require(root["files"]?[fixture.file]?["tensors"]?.arrayValue)
    let base = try CheckpointFile.open(fixture.path).source
    let source = try DequantizedSource(base)
    var compared = 0
    for tensor in tensors {
      let name = try TensorName(#require(tensor["name"]?.stringValue))
      let index = try #require(try source.index(of: name))
      guard let floats = tensor["floats"]?.stringValue else {
        #expect(try source.tensor(at: index) == base.tensor(at: index))
        continue
      }
      let entry = try source.entry(at: index)
      #expect(entry.dtype == .float32)
      #expect(try source.tensor(at: index).bytes.hexDigits == floats, "\(name)")
      // A part that begins and ends within blocks and elements.
      var part = [UInt8](repeating: 0, count: 131)
      var span = part.mutableSpan
      try source.read(at: index, from: 57, into: &span)
      #expect(part.hexDigits == String(floats.dropFirst(114).prefix(262)), "\(name)")
      compared += 1
    }
    #expect(compared == 12)
  }

  @Test func `Blocks of unknown arithmetic are kept, and named when they are to be floats`() throws
  {
    let block = try #require(QuantizedBlock(typeID: 15, elementCount: 256, byteCount: 292))
    var tensors = NamedTensors()
    try tensors.add(
      Tensor(dtype: .quantized(block), shape: [256], bytes: [UInt8](repeating: 1, count: 292)),
      named: "iq")
    let error = #expect(throws: CairnError.self) { try DequantizedSource(tensors) }
    #expect(error?.code == .noConversion && error?.found == "Q8_K")
  }

  // MARK: - Hostile files

  private static func le<T: FixedWidthInteger>(_ value: T) -> [UInt8] { ZipForge.le(value) }
  private static func text(_ text: String) -> [UInt8] {
    le(UInt64(text.utf8.count)) + Array(text.utf8)
  }

  /// A file of one float32 tensor of four elements, with parts replaced.
  private static func file(
    magic: String = "GGUF", version: UInt32 = 3, tensors: UInt64 = 1, pairs: UInt64 = 0,
    pair: [UInt8] = [], name: String = "a", rank: UInt32 = 1, dimensions: [UInt64] = [4],
    type: UInt32 = 0, offset: UInt64 = 0, more: [UInt8] = [], data: Int = 16
  ) -> [UInt8] {
    var bytes = Array(magic.utf8) + le(version) + le(tensors) + le(pairs) + pair + text(name)
    bytes += le(rank) + dimensions.flatMap { le($0) } + le(type) + le(offset) + more
    bytes += [UInt8](repeating: 0, count: (32 - bytes.count % 32) % 32)
    return bytes + [UInt8](repeating: 1, count: data)
  }

  private static func pair(_ key: String, _ type: UInt32, _ value: [UInt8]) -> [UInt8] {
    text(key) + le(type) + value
  }

  @Test func `A file put together by hand is read`() throws {
    let file = try GGUFFile(MemoryBytes(Self.file()))
    #expect(try file.tensor(at: 0).bytes == [UInt8](repeating: 1, count: 16))
    #expect(
      try GGUFFile(MemoryBytes(Self.file(rank: 0, dimensions: []))).entry(at: 0).shape == .scalar)
  }

  static let hostile: [(String, [UInt8], String)] = [
    ("another magic", file(magic: "GGML"), "invalidHeader"),
    ("version 1", file(version: 1), "unsupported"),
    ("big-endian in its version alone", file(version: 0x0300_0000), "truncated"),
    ("2^64 - 1 tensors", file(tensors: .max), "truncated"),
    ("2^64 - 1 key-values", file(pairs: .max), "truncated"),
    ("more tensors than there are", file(tensors: 2), "truncated"),
    ("2^32 - 1 dimensions", file(rank: .max), "truncated"),
    ("a dimension beyond 2^48", file(dimensions: [1 << 50]), "invalidShape"),
    ("a negative dimension", file(dimensions: [.max]), "invalidShape"),
    ("a product beyond 2^63", file(rank: 2, dimensions: [1 << 40, 1 << 40]), "invalidShape"),
    ("bytes beyond 2^63", file(rank: 2, dimensions: [1 << 31, 1 << 31]), "invalidShape"),
    ("a row that fills no block", file(dimensions: [4], type: 2), "invalidShape"),
    ("an offset beyond the end", file(offset: 64), "truncated"),
    ("an offset that wraps", file(offset: .max - 31), "truncated"),
    ("an offset that is not aligned", file(offset: 1), "invalidHeader"),
    ("data cut short", file(data: 15), "truncated"),
    (
      "one name twice",
      file(
        tensors: 2, more: text("a") + le(UInt32(1)) + le(UInt64(4)) + le(UInt32(0)) + le(UInt64(0))),
      "duplicateName"
    ),
    (
      "two tensors at one place",
      file(
        tensors: 2, more: text("b") + le(UInt32(1)) + le(UInt64(4)) + le(UInt32(0)) + le(UInt64(0))),
      "overlappingTensors"
    ),
    ("a text of 2^64 - 1 bytes", file(pairs: 1, pair: pair("k", 8, le(UInt64.max))), "truncated"),
    (
      "an array of 2^62 elements",
      file(pairs: 1, pair: pair("k", 9, le(UInt32(4)) + le(UInt64(1) << 62))), "truncated"
    ),
    (
      "an array of an array that is not there",
      file(pairs: 1, pair: pair("k", 9, le(UInt32(9)) + le(UInt64(1) << 60))), "truncated"
    ),
    (
      "an array of nothing known",
      file(pairs: 1, pair: pair("k", 9, le(UInt32(77)) + le(UInt64(0)))), "invalidHeader"
    ),
    (
      "a value of nothing known", file(pairs: 1, pair: pair("k", 13, le(UInt64(1)))),
      "invalidHeader"
    ),
    ("a truth value of 2", file(pairs: 1, pair: pair("k", 7, [2])), "invalidHeader"),
    ("one key twice", file(pairs: 2, pair: pair("k", 7, [1]) + pair("k", 7, [1])), "duplicateName"),
    (
      "an alignment of 0",
      file(pairs: 1, pair: pair("general.alignment", 4, le(UInt32(0)))), "invalidHeader"
    ),
    (
      "an alignment of 3",
      file(pairs: 1, pair: pair("general.alignment", 4, le(UInt32(3)))), "invalidHeader"
    ),
  ]

  @Test(arguments: hostile)
  func `A hostile file is refused`(what: String, bytes: [UInt8], code: String) throws {
    let error = #expect(throws: CairnError.self) { try GGUFFile(MemoryBytes(bytes)) }
    #expect(error?.code.name == code, "\(what): \(String(describing: error))")
    #expect(error?.location.offset != nil || error?.location.name != nil, "\(what)")
  }

  @Test func `A file cut anywhere is refused, and a flipped byte never traps`() throws {
    let whole = try contents(of: "\(fixtures)/gguf/version_3.gguf")
    for count in stride(from: 0, to: whole.count - 32, by: 13) {
      #expect(throws: CairnError.self) { try GGUFFile(MemoryBytes(Array(whole[..<count]))) }
    }
    for place in 0..<1_400 {
      var bytes = whole
      bytes[place] ^= 0x81
      do throws(CairnError) {
        _ = try NamedTensors(reading: GGUFFile(MemoryBytes(bytes)))
      } catch {
        #expect(!error.code.name.isEmpty)
      }
    }
  }

  // MARK: - More types, byte orders, parts

  @Test func `Blocks of few bits become the package's floats`() throws {
    let root = try JSONValue(parsing: contents(of: "\(fixtures)/gguf_more/expected.json"))
    let tensors = try #require(root["files"]?["blocks.gguf"]?["tensors"]?.arrayValue)
    let source = try DequantizedSource(
      CheckpointFile.open("\(fixtures)/gguf_more/blocks.gguf").source)
    #expect(tensors.count == 13)
    for tensor in tensors {
      let name = try TensorName(#require(tensor["name"]?.stringValue))
      let floats = try #require(tensor["floats"]?.stringValue)
      #expect(try source.tensor(named: name).bytes.hexDigits == floats, "\(name)")
    }
  }

  @Test func `A missing part is named, from whichever part is opened`() throws {
    let folder = try TestFolder()
    for number in [1, 3] {
      let name = "split-0000\(number)-of-00003.gguf"
      try write(contents(of: "\(fixtures)/gguf_more/\(name)"), to: folder.file(name))
    }
    for number in [1, 3] {
      let error = refusal(of: folder.file("split-0000\(number)-of-00003.gguf"))
      #expect(error?.code == .missingFile)
      #expect(error?.expected?.contains("split-00002-of-00003.gguf") == true)
    }
    // A part under another name cannot tell the others'.
    let renamed = folder.file("model.gguf")
    try write(contents(of: folder.file("split-00001-of-00003.gguf")), to: renamed)
    #expect(refusal(of: renamed)?.code == .missingFile)
    // A part that is another one.
    try write(
      contents(of: folder.file("split-00003-of-00003.gguf")),
      to: folder.file("split-00002-of-00003.gguf"))
    #expect(refusal(of: folder.file("split-00001-of-00003.gguf"))?.code.name == "shardMismatch")
  }

  @Test func `What is odd is named and hides nothing`() throws {
    let file = try CheckpointFile.open("\(fixtures)/gguf_more/odd.gguf")
    #expect(try file.source.entries().map(\.name) == ["plain"])
    #expect(file.opaqueItems.map(\.pathText) == ["", "odd"])
    #expect(file.opaqueItems.last?.type == "ggml type 99")
    #expect(file.source.metadata["t.large"] == .uint(.max))
    try file.verify(.deep)
  }

  // MARK: - Writing

  @Test(arguments: ["gguf/version_3", "gguf/alignment_256", "gguf_more/blocks"])
  func `What the package wrote comes back byte for byte, through a container too`(name: String)
    throws
  {
    let folder = try TestFolder()
    let original = "\(fixtures)/\(name).gguf"
    try Self.save(CheckpointFile.open(original).source, to: folder.file("a.gguf"))
    #expect(try contents(of: folder.file("a.gguf")) == contents(of: original))
    let container = try Container(Container.encode(CheckpointFile.open(original).source))
    try Self.save(container, to: folder.file("b.gguf"))
    #expect(try contents(of: folder.file("b.gguf")) == contents(of: original))
  }

  private static func save(_ source: any TensorSource, to path: String) throws {
    var sink = try FormatRegistry.standard.forWriting(path).writer(to: path)
    try sink.write(source)
  }

  @Test func `Every kind of metadata comes back, and what would not is refused`() throws {
    let folder = try TestFolder()
    let path = folder.file("kinds.gguf")
    var tensors = NamedTensors()
    try tensors.add(Tensor(dtype: .float32, shape: [1], bytes: [0, 0, 128, 63]), named: "w")
    tensors.metadata["general.architecture"] = .string("test")
    tensors.metadata["a.bool"] = .bool(true)
    tensors.metadata["a.bytes"] = .bytes([0xFF, 0xFE])
    tensors.metadata["a.float"] = .float(0.1)
    tensors.metadata["a.single"] = .float(0.5)
    tensors.metadata["a.int"] = .int(.min)
    tensors.metadata["a.uint"] = .uint(.max)
    tensors.metadata["a.bools"] = .bools([true, false])
    tensors.metadata["a.floats"] = .floats([0.1, .infinity])
    tensors.metadata["a.ints"] = .ints([1, -1])
    tensors.metadata["a.uints"] = .uints([])
    tensors.metadata["a.strings"] = .strings(["a", ""])
    tensors.metadata["a.byteStrings"] = .byteStrings([[0xFF], []])
    try Self.save(tensors, to: path)
    var found = try CheckpointFile.open(path).source.metadata
    found["cairn.gguf_layout"] = nil
    #expect(found == tensors.metadata)
    tensors.metadata["a.bytes"] = .bytes([0x61])
    let error = #expect(throws: CairnError.self) { try Self.save(tensors, to: path) }
    #expect(error?.code == .cannotHold)
  }

  @Test func `Types that the format does not have are refused by name`() throws {
    let folder = try TestFolder()
    var tensors = NamedTensors()
    try tensors.add(Tensor(dtype: .uint16, shape: [1], bytes: [0, 0]), named: "w")
    let error = #expect(throws: CairnError.self) {
      try Self.save(tensors, to: folder.file("w.gguf"))
    }
    #expect(error?.code == .cannotHold && error?.location.name == "w")
  }

  @Test func `A layout that does not fit is no more than a hint`() throws {
    let folder = try TestFolder()
    let path = folder.file("hint.gguf")
    var tensors = NamedTensors()
    try tensors.add(Tensor(dtype: .int8, shape: [1], bytes: [1]), named: "w")
    tensors.metadata["a"] = .uint(300)
    tensors.metadata["b"] = .string("text")
    tensors.metadata["cairn.gguf_layout"] = .strings([
      "uint8 a", "[uint8] b", "nothing", "int8 absent", "array a", "uint16 a", "",
    ])
    try Self.save(tensors, to: path)
    let metadata = try CheckpointFile.open(path).source.metadata
    #expect(
      metadata["a"] == .uint(300) && metadata["b"] == .string("text") && metadata["absent"] == nil)
  }
}
