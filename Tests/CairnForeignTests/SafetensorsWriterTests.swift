// Writing: the layout, what is refused, and that a failure leaves the old file.

import CairnCheckpoints
import CairnForeign
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@Suite("Safetensors: writing")
struct SafetensorsWriterTests {
  private func sample() throws -> NamedTensors {
    var tensors = NamedTensors()
    try tensors.add(Tensor([true, false, true]), named: "flags")
    try tensors.add(Tensor([1.5, -2] as [Float], shape: [1, 2]), named: "b")
    try tensors.add(Tensor([7] as [Int64]), named: "steps")
    try tensors.add(Tensor([3] as [Float]), named: "a")
    tensors.metadata["format"] = .string("pt")
    tensors.metadata["a"] = .string("\"\u{1}\n\u{7F}é")
    return tensors
  }

  @Test("The file, to the byte")
  func golden() throws {
    let bytes = try sample().encoded(as: .safetensors).array
    var header =
      #"{"__metadata__":{"a":"\"\u0001\n"# + "\u{7F}é"
      + #"","format":"pt"},"flags":{"dtype":"BOOL","shape":[3],"data_offsets":[20,23]},"b":{"dtype":"F32","shape":[1,2],"data_offsets":[12,20]},"steps":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}"#
    while header.utf8.count % 8 != 0 { header += " " }
    var expected = safetensors(header)
    expected += [7, 0, 0, 0, 0, 0, 0, 0]
    expected += [0, 0, 0x40, 0x40]
    expected += [0, 0, 0xC0, 0x3F, 0, 0, 0, 0xC0]
    expected += [1, 0, 1]
    #expect(bytes == expected)
  }

  @Test("Names, order, types, shapes, bits and metadata come back")
  func roundTrip() throws {
    let before = try sample()
    let file = try open(before.encoded(as: .safetensors).array)
    let after = try NamedTensors(reading: file)
    #expect(after.names == before.names)
    #expect(after.metadata == before.metadata)
    for name in before.names { #expect(after[name] == before[name]) }
  }

  @Test("Every tensor of a type of whole bytes is aligned to it")
  func alignment() throws {
    let file = try open(sample().encoded(as: .safetensors).array)
    #expect(file.dataOffset % 8 == 0)
    for index in 0..<file.count {
      let address = try file.tensor(at: index).storageIdentity.addresses.lowerBound
      let width = try #require(file.entry(at: index).dtype.bitWidth)
      #expect(Int(address) % max(1, width / 8) == 0)
    }
  }

  @Test("A file in another order of data keeps its order of weights and content")
  func otherLayouts() throws {
    let file = try open(
      safetensors(
        #"{"z":{"dtype":"U8","shape":[1],"data_offsets":[2,3]},"a":{"dtype":"U16","shape":[1],"data_offsets":[0,2]},"m":{"dtype":"U8","shape":[0],"data_offsets":[2,2]}}"#,
        data: 3))
    let bytes = try file.encoded(as: .safetensors).array
    let again = try open(bytes)
    #expect(try again.entries().map(\.name) == ["z", "a", "m"])
    #expect(try again.tensor(named: "z").bytes == [2])
    #expect(try again.tensor(named: "a").bytes == [0, 1])
    #expect(try again.encoded(as: .safetensors).array == bytes)
  }

  @Test(
    "What the format has no type for is refused",
    arguments: [
      DType.int4, .uint4, .complex128, .string,
      .quantized(QuantizedBlock(typeID: 2, elementCount: 32, byteCount: 18) ?? fallbackBlock),
    ])
  func types(_ dtype: DType) throws {
    var tensors = NamedTensors()
    try tensors.add(Tensor(zeros: dtype, shape: [32]), named: "weight")
    let error = #expect(throws: CairnError.self) {
      try tensors.encoded(as: .safetensors, accepting: .all).array
    }
    #expect(error?.code == .cannotHold)
    #expect(error?.location.name == "weight")
    #expect(error?.advice != nil)
  }

  @Test("Every other type comes back")
  func everyType() throws {
    for dtype in DType.allPlain where SafetensorsDType.spelling(of: dtype) != nil {
      var tensors = NamedTensors()
      let count = try #require(dtype.byteCount(elements: 8))
      let bytes = (0..<count).map { dtype == .bool ? UInt8($0 & 1) : UInt8(37 * $0 & 0xFF) }
      try tensors.add(Tensor(dtype: dtype, shape: [2, 4], bytes: bytes), named: "x")
      let file = try open(tensors.encoded(as: .safetensors).array)
      #expect(try file.tensor(at: 0) == tensors["x"])
    }
  }

  @Test("Elements that do not fill whole bytes are refused")
  func partialBytes() throws {
    var tensors = NamedTensors()
    try tensors.add(Tensor(zeros: .float4E2M1FN, shape: [3]), named: "odd")
    let error = #expect(throws: CairnError.self) { try tensors.encoded(as: .safetensors).array }
    #expect(error?.code == .cannotHold && error?.location.name == "odd")
  }

