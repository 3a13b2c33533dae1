// HDF5: files that h5py wrote, files that must be refused, damage.

import CairnCheckpoints
import CairnContainer
import CairnForeign
import CairnModelFiles
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@Suite struct HDF5Tests {
  private let folder: TestFolder
  init() throws { folder = try TestFolder() }

  static let readable = FormatFixture.all("hdf5")

  @Test func `Attributes are metadata of their types`() throws {
    let file = try CheckpointFile.open("\(fixtures)/hdf5/attributes.h5")
    let long = String(repeating: "a", count: 100)
    let expected: [(key: TensorName, value: MetadataValue)] = [
      ("text", .string("hé")), ("texts", .strings(["x", "", "yy"])), ("fixed", .string("ab")),
      ("signed", .int(-5)), ("unsigned", .uint(.max)), ("float", .float(1.5)),
      ("float32", .float(Double(Float(0.1)))), ("bool", .bool(true)),
      ("bools", .bools([true, false])), ("floats", .floats([1.5, -2])), ("none", .floats([])),
      ("bytes", .bytes([0, 1])), ("big", .ints([1, 2])), (try TensorName(long), .int(1)),
      ("x@unit", .string("m")),
    ]
    #expect(file.source.metadata == Metadata(expected))
    #expect(file.remarks.count == 1 && file.remarks[0].contains("square"))
  }

  /// What is not read and hides nothing, and what is said of it.
  static let odd: [(file: String, says: String)] = [
    ("external_link", "external"), ("soft_link", "soft"), ("external_data", "other files"),
    ("virtual", "virtual"), ("cycle", "another name"), ("compound", "compound"),
    ("sequences", "variable length"), ("references", "reference"), ("opaque", "opaque"),
    ("lzf", "lzf"), ("null", "null"),
  ]

  @Test(arguments: odd)
  func `What leads out of the file, or is no number, is named and hides nothing`(
    file: String, says: String
  ) throws {
    let source = try CheckpointFile.open("\(fixtures)/hdf5/refused_\(file).h5").source
    let items = source.opaqueItems
    #expect(!items.isEmpty)
    #expect(
      items.contains { "\($0.type) \($0.reason)".contains(says) }, "\(items)")
  }

  @Test func `Names that none can have here hide nothing, and texts keep their NULs`() throws {
    let file = try CheckpointFile.open("\(fixtures)/hdf5/odd_names.h5")
    #expect(try file.source.entries().map(\.name) == ["ok"])
    #expect(file.opaqueItems.count == 4)
    let texts = try file.source.tensor(named: "ok").byteStrings()
    // As h5py reads them: b'a\0b', b'\0\0x', b'y'.
    #expect(texts == [[0x61, 0, 0x62], [0, 0, 0x78], [0x79]])
    #expect(file.source.metadata["ok@text"] == .string("c\u{0}d"))
    // Two attributes whose keys are one here.
    #expect(file.source.metadata["ok@taken"] == .int(1))
    #expect(file.source.metadata["ok@taken~2"] == .int(2))
    #expect(file.remarks.contains { $0.contains("ok@taken~2") })
  }

  @Test(arguments: ["shape_bomb", "chunk_bomb"])
  func `A file that claims far more than it has is refused`(file: String) throws {
    let error = try #require(refusal(of: "\(fixtures)/hdf5/refused_\(file).h5"))
    #expect(["overBudget", "limitExceeded"].contains(error.code.name), "\(error)")
    #expect(error.location.file != nil)
  }

  @Test(arguments: ["user_block.h5", "refused_null.h5"])
  func `A file cut anywhere is refused`(name: String) throws {
    let whole = try contents(of: "\(fixtures)/hdf5/\(name)")
    for count in stride(from: 0, to: whole.count, by: 7) {
      #expect(throws: CairnError.self) {
        _ = try HDF5File(MemoryBytes(Array(whole[..<count])))
      }
    }
  }

  @Test(arguments: ["user_block.h5", "chunks.h5", "attributes.h5"])
  func `A file with any byte changed is read or refused, never more`(name: String) throws {
    var bytes = try contents(of: "\(fixtures)/hdf5/\(name)")
    var refused = 0
    for place in stride(from: 0, to: bytes.count, by: bytes.count > 4_000 ? 29 : 1) {
      for flip in [0xFF, 0x01] as [UInt8] {
        bytes[place] ^= flip
        do throws(CairnError) {
          let file = try HDF5File(MemoryBytes(bytes))
          for index in 0..<file.count where try file.entry(at: index).byteCount < 1 << 20 {
            _ = try file.tensor(at: index)
          }
        } catch {
          refused += 1
          #expect(!error.message.isEmpty)
        }
        bytes[place] ^= flip
      }
    }
    #expect(refused > 0)
  }

  @Test func `Damaged chunks and headers with sums are found`() throws {
    var bytes = try contents(of: "\(fixtures)/hdf5/types_v108.h5")
    let header = try #require(bytes.indices.first { bytes[$0...].starts(with: Array("OHDR".utf8)) })
    bytes[header + 12] ^= 1
    #expect(code { _ = try HDF5File(MemoryBytes(bytes)) } == .checksumMismatch)
  }

  @Test(arguments: readable)
  func `What is written is read again, and the same twice`(fixture: FormatFixture) throws {
    let source = try NamedTensors(reading: CheckpointFile.open(fixture.path).source)
    guard try !source.entries().contains(where: { $0.dtype == .string }) else { return }
    let paths = [folder.file("one.weights.h5"), folder.file("two.weights.h5")]
    for path in paths {
      var sink = try CheckpointFormat.hdf5.writer(to: path, accepting: [.configuration])
      try sink.write(source)
    }
    #expect(try contents(of: paths[0]) == contents(of: paths[1]))
    let read = try NamedTensors(reading: CheckpointFile.open(paths[0]).source)
    #expect(read.names == source.names)
    #expect(read.metadata == source.metadata)
    for index in 0..<source.count {
      #expect(try read.entry(at: index) == source.entry(at: index))
      #expect(try read.tensor(at: index) == source.tensor(at: index))
    }
  }

  @Test func `Names that are no paths, orders that no group has, and ties survive`() throws {
    var source = NamedTensors()
    try source.add(Tensor([1, 2] as [Float]), named: "b/x")
    try source.add(Tensor([3] as [Float]), named: "a")
    try source.add(Tensor([4, 5, 6] as [Float]), named: "b/y")
    try source.addAlias("é.tied", of: "a")
    source.metadata["b@note"] = .string("of a group")
    source.metadata["list"] = .strings(["x", ""])
    let path = folder.file("odd.weights.h5")
    var sink = try CheckpointFormat.hdf5.writer(to: path)
    try sink.write(source)
    let read = try NamedTensors(reading: CheckpointFile.open(path).source)
    #expect(read.names == source.names)
    #expect(try read.entry(at: 3).aliasOf == "a")
    #expect(read.metadata == source.metadata)
  }

  @Test func `A type of 4 GB without elements takes no memory, nor do texts that are nowhere`()
    throws
  {
    for name in ["bomb_wide", "bomb_texts"] {
      do throws(CairnError) {
        let source = try CheckpointFile.open("\(fixtures)/hdf5/\(name).h5").source
        for index in 0..<source.count {
          #expect(try source.entry(at: index).byteCount < 32 << 20)
        }
      } catch {
        #expect(["overBudget", "limitExceeded"].contains(error.code.name), "\(error)")
      }
    }
  }

  @Test func `Names in two normal forms are two, and their folders too`() throws {
    var source = NamedTensors()
    let names = ["e\u{301}/x", "\u{e9}/x", "a/\u{338}b", "a/b", "\u{e9}/vars/0"]
    for (number, name) in names.enumerated() {
      try source.add(Tensor([Float(number)]), named: TensorName(name))
    }
    let path = folder.file("forms.weights.h5")
    var sink = try CheckpointFormat.hdf5.writer(to: path)
    try sink.write(source)
    let read = try CheckpointFile.open(path).source
    for (number, name) in names.enumerated() {
      let index = try #require(try read.index(of: TensorName(name)))
      #expect(try read.tensor(at: index) == Tensor([Float(number)]))
    }
    #expect(read.count == names.count)
  }

  @Test func `Two attributes of one object by one name are refused`() throws {
    var source = NamedTensors()
    try source.add(Tensor([1] as [Float]).cast(to: .bfloat16), named: "a")
    source.metadata["a@dtype"] = .string("another")
    let path = folder.file("twice.weights.h5")
    var sink = try CheckpointFormat.hdf5.writer(to: path)
    #expect(code { try sink.write(source) } == .cannotHold)
  }

  @Test(arguments: ["a//b", "/a", "a/.", "a/b/c"])
  func `A name that can be no path is refused`(name: String) throws {
    var source = NamedTensors()
    try source.add(Tensor([1] as [Float]), named: "a/b")
    try source.add(Tensor([1] as [Float]), named: TensorName(name))
    let path = folder.file("bad.weights.h5")
    var sink = try CheckpointFormat.hdf5.writer(to: path)
    #expect(code { try sink.write(source) } == .cannotHold)
    #expect(try folder.names() == [])
  }
}
