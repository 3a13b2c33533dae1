// Files compared byte by byte, with what lies where they part.

import CairnCheckpoints
import CairnComparison
import CairnContainer
import CairnSystem
import CairnTensors
import Testing

@Suite struct FileComparisonTests {
  private func container() throws -> [UInt8] {
    var tensors = NamedTensors()
    try tensors.add(Tensor([Float](repeating: 1, count: 100)), named: "kernel")
    try tensors.add(Tensor([Int8](0..<64)), named: "table")
    tensors.metadata["epoch"] = .int(1)
    var options = WriteOptions()
    options.codec = .raw
    let memory = try Container.encode(tensors, options: options)
    var bytes = [UInt8](repeating: 0, count: memory.count)
    var span = bytes.mutableSpan
    try memory.read(at: 0, into: &span)
    return bytes
  }

  @Test func `The same bytes have no difference`() throws {
    let bytes = try container()
    #expect(try compareBytes(MemoryBytes(bytes), MemoryBytes(bytes)) == nil)
    #expect(try compareBytes(MemoryBytes([]), MemoryBytes([])) == nil)
  }

  @Test func `Differing bytes are counted and the first is named`() throws {
    let bytes = try container()
    var other = bytes
    // The first byte of the table's data: found by its content, 0 1 2 3 …
    let start = try #require(
      (0..<bytes.count - 64).first { Array(bytes[$0..<$0 + 64]) == (0..<64).map { UInt8($0) } })
    other[start + 5] ^= 0xFF
    other[start + 9] ^= 0xFF
    let difference = try #require(
      try compareBytes(MemoryBytes(bytes), MemoryBytes(other)))
    #expect(difference.firstOffset == start + 5)
    #expect(difference.differingByteCount == 2)
    #expect(difference.leftPlace == "data of ‘table’, byte 5 of its payload")
    #expect(difference.text.contains("data of ‘table’"))
  }

  @Test(arguments: [
    (3, "superblock, byte 3"), (64, "note of what wrote the file, byte 0 of its header"),
  ])
  func `Places are named from the start`(offset: Int, place: String) throws {
    #expect(try Container(MemoryBytes(container())).place(of: offset) == place)
  }

  @Test func `Every byte of a container has a place`() throws {
    let bytes = try container()
    let container = try Container(MemoryBytes(bytes))
    var kinds: Set<String> = []
    for offset in bytes.indices {
      kinds.insert(String(try container.place(of: offset).prefix { $0 != "," && $0 != "‘" }))
    }
    #expect(
      kinds.isSuperset(of: [
        "superblock", "metadata", "header of ", "data of ", "checksums of ", "index", "page table",
        "commit record",
      ]))
    #expect(throws: CairnError.self) { try container.place(of: bytes.count) }
  }

  @Test func `A longer file differs where the shorter ends`() throws {
    let difference = try #require(try compareBytes(MemoryBytes([1, 2]), MemoryBytes([1, 2, 3])))
    #expect(difference.firstOffset == 2)
    #expect(difference.differingByteCount == 0)
    #expect(difference.byteCounts == (2, 3))
    #expect(difference.leftPlace == nil)
  }
}
