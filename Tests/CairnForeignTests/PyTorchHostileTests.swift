// Pickles that call, hold themselves, or ask for far more than they are: nothing is called, everything is
// named, and no more is taken than a file of that size may take.

import CairnCheckpoints
import CairnContainer
import CairnForeign
import CairnModelFiles
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

/// A pickle, as a name and the opcodes; some of them many times.
struct PickleProgram: Sendable, CustomTestStringConvertible {
  var what: String
  var start: [UInt8] = []
  var again: [UInt8] = []
  var count = 0

  var testDescription: String { what }
  var bytes: [UInt8] {
    var bytes = start
    for _ in 0..<count { bytes += again }
    return bytes
  }

  /// Opcodes: bytes of a text, whose scalars are below 256.
  init(_ what: String, _ start: String, again: String = "", count: Int = 0) {
    func bytes(_ text: String) -> [UInt8] {
      text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
    }
    self.what = what
    self.start = bytes(start)
    self.again = bytes(again)
    self.count = count
  }

  /// A stream of the old form whose third pickle is `program`, without storages.
  static func stream(_ program: [UInt8], keys: [UInt8] = Array("]".utf8)) -> [UInt8] {
    let magic: [UInt8] = [
      0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
    ]
    let pickle = { (body: [UInt8]) in [0x80, 2] + body + [UInt8(ascii: ".")] }
    return magic + pickle([UInt8(ascii: "M"), 0xE9, 3]) + pickle([UInt8(ascii: "}")])
      + pickle(program) + pickle(keys)
  }

}

@Suite struct PyTorchHostileTests {
  private let folder: TestFolder
  init() throws { folder = try TestFolder() }

  static let calls = [
    PickleProgram("R", "cos\nsystem\nU\u{4}true\u{85}R"),
    PickleProgram("NEWOBJ", "cos\nsystem\nU\u{4}true\u{85}\u{81}"),
    PickleProgram("NEWOBJ_EX", "cos\nsystem\nU\u{4}true\u{85}}\u{92}"),
    PickleProgram("INST", "(U\u{4}trueios\nsystem\n"),
    PickleProgram("OBJ", "(cos\nsystem\nU\u{4}trueo"),
    PickleProgram("STACK_GLOBAL", "U\u{2}osU\u{6}system\u{93}U\u{4}true\u{85}R"),
    PickleProgram("BUILD", "cos\nsystem\n)RU\u{4}trueb"),
    PickleProgram("copyreg", "ccopyreg\n__newobj__\ncos\nsystem\nU\u{4}true\u{86}R"),
    PickleProgram("APPEND", "cos\nsystem\n)RU\u{4}truea"),
    PickleProgram("SETITEM", "cos\nsystem\n)RU\u{4}trueNs"),
  ]
  static let cycles = [
    PickleProgram("self", "]q\u{0}h\u{0}a"), PickleProgram("key", "}q\u{0}U\u{1}ah\u{0}s"),
    PickleProgram("attributes", "ccollections\nOrderedDict\n)Rq\u{0}}U\u{1}ah\u{0}sb"),
    PickleProgram("state", "cx\ny\n)Rq\u{0}h\u{0}b"),
    PickleProgram("argument", "cx\ny\n]q\u{0}h\u{0}a\u{85}R"),
  ]
  private static let longText =
    "X\u{0}\u{0}\u{8}\u{0}" + String(repeating: "A", count: 1 << 19) + "q\u{0}0]"
  private static func many(_ opcodes: String) -> String { String(repeating: opcodes, count: 9_000) }
  static let bombs = [
    PickleProgram(
      "objects of one state", "}q\u{0}(" + many("NN") + "u0]", again: "cx\ny\n)Rh\u{0}ba",
      count: 60_000),
    PickleProgram("a text in many dictionaries", longText, again: "}h\u{0}Nsa", count: 200_000),
    PickleProgram("a text in many lists", longText, again: "]h\u{0}ah\u{0}aa", count: 100_000),
    PickleProgram(
      "sizes of one list", "]q\u{0}(" + many("N") + "e0]",
      again: "ctorch\nSize\nh\u{0}\u{85}Ra", count: 60_000),
    PickleProgram(
      "names of two long texts", longText, again: "h\u{0}h\u{0}\u{93}a", count: 200_000),
    PickleProgram("references by a long text", longText, again: "(h\u{0}NNNNtQa", count: 200_000),
    PickleProgram(
      "arrays of the same bytes",
      "B\u{0}\u{0}\u{8}\u{0}" + String(repeating: "A", count: 1 << 19)
        + "q\u{0}0cnumpy\ndtype\nU\u{2}u1\u{89}\u{88}\u{87}Rq\u{1}0J\u{0}\u{0}\u{8}\u{0}\u{85}q\u{2}0]",
      again: "cnumpy.core.numeric\n_frombuffer\n(h\u{0}h\u{1}h\u{2}U\u{1}CtRa", count: 30_000),
    PickleProgram("memo", "N", again: "\u{94}", count: 2_000_000),
    PickleProgram("marks", "", again: "(", count: 2_000_000),
    PickleProgram("tuples of tuples", ")", again: "\u{85}", count: 2_000_000),
    PickleProgram("nothing", "(", again: "N", count: 2_000_000),
    PickleProgram("lists", "]", again: "]a", count: 1_000_000),
    PickleProgram("texts", "]", again: "\u{8C}\u{1}ba", count: 500_000),
    PickleProgram("keys", "}", again: "\u{8C}\u{1}bNs", count: 400_000),
  ]

