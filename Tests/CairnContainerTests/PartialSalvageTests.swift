// Tensors that are kept with zeros for what is lost, and disks that give no bytes.

import CairnCheckpoints
import CairnContainer
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@Suite struct PartialSalvageTests {
  /// Float32 in three chunks of 16,384 elements, the last shorter; stored coded or as it is.
  private func chunked() throws -> (Tensor, [UInt8]) {
    let values = (0..<40_000).map { Float($0 / 100) }
    let tensor = try Tensor(values, shape: [400, 100])
    var tensors = try NamedTensors([("w", tensor), ("x", Tensor([Int32(5)]))])
    try tensors.addAlias("y", of: "w")
    let bytes = try Container.encode(
      tensors, options: WriteOptions { $0.log2ChunkSize = 16 }
    ).allBytes()
    return (tensor, bytes)
  }

  private func withZeros(_ tensor: Tensor, in range: Range<Int>) -> [UInt8] {
    var bytes = tensor.bytes
    for index in range { bytes[index] = 0 }
    return bytes
  }

  @Test(arguments: [0, 1, 2], [true, false])
  func `A damaged chunk is zeros, and the rest of the tensor is what it was`(
    chunk: Int, hasIndex: Bool
  ) throws {
    let (tensor, bytes) = try chunked()
    let frame = FrameLayout(bytes).frames("CHNK")[chunk]
    var damaged = bytes.flipped(at: frame.payload.lowerBound + 20)
    if !hasIndex { damaged.removeLast(128) }
    #expect(try salvage(damaged).names == ["x"])
    let salvaged = try salvage(damaged) { $0.keepsPartialTensors = true }
    #expect(try salvaged.names == ["w", "x", "y"])
    let lost = chunk * 65_536..<min((chunk + 1) * 65_536, 160_000)
    for name in ["w", "y"] {
      let index = try #require(try salvaged.recovered.index(of: TensorName(name)))
      #expect(try salvaged.recovered.tensor(at: index).bytes == withZeros(tensor, in: lost))
      let loss = try #require(salvaged.losses.first { $0.name?.string == name })
      #expect(loss.isPartial && loss.kind == .tensor && loss.fileRanges == [frame.payload])
      #expect(loss.byteRanges == [lost])
      #expect(loss.elementRanges == [lost.lowerBound / 4..<lost.upperBound / 4])
    }
    let copy = try Container(Container.encode(salvaged.recovered))
    #expect(throws: Never.self) { try copy.verify(.deep) }
    #expect(try copy.entry(at: 2).aliasOf == "w")
  }

  @Test func `A cut tensor is kept as far as it goes, within the budget for zeros`() throws {
    let (tensor, bytes) = try chunked()
    let second = FrameLayout(bytes).frames("CHNK")[1]
    let cut = Array(bytes[..<(second.payload.upperBound - 1)])
    let salvaged = try salvage(cut) { $0.keepsPartialTensors = true }
    #expect(try salvaged.names == ["w"])
    #expect(try salvaged.recovered.tensor(at: 0).bytes == withZeros(tensor, in: 65_536..<160_000))
    for (budget, count) in [(94_464, 1), (94_463, 0)] {
      let bounded = try salvage(cut) {
        $0.keepsPartialTensors = true
        $0.zeroBudget = budget
      }
      #expect(bounded.recovered.count == count)
    }
  }

  @Test func `The superblock says how a tensor without its first chunk is cut`() throws {
    let (tensor, bytes) = try chunked()
    let first = FrameLayout(bytes).frames("CHNK")[0]
    let damaged = Array(bytes.flipped(at: first.offset).dropLast(128))
    let salvaged = try salvage(damaged) { $0.keepsPartialTensors = true }
    #expect(try salvaged.recovered.tensor(named: "w").bytes == withZeros(tensor, in: 0..<65_536))
    let unknown = try salvage(damaged.flipped(at: 33)) { $0.keepsPartialTensors = true }
    #expect(try unknown.names == ["x"])
  }

  @Test func `Without one intact block a tensor is lost`() throws {
    var (_, bytes) = try chunked()
    for frame in FrameLayout(bytes).frames("CHNK").prefix(3) {
      bytes = bytes.flipped(at: frame.payload.lowerBound)
    }
    let salvaged = try salvage(bytes) { $0.keepsPartialTensors = true }
    #expect(try salvaged.names == ["x"])
    #expect(salvaged.losses.allSatisfy { !$0.isPartial })
  }

  /// Zeros for end offsets would descend; zeros for the strings' bytes would not.
  @Test func `Strings are kept in part only where they stay strings`() throws {
    let texts = (0..<10_000).map { String(repeating: "t", count: $0 % 20) }
    let tensors = try NamedTensors([("texts", Tensor(strings: texts))])
    let bytes = try Container.encode(
      tensors, options: WriteOptions { $0.log2ChunkSize = 16 }
    ).allBytes()
    let chunks = FrameLayout(bytes).frames("CHNK")
    #expect(chunks.count == 3)
    for (chunk, isKept) in [(0, true), (1, false), (2, true)] {
      let damaged = bytes.flipped(at: chunks[chunk].payload.lowerBound + 9)
      let salvaged = try salvage(damaged) { $0.keepsPartialTensors = true }
      #expect(salvaged.recovered.count == (isKept ? 1 : 0), "chunk \(chunk)")
      #expect(salvaged.losses.count == 1 && salvaged.losses[0].elementRanges.isEmpty)
      #expect(throws: Never.self) {
        try Container(Container.encode(salvaged.recovered)).verify(.deep)
      }
    }
  }

  // MARK: - Bytes that cannot be read

  /// A source whose bytes of `bad` cannot be read.
  private struct FailingDisk: ByteSource {
    var base: MemoryBytes
    var bad: Range<Int>
    var count: Int { base.count }
    var path: String? { nil }
    var memory: ByteRegion? { nil }

    func read(at offset: Int, into bytes: inout MutableSpan<UInt8>) throws(CairnError) {
      guard !(offset..<offset + bytes.count).overlaps(bad) else {
        throw CairnError(.inputOutput, "the disk fails")
      }
      try base.read(at: offset, into: &bytes)
    }
  }

  @Test func `Bytes that cannot be read are damaged bytes, and those around them are not`() throws {
    var tensors = NamedTensors()
    for number in 0..<8 {
      try tensors.add(
        Tensor(weightLike(3_000, seed: UInt64(number))), named: TensorName("t\(number)"))
    }
    let bytes = try Container.encode(tensors, options: WriteOptions { $0.codec = .raw }).allBytes()
    let data = FrameLayout(bytes).frames("RAWD")[3].payload
    let grain = (data.lowerBound / 4_096 + 1) * 4_096
    #expect(data.contains(grain) && data.contains(grain + 4_095))
    let disk = FailingDisk(base: try MemoryBytes(bytes), bad: grain + 7..<grain + 20)
    let salvaged = try Salvage(disk)
    #expect(salvaged.lost(.tensor) == ["t3"] && salvaged.recovered.count == 7)
    try expectEqual(salvaged, tensors, "failing disk")
  }

  @Test func `A call of the system that fails once costs nothing`() throws {
    let folder = try TestFolder()
    let (tensors, bytes) = try checkpointToDamage(.raw)
    let broken = folder.file("broken.cairn")
    try Container.write(tensors, to: broken, options: WriteOptions { $0.codec = .raw })
    var failing = 1
    while true {
      let files = FaultyFileSystem(failing: failing)
      var options = SalvageOptions()
      options.reading.files = files
      do throws(CairnError) {
        let salvaged = try Salvage(path: broken, options: options)
        #expect(salvaged.losses.isEmpty && salvaged.recovered.count == tensors.count)
      } catch {
        // Opening it, and asking for its size, must succeed.
        #expect(["open", "fstat"].contains(files.failedCall))
        #expect(error.location.file == broken)
      }
      guard files.hasFailed else { break }
      failing += 1
    }
    #expect(failing > 10 && bytes.count > 0)
  }
}
