// The same content gives the same bytes; the root digest is the content's alone.

import CairnCheckpoints
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@testable import CairnContainer

@Suite struct DeterminismTests {
  /// Several chunks, several tensors: something for threads to disorder. Made once, because a debug
  /// build takes longer to make weights than to code them.
  private static let large = Result {
    var tensors = try sampleCheckpoint()
    for number in 0..<40 {
      try tensors.add(
        Tensor(weightLike(9_000 + number * 731, seed: UInt64(number))),
        named: TensorName("w\(number)"))
    }
    return tensors
  }

  @Test(arguments: [WriteOptions.Codec.auto, .raw])
  func `The number of threads does not show in the bytes`(codec: WriteOptions.Codec) throws {
    let tensors = try Self.large.get()
    let files = try [1, 2, 3, 8].map { threads in
      try Container.encode(
        tensors,
        options: WriteOptions {
          $0.codec = codec
          $0.threads = Threads(threads)
          $0.log2ChunkSize = 16
        }
      ).allBytes()
    }
    #expect(files.allSatisfy { $0 == files[0] })
  }

  @Test func `The order in which a checkpoint was built does not show in its tensors' bytes`()
    throws
  {
    // Weight order is content; here both orders are told to be the same by naming the positions.
    let a = try Tensor(weightLike(500, seed: 1))
    let b = try Tensor(weightLike(700, seed: 2))
    let folder = try TestFolder()
    var roots: [ContentDigest?] = []
    for (file, names) in [("1", ["a", "b"]), ("2", ["b", "a"])] {
      let writer = try ContainerWriter(path: folder.file(file))
      for name in names {
        try writer.append(
          name == "a" ? a : b, named: TensorName(name), position: name == "a" ? 0 : 1)
      }
      roots.append(try writer.finish().root)
      _ = try Container(path: folder.file(file)).verify(.deep)
    }
    #expect(roots[0] == roots[1])
    #expect(roots[0] != nil)
  }

  @Test func `The root digest does not depend on codec, chunks or alignment`() throws {
    let tensors = try Self.large.get()
    let variants = [
      WriteOptions(), WriteOptions { $0.codec = .raw }, WriteOptions { $0.log2ChunkSize = 16 },
      WriteOptions { $0.log2ChunkSize = 22 },
      WriteOptions {
        $0.codec = .raw; $0.log2Alignment = 16
      },
    ]
    let roots = try variants.map { try Container(Container.encode(tensors, options: $0)).root }
    #expect(Set(roots).count == 1)
    #expect(roots[0] != nil)
  }

  /// Segments are digested several at once where they lie in memory, and one at a time where they do
  /// not or where pieces end within them.
  @Test func `A leaf digest does not depend on how its segments come`() throws {
    let mebibyte = 1 << 20
    let lengths = [
      1, mebibyte - 1, mebibyte, mebibyte + 1, 2 * mebibyte, 3 * mebibyte, 5 * mebibyte + 12_345,
    ]
    var tensors = NamedTensors()
    var expected: [[UInt8]] = []
    for length in lengths {
      // Each segment is another.
      let bytes = (0...length / mebibyte).flatMap { segment in
        [UInt8](
          repeating: UInt8(length % 83 + segment),
          count: min(mebibyte, length - segment * mebibyte))
      }
      let tensor = try Tensor(bytes)
      try tensors.add(tensor, named: TensorName("t\(length)"))
      var leaf = LeafDigest(dtype: .uint8, shape: tensor.shape, byteCount: length)
      for start in stride(from: 0, to: length, by: 100_000) {
        leaf.absorb(bytes.span.extracting(start..<min(start + 100_000, length)))
      }
      expected.append(leaf.finish().bytes)
    }
    for codec in [WriteOptions.Codec.raw, .auto] {
      for log2ChunkSize in [16, 20, 21, 22] {
        let options = WriteOptions {
          $0.codec = codec
          $0.log2ChunkSize = log2ChunkSize
        }
        let written = try Container(Container.encode(tensors, options: options))
        let copied = try Container(Container.encode(written, options: options))
        for container in [written, copied] {
          _ = try container.verify(.deep)
          for (number, length) in lengths.enumerated() {
            let row = try #require(try container.index(of: TensorName("t\(length)")))
            #expect(try container.keptDigest(at: row) == expected[number])
          }
        }
      }
    }
  }

  @Test func `The root digest does not depend on which name owns a tie`() throws {
    let value = try Tensor([1, 2, 3] as [Float])
    let folder = try TestFolder()
    var roots: [ContentDigest?] = []
    for (owner, alias) in [("a", "z"), ("z", "a")] {
      let writer = try ContainerWriter(path: folder.file(owner))
      try writer.append(value, named: TensorName(owner), position: owner == "a" ? 0 : 1)
      try writer.appendAlias(
        TensorName(alias), of: TensorName(owner), position: owner == "a" ? 1 : 0)
      roots.append(try writer.finish().root)
      _ = try Container(path: folder.file(owner)).verify(.deep)
    }
    #expect(roots[0] == roots[1])
  }

  @Test func `Every kind of content shows in the root digest`() throws {
    let original = try sampleCheckpoint()
    func root(_ change: (inout NamedTensors) throws -> Void) throws -> ContentDigest? {
      var copy = original
      try change(&copy)
      return try Container(Container.encode(copy)).root
    }
    let roots = try [
      root { _ in },
      root { $0.metadata["epoch"] = .int(-8) },
      root { $0.metadata["epoch"] = .uint(7) },
      root { $0.metadata["epoch"] = nil },
      root { $0.configuration = nil },
      root { $0.configuration = Array("{}".utf8) },
      root { try $0.addBlob(Blob(name: "more", bytes: [])) },
      root { try $0.add(Tensor(scalar: Float(0)), named: "more") },
      root { try $0.add(Tensor(scalar: -Float(0)), named: "more") },
      root { try $0.add(Tensor(scalar: Int32(0)), named: "more") },
      root { try $0.addAlias("more", of: "step") },
    ]
    #expect(Set(roots).count == roots.count)
  }
}
