// Names, metadata and named tensors.

import CairnCheckpoints
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@Suite struct TensorNameTests {
  @Test func `names that Swift holds equal but that differ in bytes are two names`() throws {
    let (one, two) = (TensorName("caf\u{E9}"), TensorName("cafe\u{301}"))
    #expect(one.string == two.string)
    #expect(one != two && Set([one, two]).count == 2)
    var tensors = NamedTensors()
    try tensors.add(Tensor(scalar: Int8(1)), named: one)
    try tensors.add(Tensor(scalar: Int8(2)), named: two)
    #expect(try tensors[one]?.scalar() == Int8(1))
    #expect(try tensors[two]?.scalar() == Int8(2))
  }

  @Test func `names are ordered by bytes`() throws {
    let sorted = ["B", "a", "a/b", "a0", "layer10", "layer2", "é", "\u{FFFD}", "\u{10000}"]
    let names = try sorted.shuffled().map { try TensorName($0) }.sorted()
    #expect(names.map(\.string) == sorted)
  }

  @Test(arguments: [
    "", "\n", "a\0", "\u{1F}", "\u{7F}", "\u{80}", "\u{9F}", String(repeating: "a", count: 1_025),
    String(repeating: "é", count: 513),
  ])
  func `a name that no tensor can have is refused`(_ name: String) {
    #expect(code { _ = try TensorName(name) } == .invalidName)
  }

  @Test(arguments: [
    [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0x61, 0xC3], [0xF5, 0x80, 0x80, 0x80],
  ])
  func `bytes that are no UTF-8 are refused`(_ bytes: [UInt8]) {
    #expect(code { _ = try TensorName(utf8: bytes) } == .invalidName)
  }

  @Test(arguments: [" ", "a", "/", "\u{A0}", "🪨", String(repeating: "a", count: 1_024)])
  func `other names are legal`(_ name: String) throws {
    #expect(try TensorName(name).string == name)
    #expect(try TensorName(name).utf8 == Array(name.utf8))
  }
}

@Suite struct MetadataTests {
  @Test func `keys stand in the order of their bytes however they came`() throws {
    let keys = ["B", "a", "a/b", "a0", "é"]
    for _ in 0..<10 {
      var metadata = Metadata()
      for key in keys.shuffled() { metadata[try TensorName(key)] = .string(key) }
      #expect(metadata.keys.map(\.string) == keys)
      #expect(metadata.map(\.value) == keys.map { .string($0) })
    }
  }

  @Test func `a value is replaced and removed by its key`() {
    var metadata = Metadata()
    metadata["a"] = .int(1)
    metadata["b"] = .int(2)
    metadata["a"] = .uint(1)
    #expect(metadata.count == 2)
    #expect(metadata["a"] == .uint(1))
    metadata["a"] = nil
    metadata["c"] = nil
    #expect(metadata.count == 1 && metadata["a"] == nil && !metadata.isEmpty)
  }

  @Test func `values are equal to the bit and in kind`() {
    #expect(MetadataValue.float(.nan) == .float(.nan))
    #expect(MetadataValue.float(0) != .float(-0.0))
    #expect(MetadataValue.floats([0]) != .floats([-0.0]))
    #expect(MetadataValue.string("\u{E9}") != .string("e\u{301}"))
    #expect(MetadataValue.strings(["\u{E9}"]) != .strings(["e\u{301}"]))
    #expect(MetadataValue.int(1) != .uint(1))
    #expect(MetadataValue.ints([]) != .uints([]))
    #expect(MetadataValue.float(.nan).hashValue == MetadataValue.float(.nan).hashValue)
  }
}

@Suite struct NamedTensorsTests {
  private func tensors() throws -> NamedTensors {
    var tensors = NamedTensors()
    try tensors.add(Tensor([1, 2] as [Float]), named: "z")
    try tensors.addAlias("y", of: "z")
    try tensors.add(Tensor(scalar: Int8(3)), named: "a")
    try tensors.addAlias("b", of: "y")
    tensors.metadata["k"] = .bool(true)
    tensors.configuration = [0x7B, 0x7D]
    try tensors.addBlob(Blob(name: "two", bytes: [2]))
    try tensors.addBlob(Blob(name: "one", bytes: [1]))
    return tensors
  }

  @Test func `tensors keep their order, and aliases have depth 1`() throws {
    let tensors = try tensors()
    #expect(tensors.names == ["z", "y", "a", "b"])
    let entries = try tensors.entries()
    #expect(entries.map(\.aliasOf) == [nil, "z", nil, "z"])
    #expect(entries.map(\.position) == [0, 1, 2, 3])
    #expect(entries.map(\.byteCount) == [8, 8, 1, 8])
    #expect(tensors.blobs.map(\.name) == ["one", "two"])
    #expect(try tensors.index(of: "a") == 2)
    #expect(try tensors.index(of: "x") == nil)
  }

