// Reading: what a file means, and that tensors of a source in memory are no copies.

import CairnCheckpoints
import CairnForeign
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@Suite("Safetensors: reading")
struct SafetensorsFileTests {
  private let mixed = safetensors(
    #"{"z":{"dtype":"F32","shape":[2],"data_offsets":[4,12]},"__metadata__":{"b":"2","a":"1"}, "scalar":{"shape":[],"data_offsets":[0,4],"dtype":"I32"},"none":{"dtype":"F64","shape":[3,0],"data_offsets":[4,4]}}   "#,
    data: 12)

  @Test("Order, types, shapes and metadata are those of the header")
  func entries() throws {
    let file = try open(mixed)
    let entries = try file.entries()
    #expect(entries.map(\.name) == ["z", "scalar", "none"])
    #expect(entries.map(\.position) == [0, 1, 2])
    #expect(entries.map(\.dtype) == [.float32, .int32, .float64])
    #expect(entries.map(\.shape) == [[2], .scalar, [3, 0]])
    #expect(entries.map(\.byteCount) == [8, 4, 0])
    #expect(entries.allSatisfy { $0.aliasOf == nil })
    #expect(Array(file.metadata).map(\.key) == ["a", "b"])
    #expect(file.metadata["b"] == .string("2"))
    #expect(try file.configuration == nil && file.blobs.isEmpty)
    #expect(file.fileByteCount == mixed.count && file.dataByteCount == 12)
    #expect(file.dataOffset == 8 + file.headerByteCount)
    #expect(try file.index(of: "none") == 2)
    #expect(try file.index(of: "None") == nil)
  }

  @Test("Bytes are those at the offsets, from memory and by position")
  func bytes() throws {
    for source: any ByteSource in [try MemoryBytes(mixed), PositionedBytes(bytes: mixed)] {
      let file = try SafetensorsFile(source)
      #expect(try file.tensor(named: "scalar").bytes == [0, 1, 2, 3])
      #expect(try file.tensor(named: "z").bytes == [4, 5, 6, 7, 8, 9, 10, 11])
      #expect(try file.tensor(named: "none").bytes == [])
      var part = [UInt8](repeating: 0, count: 3)
      var span = part.mutableSpan
      try file.read(at: 0, from: 5, into: &span)
      #expect(part == [9, 10, 11])
      #expect(try file.tensor(at: 0, slice: 1..<2).bytes == [8, 9, 10, 11])
    }
  }

  @Test("What is asked for outside of a tensor is refused")
  func outside() throws {
    let file = try open(mixed)
    #expect(throws: CairnError.self) { try file.entry(at: 3) }
    #expect(throws: CairnError.self) { try file.tensor(at: -1) }
    var part = [UInt8](repeating: 0, count: 3)
    let error = #expect(throws: CairnError.self) {
      var span = part.mutableSpan
      try file.read(at: 0, from: 6, into: &span)
    }
    #expect(error?.code == .invalidArgument)
  }

  @Test("Tensors of a source in memory are views of it")
  func zeroCopy() throws {
    let source = try MemoryBytes(mixed)
    let base = try #require(source.memory).storage.address
    let file = try SafetensorsFile(source)
    let identity = try file.tensor(named: "z").storageIdentity
    #expect(identity.addresses.lowerBound == base + UInt(file.dataOffset) + 4)
    #expect(identity.addresses.count == 8)

    let positioned = try SafetensorsFile(PositionedBytes(bytes: mixed))
    #expect(try positioned.tensor(named: "z").storageIdentity.owner != identity.owner)
  }

  @Test("Tensors of a mapped file are views of the map, and a write to one makes it a copy")
  func mapped() throws {
    let path = fixtures + "/safetensors/layers_0_to_11.safetensors"
    let bytes = try FileBytes(path: path, access: .mapped)
    let map = try #require(bytes.memory).storage
    let file = try SafetensorsFile(bytes)
    var tensor = try file.tensor(named: "layers.7.weight")
    let before = tensor.storageIdentity
    #expect(before.owner == ObjectIdentifier(map) && !before.isWritable)
    #expect(try tensor.scalars(of: Float.self) == [7, -7])
    try tensor.setElement(at: [0], to: Float(1))
    #expect(!tensor.storageIdentity.overlaps(before))
    #expect(try file.tensor(named: "layers.7.weight").scalars(of: Float.self) == [7, -7])
  }

  @Test("A bool that is neither 0 nor 1 is read as bytes but makes no tensor")
  func bools() throws {
    let bytes = safetensors(
      #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"flags":{"dtype":"BOOL","shape":[3],"data_offsets":[1,4]}}"#,
      data: 4)
    for source: any ByteSource in [try MemoryBytes(bytes), PositionedBytes(bytes: bytes)] {
      let file = try SafetensorsFile(source)
      var raw = [UInt8](repeating: 0, count: 3)
      var span = raw.mutableSpan
      try file.read(at: 1, from: 0, into: &span)
      #expect(raw == [1, 2, 3])
      let error = #expect(throws: CairnError.self) { try file.tensor(at: 1) }
      #expect(error?.code == .invalidElement)
      #expect(error?.location.name == "flags")
      #expect(error?.location.offset == UInt64(file.dataOffset + 2))
    }
  }

  @Test("A header without tensors, and white space inside")
  func smallest() throws {
    #expect(try open(safetensors("{}")).count == 0)
    #expect(try open(safetensors("{ \n\t}      ")).count == 0)
    let empty = try open(safetensors(#"{"__metadata__":{}}"#)).metadata
    #expect(empty.keys == ["cairn.safetensors_metadata"])
  }

  @Test("Names that String calls equal are two tensors")
  func canonicalEquivalence() throws {
    let file = try open(
      safetensors(
        "{\"\u{E9}\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"e\u{301}\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
        data: 2))
    #expect(try file.index(of: "\u{E9}") == 0)
    #expect(try file.index(of: "e\u{301}") == 1)
  }

  @Test("Zeros ahead of large dimensions are counted as the format's library counts them")
  func zeroFirst() throws {
    let file = try open(
      safetensors(#"{"a":{"dtype":"U8","shape":[0,4294967296,4294967296],"data_offsets":[0,0]}}"#))
    #expect(try file.entry(at: 0).byteCount == 0)
  }

  @Test(.timeLimit(.minutes(5)))
  func `Many keys of the metadata in descending order take no quadratic time`() throws {
    let count = 200_000
    let pairs = (0..<count).map { "\"\(count * 9 - $0)\":\"\"" }
    let file = try open(safetensors("{\"__metadata__\":{" + pairs.joined(separator: ",") + "}}"))
    #expect(file.metadata.count == count)
    #expect(file.metadata.keys.first?.string == "\(count * 8 + 1)")
  }
}
