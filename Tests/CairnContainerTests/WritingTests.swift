// What the writer refuses, and what it leaves behind.

import CairnCheckpoints
import CairnContainer
import CairnSystem
import CairnTensors
import CairnTestSupport
import Foundation
import Testing

@Suite struct WritingTests {
  @Test func `A writer that is dropped leaves nothing behind`() throws {
    let folder = try TestFolder()
    try Data("old".utf8).write(to: URL(fileURLWithPath: folder.file("x.cairn")))
    do {
      let writer = try ContainerWriter(path: folder.file("x.cairn"))
      try writer.append(Tensor(scalar: Float(1)), named: "x")
    }
    #expect(try folder.names() == ["x.cairn"])
    #expect(try Data(contentsOf: URL(fileURLWithPath: folder.file("x.cairn"))) == Data("old".utf8))
  }

  @Test func `A source that fails half-way leaves the old file`() throws {
    struct Failing: TensorSource {
      var count: Int { 1 }
      func entry(at index: Int) throws(CairnError) -> TensorEntry {
        TensorEntry(
          name: "x", dtype: .uint8, shape: try Shape([40 << 20]), byteCount: 40 << 20, position: 0)
      }
      func read(
        at index: Int, from offset: Int, into bytes: inout MutableSpan<UInt8>
      ) throws(CairnError) {
        if offset >= 20 << 20 { throw CairnError(.inputOutput, "gone") }
      }
    }
    let folder = try TestFolder()
    try Data("old".utf8).write(to: URL(fileURLWithPath: folder.file("x.cairn")))
    let error = #expect(throws: CairnError.self) {
      try Container.write(Failing(), to: folder.file("x.cairn"))
    }
    #expect(error?.code == .inputOutput)
    #expect(try folder.names() == ["x.cairn"])
    #expect(try Data(contentsOf: URL(fileURLWithPath: folder.file("x.cairn"))) == Data("old".utf8))
  }

  @Test func `Progress ends at the total, and throwing from it stops the write`() throws {
    let folder = try TestFolder()
    // 20 MiB: progress is told of each piece.
    let options = WriteOptions { $0.threads = 2 }
    let tensors = try NamedTensors([
      ("zeros", Tensor(zeros: .float32, shape: [5, 1 << 20])), ("one", Tensor(scalar: Float(1))),
    ])
    var last = WorkProgress(done: 0, total: 0)
    var calls = 0
    try Container.write(tensors, to: folder.file("x.cairn"), options: options) {
      (progress) throws(CairnError) in
      #expect(progress.done >= last.done)
      last = progress
      calls += 1
    }
    #expect(last.done == last.total)
    #expect(calls >= 20)
    let error = #expect(throws: CairnError.self) {
      try Container.write(tensors, to: folder.file("y.cairn"), options: options) {
        (progress) throws(CairnError) in
        if progress.done > 0 { throw CairnError(.interrupted, "stop") }
      }
    }
    #expect(error?.code == .interrupted)
    #expect(try folder.names() == ["x.cairn"])
  }

  @Test func `What a type does not allow is not written`() throws {
    // Read through a source that does not check, as a foreign file's reader does not.
    struct Bytes: TensorSource {
      var dtype: DType
      var shape: Shape
      var bytes: [UInt8]
      var count: Int { 1 }
      func entry(at index: Int) throws(CairnError) -> TensorEntry {
        TensorEntry(name: "x", dtype: dtype, shape: shape, byteCount: bytes.count, position: 0)
      }
      func read(
        at index: Int, from offset: Int, into target: inout MutableSpan<UInt8>
      ) throws(CairnError) {
        for number in 0..<target.count { target[number] = bytes[offset + number] }
      }
    }
    let cases = [
      Bytes(dtype: .bool, shape: [3], bytes: [0, 1, 2]),
      Bytes(dtype: .int4, shape: [3], bytes: [0x21, 0x13]),
      Bytes(dtype: .string, shape: [1], bytes: [2, 0, 0, 0, 0, 0, 0, 0, 65]),
      Bytes(
        dtype: .string, shape: [2],
        bytes: [1, 0, 0, 0, 0, 0, 0, 0] + [0, 0, 0, 0, 0, 0, 0, 0]),
    ]
    for source in cases {
      let error = #expect(throws: CairnError.self) { try Container.encode(source) }
      #expect(error?.code == .invalidElement)
      #expect(error?.location.name == "x")
    }
  }

  @Test func `Positions, names and owners that make no checkpoint are refused`() throws {
    let folder = try TestFolder()
    let value = try Tensor(scalar: Float(1))
    func code(_ body: (ContainerWriter) throws -> Void) throws -> CairnError.Code? {
      let writer = try ContainerWriter(path: folder.file("x"))
      do {
        try body(writer)
        _ = try writer.finish()
        return nil
      } catch {
        return (error as? CairnError)?.code
      }
    }
    #expect(
      try code {
        try $0.append(value, named: "a")
        try $0.append(value, named: "a")
      } == .duplicateName)
    #expect(try code { try $0.append(value, named: "a", position: 1) } == .invalidArgument)
    #expect(
      try code {
        try $0.append(value, named: "a", position: 0)
        try $0.append(value, named: "b", position: 0)
      } == .invalidArgument)
    #expect(try code { try $0.appendAlias("b", of: "a") } == .noSuchTensor)
    #expect(
      try code {
        try $0.attach(configuration: ConfigurationText(parsing: Array("{".utf8)))
      } == .invalidConfiguration)
    #expect(
      try code {
        try $0.append(value, named: "a")
        try $0.attach()
      } == .invalidArgument)
    #expect(try folder.names().isEmpty)
  }

  @Test func `An alias of an alias is one of its owner`() throws {
    let folder = try TestFolder()
    let writer = try ContainerWriter(path: folder.file("x"))
    try writer.append(Tensor(scalar: Float(1)), named: "a")
    try writer.appendAlias("b", of: "a")
    try writer.appendAlias("c", of: "b")
    _ = try writer.finish()
    let container = try Container(path: folder.file("x"))
    _ = try container.verify(.deep)
    #expect(try container.entry(at: 2).aliasOf == "a")
  }

  @Test(arguments: [15, 25, -1])
  func `A chunk size out of range is refused before anything is written`(log2: Int) throws {
    let folder = try TestFolder()
    let error = #expect(throws: CairnError.self) {
      try ContainerWriter(path: folder.file("x"), options: WriteOptions { $0.log2ChunkSize = log2 })
    }
    #expect(error?.code == .invalidArgument)
    #expect(try folder.names().isEmpty)
  }

  @Test func `Constant data takes next to nothing and noise no more than itself and a header`()
    throws
  {
    var random = SeededNumbers(4)
    let noise = (0..<100_000).map { _ in UInt64.random(in: .min ... .max, using: &random) }
    let folder = try TestFolder()
    for (name, tensor, most) in [
      ("zeros", try Tensor(zeros: .float32, shape: [1_000_000]), 40_000),
      ("noise", try Tensor(noise), 800_000 + 4 * 64 + 4_096),
    ] {
      let writer = try ContainerWriter(path: folder.file(name))
      try writer.append(tensor, named: "x")
      #expect(try writer.finish().fileByteCount <= most)
    }
  }
}
