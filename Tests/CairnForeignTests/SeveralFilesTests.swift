// Writing checkpoints of several files: shards with an index, TensorFlow's bundles.

import CairnCheckpoints
import CairnContainer
import CairnModelFiles
import CairnSystem
import CairnTensors
import CairnTestSupport
import Foundation
import Testing

@testable import CairnForeign

@Suite struct SeveralFilesTests {
  private let folder: TestFolder
  init() throws { folder = try TestFolder() }

  private static let index = "model.safetensors.index.json"

  private func write(
    _ source: any TensorSource, to name: String, as format: CheckpointFormat, shard: Int? = nil,
    losing losses: AcceptedLosses = []
  ) throws {
    var options = WriteOptions()
    options.durability = .none
    if let shard { options.shardByteCount = shard }
    var sink = try format.writer(to: folder.file(name), options: options, accepting: losses)
    try sink.write(source)
  }

  /// Names, order, types, shapes, ties, bits, metadata.
  private func expectSame(_ one: any TensorSource, _ other: any TensorSource) throws {
    let (left, right) = (try NamedTensors(reading: one), try NamedTensors(reading: other))
    #expect(try left.entries() == right.entries())
    for name in left.names { #expect(left[name] == right[name], "\(name)") }
    #expect(left.metadata == right.metadata)
  }

  @Test func `What huggingface_hub wrote comes back byte for byte, by way of a container`() throws {
    let home = "\(fixtures)/sharded/safetensors/"
    let container = try Container(Container.encode(CheckpointFile.open(home).source))
    try write(container, to: Self.index, as: .sharded, shard: 200)
    let names = try FileManager.default.contentsOfDirectory(atPath: home).sorted()
    #expect(try folder.names() == names && names.count == 4)
    for name in names { #expect(try contents(of: folder.file(name)) == contents(of: home + name)) }
  }

  @Test(arguments: FormatRegistry.standard.formats.filter(\.isWritable).map(\.name))
  func `A sink says how many bytes it has written`(format: String) throws {
    let format = try FormatRegistry.standard.named(format)
    var tensors = NamedTensors()
    try tensors.add(Tensor([Float](repeating: 1, count: 10_000)), named: "w")
    if format.name != "npy" { try tensors.add(Tensor([Float(1), 2]), named: "b") }
    var options = WriteOptions()
    options.durability = .none
    let name = format.name == "sharded" ? Self.index : "x." + format.extensions[0]
    var sink = try format.writer(to: folder.file(name), options: options, accepting: .all)
    guard format.name != "keras" else {
      // It is of a model.
      #expect(code { try sink.write(tensors) } == .cannotHold)
      return
    }
    let written = try sink.write(tensors)
    let bytes = try folder.names().reduce(0) { $0 + (try contents(of: folder.file($1)).count) }
    #expect(written == bytes && written > 0)
  }

  @Test(arguments: [(1, 5), (96, 5), (192, 3), (480, 1), (.max, 1)] as [(Int, Int)])
  func `A shard holds what fits, in the order of weights`(size: Int, count: Int) throws {
    // Five tensors of 96 bytes.
    let source = try CheckpointFile.open("\(fixtures)/sharded/safetensors").source
    try write(source, to: "x.index.json", as: .sharded, shard: size)
    #expect(try folder.names().count == count + 1)
    #expect(try folder.names().first == "x-00001-of-0000\(count).safetensors")
    let file = try CheckpointFile.open(folder.file("x.index.json"))
    try expectSame(source, file.source)
    try file.verify(.deep)
  }

  @Test func `Ties that metadata tell, and typed metadata, come back`() throws {
    var tied = try NamedTensors([
      ("w.k", Tensor([1, 2] as [Float])), ("b", Tensor([3] as [Int8])),
      ("c.k", Tensor([4] as [Int8])),
    ])
    try tied.addAlias("again.k", of: "c.k")
    try tied.addAlias("head.k", of: "w.k")
    for (key, value) in [
      ("again.k", .string("c.k")), ("head.k", .string("w.k")), ("format", .string("pt")),
      ("parameters", .int(-3)), ("rate", .float(0.1)), ("one", .float(1)), ("yes", .bool(true)),
      ("large", .uint(.max)), ("text", .string("é")), ("total_size", .int(99)),
    ] as [(TensorName, MetadataValue)] { tied.metadata[key] = value }
    try write(tied, to: Self.index, as: .sharded, shard: 1)
    try expectSame(tied, CheckpointFile.open(folder.path).source)
    #expect(try folder.names().count == 4)
  }

  @Test func `No tensors are a checkpoint too`() throws {
    var none = NamedTensors()
    none.metadata["format"] = .string("pt")
    try write(none, to: Self.index, as: .sharded)
    try expectSame(none, CheckpointFile.open(folder.path).source)
    none.metadata = Metadata()
    try write(none, to: "none.index", as: .tensorflow)
    try expectSame(none, CheckpointFile.open(folder.file("none.index")).source)
  }

  @Test func `What the formats have no place for is refused, or lost if accepted`() throws {
    var tied = try NamedTensors([("b", Tensor([1] as [Int8]))])
    try tied.addAlias("c", of: "b")
    var counted = try NamedTensors([("b", Tensor([1] as [Int8]))])
    counted.metadata["epoch"] = .uint(3)
    let disordered = try NamedTensors([
      ("b", Tensor([1] as [Int8])), ("a", Tensor([2] as [Int8])),
    ])
    var configured = NamedTensors()
    configured.configuration = [0x7B, 0x7D]
    let small = try NamedTensors([("x", Tensor(zeros: .float8E4M3FNUZ, shape: [1]))])
    for (source, format, loss) in [
      (tied, .sharded, .ties), (counted, .sharded, .metadataTypes),
      (configured, .sharded, .configuration), (tied, .tensorflow, .ties),
      (counted, .tensorflow, .metadata), (disordered, .tensorflow, .order),
      (configured, .tensorflow, .configuration), (small, .tensorflow, nil),
      (try NamedTensors([("t", Tensor(strings: ["x"]))]), .sharded, nil),
    ] as [(NamedTensors, CheckpointFormat, AcceptedLosses?)] {
      let name = format.name == "sharded" ? Self.index : "x.index"
      #expect(code { try write(source, to: name, as: format) } == .cannotHold)
      #expect(try folder.names() == [])
      guard let loss else { continue }
      #expect(try format.losses(of: source).map(\.kind) == [loss])
      try write(source, to: name, as: format, losing: loss)
      let found = try NamedTensors(reading: CheckpointFile.open(folder.file(name)).source)
      #expect(Set(found.names) == Set(source.names))
      for name in source.names { #expect(found[name] == source[name]) }
      for name in try folder.names() {
        try FileManager.default.removeItem(atPath: folder.file(name))
      }
    }
    for (name, format) in [
      ("model.json", .sharded), (".index.json", .sharded), ("model", .tensorflow),
      (".index", .tensorflow),
    ] as [(String, CheckpointFormat)] {
      #expect(
        code { try write(disordered, to: name, as: format, losing: .all) } == .invalidArgument)
    }
    #expect(try folder.names() == [])
  }

  @Test(arguments: TensorFlowTests.readable)
  func `A bundle comes back by way of a container`(fixture: FormatFixture) throws {
    let source = try CheckpointFile.open(fixture.path).source
    try write(Container(Container.encode(source)), to: "x.index", as: .tensorflow)
    let file = try CheckpointFile.open(folder.file("x.index"))
    try expectSame(source, file.source)
    try file.verify(.deep)
    #expect(try folder.names() == ["x.data-00000-of-00001", "x.index"])
  }

  @Test func `A bundle is the one that TensorFlow writes`() throws {
    // `sorted` was written with its keys ascending, as our writer puts them.
    let home = "\(fixtures)/tensorflow/sorted"
    try write(CheckpointFile.open(home + ".index").source, to: "sorted.index", as: .tensorflow)
    for ending in [".index", ".data-00000-of-00001"] {
      #expect(try contents(of: folder.file("sorted" + ending)) == contents(of: home + ending))
    }
  }

  @Test func `An index of many blocks is read back`() throws {
    var many = NamedTensors()
    let padding = String(repeating: "x", count: 900)
    for number in 10_000..<10_700 {
      try many.add(Tensor([UInt16(number)]), named: TensorName("\(number)\(padding)\(number)"))
    }
    try write(many, to: "many.index", as: .tensorflow)
    #expect(try FileBytes(path: folder.file("many.index")).count > 2 * 262_144)
    try expectSame(many, CheckpointFile.open(folder.file("many.index")).source)
  }

  @Test(arguments: [CheckpointFormat.sharded, .tensorflow])
  func `Whichever call fails, there is the old checkpoint, the new one, or none`(
    format: CheckpointFormat
  ) throws {
    func tensors(_ value: UInt8) throws -> NamedTensors {
      try NamedTensors([
        ("a", Tensor([UInt8](repeating: value, count: 300))),
        ("b", Tensor([UInt8](repeating: value, count: 300))),
      ])
    }
    let (old, new) = (try tensors(1), try tensors(2))
    var operation = 1
    var states = Set<Int>()
    while true {
      let folder = try TestFolder()
      let path = folder.file(format.name == "sharded" ? Self.index : "x.index")
      var options = WriteOptions()
      options.shardByteCount = 300
      var sink = try format.writer(to: path, options: options)
      try sink.write(old)
      let names = try folder.names()
      let files = FaultyFileSystem(failing: operation, with: SystemError.noSpace.number)
      options.files = files
      sink = try format.writer(to: path, options: options)
      let error = code { try sink.write(new) }
      #expect(files.openCount == 0)
      // Without its index it is no checkpoint; with it the old or the new one, whole.
      if try folder.names().contains(where: { path.hasSuffix("/" + $0) }) {
        let found = try NamedTensors(reading: CheckpointFile.open(path).source)
        #expect(found["a"] == found["b"] && (found["a"] == old["a"] || found["a"] == new["a"]))
        states.insert(found["a"] == old["a"] ? 1 : 2)
      } else {
        #expect(error == .noSpace)
        states.insert(0)
      }
      #expect(try Set(folder.names()).isSubset(of: names), "nothing else is left")
      guard files.hasFailed else { break }
      operation += 1
      try #require(operation < 200)
    }
    #expect(states == [0, 1, 2])
  }

  @Test func `Files that are there stay, if they must`() throws {
    let source = try NamedTensors([("a", Tensor([1] as [Int8]))])
    var options = WriteOptions()
    options.replacing = false
    for (format, name) in [(.sharded, Self.index), (.tensorflow, "x.index")]
      as [(CheckpointFormat, String)]
    {
      var sink = try format.writer(to: folder.file(name), options: options)
      try sink.write(source)
      #expect(code { try sink.write(source) } == .alreadyExists)
      try FileManager.default.removeItem(atPath: folder.file(name))
      #expect(code { try sink.write(source) } == .alreadyExists)
    }
  }
}