  @Test func `a name is given once, and an alias needs its owner`() throws {
    var tensors = try tensors()
    let tensor = try Tensor(scalar: Int8(1))
    #expect(code { try tensors.add(tensor, named: "y") } == .duplicateName)
    #expect(code { try tensors.addAlias("a", of: "z") } == .duplicateName)
    #expect(code { try tensors.addAlias("c", of: "x") } == .noSuchTensor)
    #expect(code { try tensors.addBlob(Blob(name: "one", bytes: [])) } == .duplicateName)
    #expect(tensors.count == 4)
  }

  @Test func `bytes, slices and errors are those of the tensor`() throws {
    let tensors = try tensors()
    var bytes = [UInt8](repeating: 0, count: 4)
    var span = bytes.mutableSpan
    try tensors.read(at: 0, from: 4, into: &span)
    #expect(bytes == (try Tensor([2] as [Float]).bytes))
    #expect(try tensors.tensor(at: 0, slice: 1..<2).scalars() == [2] as [Float])
    #expect(code { _ = try tensors.entry(at: 4) } == .noSuchTensor)
    #expect(code { _ = try tensors.tensor(at: -1) } == .noSuchTensor)
    #expect(code { _ = try tensors.tensor(named: "x") } == .noSuchTensor)
    for offset in [5, 9, -1, Int.max, Int.min] {
      #expect(
        code {
          var bytes = [UInt8](repeating: 0, count: 4)
          var span = bytes.mutableSpan
          try tensors.read(at: 0, from: offset, into: &span)
        } == .invalidArgument)
    }
  }

  @Test func `reading a source keeps order, aliases, metadata, configuration and blobs`() throws {
    let tensors = try tensors()
    let copy = try NamedTensors(reading: tensors)
    #expect(try copy.entries() == tensors.entries())
    #expect(copy.metadata == tensors.metadata)
    #expect(copy.configuration == tensors.configuration)
    #expect(copy.blobs == tensors.blobs)
    #expect(code { _ = try NamedTensors(reading: tensors, budget: 8) } == .overBudget)
    #expect(code { _ = try NamedTensors(reading: tensors, budget: 9) } == nil)
  }

  /// A source that says what it is told to, in an order of its own.
  private struct Claims: TensorSource {
    var list: [TensorEntry]
    var count: Int { list.count }
    func entry(at index: Int) throws(CairnError) -> TensorEntry { list[index] }
    func read(
      at index: Int, from offset: Int, into bytes: inout MutableSpan<UInt8>
    ) throws(CairnError) {
      for position in bytes.indices { bytes[position] = UInt8(index) }
    }
  }

  private func claim(
    _ name: TensorName, _ position: Int, _ alias: TensorName? = nil, bytes: Int = 2
  )
    -> TensorEntry
  {
    TensorEntry(
      name: name, dtype: .uint8, shape: [2], byteCount: bytes, position: position, aliasOf: alias)
  }

  @Test func `an alias may stand before its owner in the order of weights`() throws {
    let source = Claims(list: [claim("owner", 1), claim("alias", 0, "owner")])
    let copy = try NamedTensors(reading: source)
    #expect(copy.names == ["alias", "owner"])
    #expect(try copy.entry(at: 0).aliasOf == "owner")
    #expect(copy["alias"] == copy["owner"])
    #expect(try copy["owner"]?.scalars() == [0, 0] as [UInt8])
  }

  @Test func `a source that contradicts itself is refused`() {
    let cases: [([TensorEntry], CairnError.Code)] = [
      ([claim("a", 0, "missing")], .noSuchTensor),
      ([claim("a", 0, "a")], .noSuchTensor),
      ([claim("a", 0), claim("b", 1, "a"), claim("c", 2, "b")], .noSuchTensor),
      ([claim("a", 0), claim("a", 1)], .duplicateName),
      ([claim("a", 0, bytes: 3)], .countMismatch),
      ([claim("a", 0, bytes: -2)], .countMismatch),
      ([claim("a", 0, bytes: .max)], .overBudget),
    ]
    for (list, expected) in cases {
      #expect(
        code { _ = try NamedTensors(reading: Claims(list: list), budget: 1 << 20) } == expected)
    }
  }

  @Test func `Metadata made in one go are those added one by one`() throws {
    let pairs: [(key: TensorName, value: MetadataValue)] = [
      ("b", .int(1)), ("c", .int(2)), ("a", .int(3)), ("b", .int(4)), ("é", .int(5)),
    ]
    var one = Metadata()
    for (key, value) in pairs { one[key] = value }
    #expect(Metadata(pairs) == one)
    #expect(one["b"] == .int(4))
    #expect(Metadata([]).isEmpty)
  }

  @Test func `Blobs are kept by name, in whichever order they come`() throws {
    var tensors = NamedTensors()
    for name in ["c", "a", "d", "b"] as [TensorName] {
      try tensors.addBlob(Blob(name: name, bytes: []))
    }
    #expect(tensors.blobs.map(\.name) == ["a", "b", "c", "d"])
    for name in ["a", "d"] as [TensorName] {
      #expect(throws: CairnError.self) { try tensors.addBlob(Blob(name: name, bytes: [])) }
    }
  }
}