  private static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

  /// Opens a stream whose object is what `program` makes.
  private func opened(_ program: [UInt8]) throws -> CheckpointFile {
    let path = folder.file("program.pt")
    try write(PickleProgram.stream(program), to: path)
    return try CheckpointFile.open(path)
  }

  @Test(arguments: calls)
  func `No opcode makes more of a name than a placeholder`(program: PickleProgram) throws {
    let file = try opened(program.bytes)
    #expect(file.opaqueItems.map(\.type) == ["os.system"])
    #expect(file.opaqueItems.map(\.pathText) == ["value"])
    #expect(file.source.metadata["value"] == .string("<os.system>"))
  }

  @Test func `What only names a function has the name`() throws {
    #expect(
      try opened(Self.bytes("ctorch\nload\n")).source.metadata["value"] == .string("torch.load"))
    let called = try opened(Self.bytes("cbuiltins\ngetattr\n)R)R"))
    #expect(called.opaqueItems.map(\.type) == ["builtins.getattr()"])
  }

  @Test(arguments: cycles)
  func `What holds itself is named`(program: PickleProgram) throws {
    let items = try opened(program.bytes).opaqueItems
    #expect(items.contains { $0.reason == "it holds itself" })
  }

  @Test func `A key that is set twice has its last value, as in Python`() throws {
    let program = PickleProgram("", "}(K\u{1}K\u{2}U\u{1}aK\u{3}\u{88}K\u{4}U\u{1}aK\u{5}u")
    let file = try opened(program.bytes)
    #expect(file.source.metadata == Metadata([("True", .int(4)), ("a", .int(5))]))
  }

  @Test func `Names that cannot be, and names that are taken, are others`() throws {
    let long = [UInt8](repeating: UInt8(ascii: "x"), count: 3_000)
    let key = [UInt8(ascii: "X"), 0xB8, 0x0B, 0, 0] + long
    let file = try opened(
      Self.bytes("}(U\u{3}a.bK\u{1}U\u{1}a}U\u{1}bK\u{2}sU\u{2}\n!K\u{3}U\u{0}K\u{4}") + key
        + Self.bytes("K\u{5}u"))
    let keys = file.source.metadata.keys.map(\.string)
    #expect(keys.prefix(3) == ["\\u000a!", "a.b", "a.b~2"])
    #expect(keys.contains("value") && keys.count == 5)
    #expect(keys.last?.hasPrefix("xxxx") == true)
  }

  @Test(.timeLimit(.minutes(5)))
  func `Nesting a million deep, or exponentially wide, is named in little time`() throws {
    // [[[…]]] built from outside in, and a list of two of the list before, 200 times.
    // 256 levels are followed; of a million not even the making is paid for.
    let deep = try opened(
      [UInt8](repeating: UInt8(ascii: "]"), count: 10_000)
        + [UInt8](repeating: UInt8(ascii: "a"), count: 9_999))
    #expect(deep.opaqueItems.map(\.reason) == ["it is nested deeper than 256 levels"])
    let deeper = folder.file("deeper.pt")
    try write(
      PickleProgram.stream([UInt8](repeating: UInt8(ascii: "]"), count: 1_000_000)), to: deeper)
    #expect(
      ["overBudget", "outOfMemory", "invalidPickle"].contains(refusal(of: deeper)?.code.name))
    let double: [UInt8] = Self.bytes("q\u{0}0(h\u{0}h\u{0}t")
    let wide = try opened(
      Self.bytes("(}}t") + [[UInt8]](repeating: double, count: 200).flatMap { $0 })
    #expect(wide.opaqueItems.contains { $0.reason == "it is listed in another place already" })
  }

  @Test(.timeLimit(.minutes(5)), arguments: bombs)
  func `Two megabytes of whatever take no more than they may`(
    bomb: PickleProgram
  ) throws {
    let path = folder.file("bomb.pt")
    try write(PickleProgram.stream(bomb.bytes), to: path)
    let code = refusal(of: path)?.code.name
    #expect([nil, "overBudget", "invalidPickle", "unsupported"].contains(code), "\(code ?? "")")
  }
}
