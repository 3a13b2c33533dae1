// PyTorch checkpoints: what PyTorch wrote, and what must be refused without anything being called.

import CairnCheckpoints
import CairnContainer
import CairnEditing
import CairnForeign
import CairnModelFiles
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@Suite struct PyTorchTests {
  private let folder: TestFolder
  init() throws { folder = try TestFolder() }

  @Test(arguments: ["archive", "stream"])
  func `Numbers and texts are metadata with their paths`(kind: String) throws {
    let metadata = try CheckpointFile.open("\(fixtures)/torch/training_\(kind).pt").source.metadata
    #expect(metadata["epoch"] == .int(3))
    #expect(metadata["note"] == .string("é"))
    #expect(metadata["best"] == .float(0.5))
    #expect(metadata["done"] == .bool(false))
    #expect(metadata["sizes"] == .ints([1, 2, 3]))
    #expect(metadata["shape"] == .ints([2, 3]))
    #expect(metadata["nothing"] == .string("None"))
    #expect(metadata["empty"] == .strings([]))
    #expect(metadata["mixed.0"] == .int(1) && metadata["mixed.1"] == .string("two"))
    #expect(metadata["optimizer.param_groups.0.lr"] == .float(0.01))
    #expect(metadata["optimizer.param_groups.0.betas"] == .floats([0.9, 0.999]))
    #expect(metadata["optimizer.param_groups.0.params"] == .ints([0, 1, 2, 3, 4, 5]))
    #expect(metadata["model._metadata.1.version"] == .int(2))
  }

  @Test func `Sharing that a copy loses is named`() throws {
    let remarks = try CheckpointFile.open("\(fixtures)/torch/views_archive.pt").remarks
    // Not `again`, which is the same view and an alias; nor what has a storage of its own.
    let named = ["transposed", "row", "column", "block", "steps", "element"]
    #expect(remarks.count == named.count)
    for (remark, name) in zip(remarks, named) {
      #expect(remark.hasPrefix("‘\(name)’ shares bytes with ‘whole’"))
    }
    #expect(try CheckpointFile.open("\(fixtures)/torch/every_dtype_stream.pt").remarks.isEmpty)
  }

  @Test(
    arguments: [
      ("module", ["weight", "bias"], "value", "torch.nn.modules.linear.Linear"),
      ("print", ["a"], "b", "builtins.print"), ("system", ["a"], "b", "posix.system"),
      ("system_stream", ["a"], "b", "posix.system"),
      ("script", ["weight", "bias"], "code", "TorchScript"),
    ] as [(String, [String], String, String)])
  func `What would have to be called is opaque and hides nothing`(
    name: String, tensors: [String], path: String, type: String
  ) throws {
    let file = try CheckpointFile.open("\(fixtures)/torch/opaque_\(name).pt")
    #expect(try file.source.entries().map(\.name.string) == tensors)
    #expect(file.opaqueItems.contains { $0.pathText == path && $0.type == type })
    try file.verify(.deep)
    #expect(code { try CheckpointFormat.cairn.refuse(file.source, accepting: []) } == .cannotHold)
    try CheckpointFormat.cairn.refuse(file.source, accepting: .opaque)
    // What is selected is judged alone.
    guard name != "module" && name != "script" else { return }
    var edited = try EditedTensors(file.source)
    try edited.select(including: [NamePattern("a")])
    try CheckpointFormat.cairn.refuse(edited, accepting: [])
  }

  private static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

  @Test(
    arguments: [
      ("an empty stack", bytes(""), "invalidPickle"),
      ("a mark that is not there", bytes("t"), "invalidPickle"),
      ("items of no list", bytes("NNa"), "invalidPickle"),
      ("a memo that is not there", bytes("h\u{5}"), "invalidPickle"),
      ("a text beyond the end", bytes("X") + [0xFF, 0xFF, 0xFF, 0x7F], "truncated"),
      ("eight exabytes of text", [0x8D] + [UInt8](repeating: 0x7F, count: 8), "truncated"),
      ("a text that is no UTF-8", bytes("X\u{1}\u{0}\u{0}\u{0}") + [0xFF], "invalidPickle"),
      ("a callable that is text", bytes("U\u{4}eval)R"), "invalidPickle"),
      ("a protocol of the future", [0x80, 6] + bytes("N"), "unsupportedVersion"),
      ("an opcode that there is not", [0xFF], "invalidPickle"),
      ("an extension's registry", [0x82, 1], "unsupported"),
      ("data beside the pickle", [0x97], "unsupported"),
      (
        "a storage and no tensor",
        bytes("(U\u{7}storagectorch\nFloatStorage\nU\u{1}0U\u{3}cpuK\u{1}tQ"), "truncated"
      ),
      ("a persistent name of something else", bytes("U\u{3}abcQ"), "unsupported"),
    ] as [(String, [UInt8], String)])
  func `A hostile pickle is refused`(what: String, program: [UInt8], code: String) throws {
    let path = folder.file("hostile.pt")
    try write(PickleProgram.stream(program), to: path)
    #expect(refusal(of: path)?.code.name == code, "\(what)")
  }

  @Test func `Strides and offsets that reach beyond a storage are refused`() throws {
    // FloatStorage '0' of four elements, and a view of it.
    func tensor(_ offset: [UInt8], _ size: [UInt8], _ stride: [UInt8]) -> [UInt8] {
      var program = Self.bytes("ctorch._utils\n_rebuild_tensor_v2\n((U\u{7}storage")
      program += Self.bytes("ctorch\nFloatStorage\nU\u{1}0U\u{3}cpuK\u{4}tQ")
      program += offset + size + [0x85] + stride + [0x85, 0x89] + Self.bytes("}tR")
      let data = [4, 0, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 7, count: 16)
      return PickleProgram.stream(program, keys: Self.bytes("]U\u{1}0a")) + data
    }
    func long(_ value: Int64) -> [UInt8] {
      [0x8A, 8] + (0..<8).map { UInt8(truncatingIfNeeded: value >> Int64(8 * $0)) }
    }
    let path = folder.file("view.pt")
    try write(tensor(long(0), long(4), long(1)), to: path)
    #expect(refusal(of: path) == nil)
    for (offset, size, stride, code) in [
      (1, 4, 1, "truncated"), (0, 5, 1, "truncated"), (0, 2, 4, "truncated"),
      (-1, 2, 1, ""), (0, -2, 1, ""), (0, 2, -1, ""),
      (Int64.max, 1, 1, "truncated"), (0, 2, Int64.max, "truncated"),
      (0, 1 << 47, 1 << 40, "truncated"), (0, 1 << 60, 0, "invalidShape"),
      (1 << 61, 1, 1, "truncated"),
    ] as [(Int64, Int64, Int64, String)] {
      try write(tensor(long(offset), long(size), long(stride)), to: path)
      #expect(refusal(of: path)?.code.name ?? "" == code, "\(offset) \(size) \(stride)")
      // What no tensor can be is opaque.
      if code.isEmpty { #expect(try CheckpointFile.open(path).opaqueItems.count == 1) }
    }
    // One element seen 2^40 times: it can be described, and is not loaded at once.
    try write(tensor(long(0), long(1 << 40), long(0)), to: path)
    #expect(try CheckpointFile.open(path).source.entry(at: 0).byteCount == 1 << 42)
    #expect(refusal(of: path)?.code == .overBudget)
    try CheckpointFile.open(path).verify(.deep)
    #expect(
      code { _ = try CheckpointFile.open(path).source.tensor(at: 0, slice: 0..<1) } == .overBudget)
  }

  @Test func `A flipped byte, or a cut, never traps`() throws {
    let path = folder.file("flipped.pt")
    for name in ["one_tensor_stream", "parameters_stream", "one_tensor_archive"] {
      let whole = try contents(of: "\(fixtures)/torch/\(name).pt")
      for place in whole.indices {
        var bytes = whole
        bytes[place] ^= 0x2A
        try write(bytes, to: path)
        _ = refusal(of: path, format: .pytorch)
        try write(Array(whole[..<place]), to: path)
        #expect(refusal(of: path, format: .pytorch) != nil)
      }
    }
  }

  @Test func `It is read and not written`() {
    #expect(
      code { _ = try CheckpointFormat.pytorch.writer(to: folder.file("x.pt")) } == .cannotHold)
    #expect(code { _ = try FormatRegistry.standard.forWriting("x.pt") } == .unknownFormat)
  }
}
