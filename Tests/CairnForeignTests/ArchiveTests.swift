// Archives and sets of files that their own library reads, and that look like something else: what PyTorch and
// NumPy read in them, which format an archive is of, and what is said of one that is cut short.

import CairnCheckpoints
import CairnContainer
import CairnEditing
import CairnForeign
import CairnJSON
import CairnModelFiles
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@Suite struct ArchiveTests {
  private let folder: TestFolder
  init() throws { folder = try TestFolder() }

  private static let home = "\(fixtures)/archives"

  private static func expected() throws -> JSONValue {
    try JSONValue(parsing: contents(of: "\(home)/expected.json"))
  }

  private static func open(_ name: String) throws -> CheckpointFile {
    try CheckpointFile.open("\(home)/\(name)")
  }

  // MARK: - PyTorch

  @Test func `A large container of numbers and texts is one text, as Python writes it`() throws {
    let file = try Self.open("containers.pt")
    let expected = try #require(try Self.expected()["containers"])
    let metadata = file.source.metadata
    #expect(file.opaqueItems.isEmpty)
    for pair in try #require(expected["texts"]?.objectValue) {
      #expect(metadata[try TensorName(pair.key)] == pair.value.stringValue.map { .string($0) })
    }
    #expect(metadata["config.lr"] == .float(try #require(expected["lr"]?.doubleValue)))
    #expect(metadata["steps"] == .ints((0..<1_200).map { Int64($0) }))
    // One each, and what else there is.
    #expect(metadata.count == 6)
    try CheckpointFormat.cairn.refuse(file.source, accepting: [])
  }

  @Test func `What stands there once is never said to be listed elsewhere`() throws {
    // 60,000 numbers of two kinds, 20,000 keys, 9,000 small dictionaries, each there once.
    let mixed =
      "](" + String(repeating: "K\u{1}G?\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}", count: 30_000) + "e"
    let rows = "](" + String(repeating: "}(U\u{1}aK\u{1}U\u{1}bNu", count: 9_000) + "e"
    for program in [mixed, rows] {
      let path = folder.file("once.pt")
      let bytes = program.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
      try write(PickleProgram.stream(bytes), to: path)
      let file = try CheckpointFile.open(path)
      #expect(file.opaqueItems.isEmpty)
      #expect(file.source.metadata.count == 1)
    }
  }

  @Test func `Thousands of objects of one container are named by few lines`() throws {
    let program = "](" + String(repeating: "cx\ny\n)R", count: 5_000) + "e"
    let path = folder.file("objects.pt")
    try write(PickleProgram.stream(Array(program.utf8)), to: path)
    let items = try CheckpointFile.open(path).opaqueItems
    #expect(items.count == 513)
    #expect(items.last?.reason == "4488 more of what it holds are not read")
  }

  @Test(.timeLimit(.minutes(5)))
  func `A large container that stands in thousands of places is listed in some of them`() throws {
    // A dictionary of 1,100 keys, an object, and the dictionary 100,000 times more.
    let keys = (0..<1_100).map { "U\u{4}\(1_000 + $0)N" }.joined()
    let program =
      "}(" + keys + "uq\u{0}](cx\ny\n)R" + String(repeating: "h\u{0}", count: 100_000) + "e"
    let path = folder.file("shared.pt")
    let bytes = program.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
    try write(PickleProgram.stream(bytes), to: path)
    let file = try CheckpointFile.open(path)
    #expect((10...100).contains(file.source.metadata.count))
    let items = file.opaqueItems
    #expect(items.count == 513 && items[1].reason == "it is listed in another place already")
  }

  @Test func `A parameter of a sparse tensor, or of one without data, is its parts`() throws {
    let file = try Self.open("parameters.pt")
    let expected = try #require(try Self.expected()["parameters"])
    #expect(file.opaqueItems.isEmpty)
    #expect(file.source.metadata["meta.shape"] == .ints([3]))
    #expect(expected["meta"] == .array([.integer(3)]))
    let names = try file.source.entries().map(\.name.string)
    #expect(names == ["sparse.indices", "sparse.values"])
    let rows = try #require(expected["indices"]?.arrayValue)
    let numbers = rows.flatMap { $0.arrayValue ?? [] }.compactMap { $0.doubleValue.map(Int64.init) }
    #expect(try file.source.tensor(named: "sparse.indices").scalars(of: Int64.self) == numbers)
  }

  @Test func `A part of a tensor of which several numbers share a byte is not the whole`() throws {
    let file = try Self.open("packed_views.pt")
    #expect(try Self.expected()["packed_views"]?["whole"] == .integer(12))
    let entries = try file.source.entries()
    #expect(entries.first { $0.name == "whole.packed" }?.byteCount == 12)
    #expect(entries.first { $0.name == "first.packed" }?.byteCount == 3)
    #expect(!entries.contains { $0.name == "rest.packed" })
    #expect(file.opaqueItems.map(\.pathText) == ["rest"])
  }

  @Test func `Two tensors of one empty storage are read from a stream`() throws {
    let file = try Self.open("empty_twice.pt")
    let shapes = try file.source.entries().map { "\($0.shape)" }
    #expect(shapes == ["(0,)", "(0, 3)"])
    try file.verify(.deep)
  }

  @Test func `A subclass that is not made is named by its class, an extra file by its name`() throws
  {
    let wrapper = try Self.open("wrapper.pt")
    #expect(wrapper.opaqueItems.map(\.type) == ["package_of_wrappers.Wrapper"])
    let script = try Self.open("script_extra.pt").opaqueItems
    #expect(script.contains { $0.pathText == "extra/labels.txt" })
  }

  // MARK: - Which format an archive is of

  @Test func `An archive is of the format that its directory tells`() throws {
    let arrays = try #require(try Self.expected()["arrays"]?.objectValue)
    for pair in arrays {
      let file = try Self.open(pair.key)
      #expect(file.formatName == "npz", "\(pair.key)")
      try file.verify(.deep)
    }
    let model = try Self.open("folder_first.keras")
    #expect(model.formatName == "keras" && model.source.configuration != nil)
  }

  @Test(arguments: [0.05, 0.3, 0.5, 0.95, 1])
  func `An archive that is cut short is called that`(part: Double) throws {
    for (name, format) in [
      ("parameters.pt", "pytorch"), ("long_name.npz", "npz"), ("folder_first.keras", "keras"),
    ] {
      let whole = try contents(of: "\(Self.home)/\(name)")
      let count = max(100, min(whole.count - 1, Int(Double(whole.count) * part)))
      let zeros = [UInt8](repeating: 0, count: whole.count - count)
      for bytes in [Array(whole[..<count]), Array(whole[..<count]) + zeros] {
        // One byte less than all may be the last zero of an empty comment.
        guard bytes != whole else { continue }
        let path = folder.file(name)
        try write(bytes, to: path)
        #expect(try FormatRegistry.standard.detect(path).name == format, "\(name) \(count)")
        let error = try #require(refusal(of: path))
        #expect(error.code == .truncated && error.saysInvalid, "\(error)")
      }
    }
  }

  @Test func `What is no archive is not called one that is cut short`() throws {
    for name in ["x.npz", "x.keras"] {
      let path = folder.file(name)
      try write([UInt8](repeating: 7, count: 500), to: path)
      #expect(refusal(of: path)?.code == .invalidHeader)
    }
  }

  // MARK: - Names and texts in archives of NumPy

  @Test func `Any name that a tensor may have is kept, and another hides nothing`() throws {
    let file = try Self.open("names.npz")
    let names = try file.source.entries().map(\.name.string)
    #expect(names == ["/dense/kernel", "a\\b", "a//b", "a/../b", "../up", "ok"])
    #expect(file.opaqueItems.map(\.pathText) == [".npy", "a\nb"])
    let values = try file.source.tensor(named: "../up").scalars(of: Float.self)
    #expect(values == [4])
    var edited = try EditedTensors(file.source)
    try edited.select(excluding: [NamePattern("a?b"), NamePattern(".npy")])
    try CheckpointFormat.npz.refuse(edited, accepting: [])
    let copy = folder.file("copy.npz")
    var writer = try CheckpointFormat.npz.writer(to: copy)
    try writer.write(edited)
    #expect(
      try CheckpointFile.open(copy).source.entries().map(\.name.string)
        == ["/dense/kernel", "a//b", "a/../b", "../up", "ok"])
  }

  @Test func `A text that has no place here hides no other array`() throws {
    let file = try Self.open("surrogate.npz")
    #expect(try file.source.entries().map(\.name.string) == ["a"])
    #expect(file.opaqueItems.map(\.pathText) == ["s"])
  }

  @Test func `No arrays are written as NumPy writes them`() throws {
    let path = folder.file("nothing.npz")
    var writer = try CheckpointFormat.npz.writer(to: path)
    try writer.write(EditedTensors(try Self.open("nothing.npz").source))
    #expect(try contents(of: path) == contents(of: "\(Self.home)/nothing.npz"))
  }

  // MARK: - Several files

  @Test func `A tied tensor has the values of the shard that the index names`() throws {
    for name in ["tie_elsewhere", "tie_second"] {
      let source = try Self.open(name).source
      let place = try #require(try source.index(of: "head"))
      #expect(try source.entry(at: place).aliasOf == nil)
      #expect(try source.tensor(at: place).scalars(of: Float.self) == [0, 1, 2, 3, 4, 5])
    }
    let elsewhere = try Self.open("tie_elsewhere").source
    #expect(try elsewhere.tensor(named: "emb").scalars(of: Float.self) == [0, 0, 0, 0, 0, 0])
    let first = try Self.open("tie_first")
    #expect(try first.source.entries().map(\.name.string) == ["emb"])
    #expect(first.remarks.contains { $0.contains("\"head\"") })
  }

  @Test func `Who chooses what lies in files that are there needs no others`() throws {
    for name in ["p1.bin", "pytorch_model.bin.index.json"] {
      try write(contents(of: "\(Self.home)/tie_elsewhere/\(name)"), to: folder.file(name))
    }
    let path = folder.file("pytorch_model.bin.index.json")
    #expect(refusal(of: path)?.code == .missingFile)
    var options = ReadOptions()
    options.allowsMissingFiles = true
    let file = try CheckpointFile.open(path, options: options)
    #expect(try file.source.entries().map(\.name.string) == ["head"])
    #expect(file.opaqueItems.map(\.pathText) == ["emb"])
  }

  @Test func `Who leaves out what external data hold needs no file of them`() throws {
    let model = folder.file("model.onnx")
    try write(contents(of: "\(Self.home)/external.onnx"), to: model)
    #expect(refusal(of: model)?.code == .missingFile)
    var options = ReadOptions()
    options.allowsMissingFiles = true
    let file = try CheckpointFile.open(model, options: options)
    #expect(try file.source.entries().map(\.name.string) == ["here"])
    #expect(file.opaqueItems.map(\.pathText) == ["there"])
  }

  @Test func `No metadata of an index or of its shards vanish`() throws {
    let file = try Self.open("metadata")
    let metadata = file.source.metadata
    #expect(metadata["format"] == .string("pt") && metadata["q"] == .string("other"))
    #expect(metadata["s1.safetensors/format"] == .string("mlx"))
    #expect(metadata["s2.safetensors/q"] == .string("same"))
    #expect(metadata["s1.safetensors/k"] == .string("index"))
    #expect(metadata["s2.safetensors/k"] == .string("2"))
    #expect(metadata["extra"] == .string("{\"x\":1}"))
    #expect(file.opaqueItems.map(\.pathText) == ["s1.safetensors/k"])
  }

  @Test func `Sets of files have names of any bytes`() throws {
    let source = try CheckpointFile.open("\(fixtures)/sharded/tied.safetensors").source
    let index = folder.file(SystemPath.text([0x6F, 0xFF]) + ".index")
    var writer = try CheckpointFormat.tensorflow.writer(to: index, accepting: .all)
    try writer.write(source)
    #expect(try CheckpointFile.open(index).source.count == source.count)
    let sharded = folder.file(SystemPath.text([0x6F, 0xFF]) + ".safetensors.index.json")
    var shards = try CheckpointFormat.sharded.writer(to: sharded, accepting: .all)
    #expect(code { try shards.write(source) } == .invalidArgument)
    for number in 1...3 {
      let ending = "-0000\(number)-of-00003.gguf"
      try write(
        contents(of: "\(fixtures)/gguf_more/split\(ending)"),
        to: folder.file(SystemPath.text([0x6D, 0xFF]) + ending))
    }
    let part = folder.file(SystemPath.text([0x6D, 0xFF]) + "-00002-of-00003.gguf")
    let whole = try CheckpointFile.open("\(fixtures)/gguf_more/split-00001-of-00003.gguf")
    #expect(try CheckpointFile.open(part).source.count == whole.source.count)
  }
}