  @Test("A shape that other readers cannot count is refused")
  func uncountable() throws {
    var tensors = NamedTensors()
    try tensors.add(Tensor(zeros: .uint8, shape: [1 << 40, 1 << 40, 0]), named: "none")
    let error = #expect(throws: CairnError.self) { try tensors.encoded(as: .safetensors).array }
    #expect(error?.code == .cannotHold)
  }

  @Test("A tensor of the name that the format keeps for itself is refused")
  func reservedName() throws {
    let tensors = try NamedTensors([("__metadata__", Tensor([1] as [Float]))])
    let error = #expect(throws: CairnError.self) { try tensors.encoded(as: .safetensors).array }
    #expect(error?.code == .cannotHold)
  }

  @Test("A loss is refused unless it is accepted, and only that one is")
  func losses() throws {
    let cases: [(AcceptedLosses, String?, (inout NamedTensors) throws -> Void)] = [
      (.ties, "tied", { try $0.addAlias("tied", of: "b") }),
      (.metadataTypes, "epoch", { $0.metadata["epoch"] = .int(3) }),
      (.configuration, nil, { $0.configuration = [0x7B, 0x7D] }),
      (.blobs, "notes", { try $0.addBlob(Blob(name: "notes", bytes: [1])) }),
    ]
    for (loss, name, change) in cases {
      var tensors = try sample()
      try change(&tensors)
      let error = #expect(throws: CairnError.self) {
        try tensors.encoded(as: .safetensors, accepting: .all.subtracting(loss)).array
      }
      #expect(error?.code == .cannotHold && error?.location.name == name)
      #expect(error?.advice?.contains("\(loss)") == true)
      _ = try tensors.encoded(as: .safetensors, accepting: loss).array
    }
  }

  @Test("An accepted tie is written twice, in its place of the order")
  func ties() throws {
    var tensors = try sample()
    try tensors.addAlias("tied", of: "b")
    let file = try open(tensors.encoded(as: .safetensors, accepting: .ties).array)
    #expect(try file.entries().map(\.name) == ["flags", "b", "steps", "a", "tied"])
    #expect(try file.tensor(named: "tied") == tensors["b"])
  }

  @Test("Accepted metadata is written as JSON text")
  func metadata() throws {
    var tensors = NamedTensors()
    tensors.metadata["array"] = .ints([1, -2])
    tensors.metadata["bytes"] = .bytes([0, 0xAB])
    tensors.metadata["float"] = .float(.nan)
    tensors.metadata["text"] = .string("1")
    tensors.metadata["uint"] = .uint(.max)
    let file = try open(tensors.encoded(as: .safetensors, accepting: .metadataTypes).array)
    #expect(file.metadata["array"] == .string("[1,-2]"))
    #expect(file.metadata["bytes"] == .string("\"00ab\""))
    #expect(file.metadata["float"] == .string("NaN"))
    #expect(file.metadata["text"] == .string("1"))
    #expect(file.metadata["uint"] == .string("18446744073709551615"))
  }

  @Test("Tensors larger than the window come whole, and progress ends at the total")
  func large() throws {
    let count = 2 * ByteWindow.byteCount + 12_345
    var tensors = NamedTensors()
    try tensors.add(Tensor([UInt8](repeating: 1, count: 1_000)), named: "a")
    try tensors.add(Tensor((0..<count).map { UInt8(truncatingIfNeeded: $0 * 7) }), named: "b")
    try tensors.add(Tensor([UInt8](repeating: 3, count: 1_000)), named: "c")
    let folder = try TestFolder()
    var writer = try CheckpointFormat.safetensors.writer(to: folder.path + "/large.safetensors")
    var reports: [WorkProgress] = []
    try writer.write(tensors) { (progress) throws(CairnError) in reports.append(progress) }
    #expect(reports.last == WorkProgress(done: count + 2_000, total: count + 2_000))
    #expect(reports.map(\.done) == reports.map(\.done).sorted())
    #expect(reports.count == 3)
    let file = try SafetensorsFile(path: folder.path + "/large.safetensors")
    for name in tensors.names { #expect(try file.tensor(named: name) == tensors[name]) }
  }

  @Test("More than the budget is not gathered in memory")
  func budget() throws {
    let error = #expect(throws: CairnError.self) {
      try sample().write(to: MemorySink(limit: 22), format: .safetensors)
    }
    #expect(error?.code == .overBudget)
  }
}

/// Never used: the block above is valid.
private let fallbackBlock = preconditionBlock()
private func preconditionBlock() -> QuantizedBlock {
  guard let block = QuantizedBlock(typeID: 0, elementCount: 1, byteCount: 1) else {
    preconditionFailure("1 is a valid count")
  }
  return block
}
