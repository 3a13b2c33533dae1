// A restricted reader of pickles (Lib/pickletools.py of Python), protocols 2 to 5 as far as PyTorch
// writes them. It builds containers, numbers and texts, and descriptions of tensors. It imports
// nothing and calls nothing: a name that is not one of `PickleCalls` is an error that names it.

public import CairnSystem

/// The machine that a pickle is a program for.
struct Unpickler {
  private var reader: SourceReader
  private var content = PickleContent()
  private var stack: [PickleValue] = []
  /// Where the stack stood at each mark.
  private var marks: [Int] = []
  private var memo: [Int: PickleValue] = [:]
  private var memoized = 0
  private var storageNumbers: [String: Int] = [:]

  /// A machine for the pickle that begins where `reader` is.
  private init(_ reader: SourceReader) { self.reader = reader }

  /// Reads one pickle and leaves `reader` behind it.
  ///
  /// - Throws: `truncated`, `invalidPickle`, `unsupported` for what is no plain data.
  static func run(_ reader: inout SourceReader) throws(CairnError) -> PickleContent {
    var machine = Unpickler(reader)
    while try machine.step() {}
    reader = machine.reader
    return machine.content
  }

  private func failure(_ message: String, found: String? = nil) -> CairnError {
    reader.failure(
      .invalidPickle, message, found: found, advice: "The file is damaged or hostile")
  }

  // MARK: - Stack

  private mutating func pop() throws(CairnError) -> PickleValue {
    guard let value = stack.popLast(), stack.count >= marks.last ?? 0 else {
      throw failure("the pickle takes more from its stack than is there")
    }
    return value
  }

  private mutating func popToMark() throws(CairnError) -> [PickleValue] {
    guard let mark = marks.popLast() else { throw failure("the pickle has no mark to go back to") }
    let values = Array(stack[mark...])
    stack.removeSubrange(mark...)
    return values
  }

  private mutating func node(_ items: [PickleValue]) -> Int {
    content.nodes.append(items)
    return content.nodes.count - 1
  }

  private mutating func extend(_ items: [PickleValue], isDict: Bool) throws(CairnError) {
    guard stack.count > marks.last ?? 0 else { throw failure("the pickle fills what is not there") }
    switch stack.last {
    case .list(let node)? where !isDict: content.nodes[node] += items
    case .dict(let node)? where isDict && items.count.isMultiple(of: 2):
      content.nodes[node] += items
    default: throw failure("the pickle fills what is no list or dictionary")
    }
  }

  // MARK: - Opcodes

  /// Does what the next opcode says; false at the pickle's end.
  private mutating func step() throws(CairnError) -> Bool {
    let opcode = try reader.byte()
    switch opcode {
    case UInt8(ascii: "."):
      content.root = try pop()
      return false
    case 0x80:
      let version = try reader.byte()
      guard (2...5).contains(version) else {
        throw failure("the pickle's protocol is not one that PyTorch writes", found: "\(version)")
      }
    case 0x95: try reader.skip(8)
    case UInt8(ascii: "("): marks.append(stack.count)
    case UInt8(ascii: "0"): _ = try pop()
    case UInt8(ascii: "1"): _ = try popToMark()
    case UInt8(ascii: "N"): stack.append(.none)
    case 0x88: stack.append(.bool(true))
    case 0x89: stack.append(.bool(false))
    case UInt8(ascii: "J"): stack.append(.int(Int64(try reader.integer(Int32.self))))
    case UInt8(ascii: "K"): stack.append(.int(Int64(try reader.byte())))
    case UInt8(ascii: "M"): stack.append(.int(Int64(try reader.integer(UInt16.self))))
    case 0x8A: stack.append(try long(Int(reader.byte())))
    case UInt8(ascii: "G"):
      let bits: UInt64 = try reader.integer()
      stack.append(.float(Double(bitPattern: bits.byteSwapped)))
    default: try stepText(opcode)
    }
    return true
  }

  private mutating func stepText(_ opcode: UInt8) throws(CairnError) {
    switch opcode {
    case UInt8(ascii: "X"): try pushText(count: Int(reader.integer(UInt32.self)))
    case 0x8C: try pushText(count: Int(reader.byte()))
    case 0x8D: try pushText(count: Int(clamping: reader.integer(UInt64.self)))
    // Python 2's strings, of which checkpoints have only ASCII.
    case UInt8(ascii: "U"): try pushText(count: Int(reader.byte()))
    case UInt8(ascii: "T"): try pushText(count: Int(clamping: reader.integer(Int32.self)))
    case UInt8(ascii: "C"): stack.append(.bytes(try reader.bytes(Int(reader.byte()))))
    case UInt8(ascii: "B"):
      stack.append(.bytes(try reader.bytes(Int(reader.integer(UInt32.self)))))
    case 0x8E:
      stack.append(.bytes(try reader.bytes(Int(clamping: reader.integer(UInt64.self)))))
    default: try stepContainer(opcode)
    }
  }

  private mutating func stepContainer(_ opcode: UInt8) throws(CairnError) {
    switch opcode {
    case UInt8(ascii: "]"): stack.append(.list(node([])))
    case UInt8(ascii: ")"): stack.append(.tuple(node([])))
    case UInt8(ascii: "}"): stack.append(.dict(node([])))
    case UInt8(ascii: "t"):
      let items = try popToMark()
      stack.append(.tuple(node(items)))
    case 0x85, 0x86, 0x87:
      var items: [PickleValue] = []
      for _ in 0..<opcode - 0x84 { items.append(try pop()) }
      stack.append(.tuple(node(items.reversed())))
    case UInt8(ascii: "a"):
      let item = try pop()
      try extend([item], isDict: false)
    case UInt8(ascii: "e"):
      let items = try popToMark()
      try extend(items, isDict: false)
    case UInt8(ascii: "s"):
      let value = try pop()
      let key = try pop()
      try extend([key, value], isDict: true)
    case UInt8(ascii: "u"):
      let items = try popToMark()
      try extend(items, isDict: true)
    default: try stepMemo(opcode)
    }
  }

  private mutating func stepMemo(_ opcode: UInt8) throws(CairnError) {
    switch opcode {
    case UInt8(ascii: "q"): try memoize(at: Int(reader.byte()))
    case UInt8(ascii: "r"): try memoize(at: Int(reader.integer(UInt32.self)))
    case 0x94: try memoize(at: memoized)
    case UInt8(ascii: "h"): try recall(Int(reader.byte()))
    case UInt8(ascii: "j"): try recall(Int(reader.integer(UInt32.self)))
    default: try stepObject(opcode)
    }
  }

  private mutating func stepObject(_ opcode: UInt8) throws(CairnError) {
    switch opcode {
    case UInt8(ascii: "c"):
      let module = try reader.line(limit: 1_024)
      let name = try reader.line(limit: 1_024)
      try pushGlobal(
        String(decoding: module, as: UTF8.self), String(decoding: name, as: UTF8.self))
    case 0x93:
      guard case .text(let name) = try pop(), case .text(let module) = try pop() else {
        throw failure("the pickle names an object by what is no text")
      }
      try pushGlobal(module, name)
    case UInt8(ascii: "R"): try call()
    case UInt8(ascii: "b"): try setAttributes()
    case UInt8(ascii: "Q"): try pushStorage()
    default:
      throw reader.failure(
        .unsupported, "the pickle has an opcode that checkpoints of tensors do not need",
        found: "0x" + hex(opcode, digits: 2), advice: "Save the state dictionary alone")
    }
  }

  // MARK: - What the opcodes do

  /// An integer of `count` bytes, two's complement.
  private mutating func long(_ count: Int) throws(CairnError) -> PickleValue {
    let bytes = try reader.bytes(count)
    guard count <= 8 else {
      // The first pickle of the old stream is such a number, and nothing else.
      return .bytes(bytes)
    }
    var value: Int64 = bytes.last.map { $0 >= 0x80 } == true ? -1 : 0
    for byte in bytes.reversed() { value = value << 8 | Int64(byte) }
    return .int(value)
  }

  private mutating func pushText(count: Int) throws(CairnError) {
    guard let text = String(validating: try reader.bytes(count), as: UTF8.self) else {
      throw failure("a text is not valid UTF-8")
    }
    stack.append(.text(text))
  }

  private mutating func memoize(at place: Int) throws(CairnError) {
    guard let value = stack.last else { throw failure("the pickle remembers what is not there") }
    memo[place] = value
    memoized += 1
  }

  private mutating func recall(_ place: Int) throws(CairnError) {
    guard let value = memo[place] else {
      throw failure("the pickle recalls what it has not remembered", found: "\(place)")
    }
    stack.append(value)
  }

  private mutating func pushGlobal(_ module: String, _ name: String) throws(CairnError) {
    // Python 2 knew some modules by other names; none of those is needed here.
    guard PickleCalls.allows(module: module, name: name) else {
      throw PickleCalls.refusal(module: module, name: name, at: reader.location)
    }
    stack.append(.global(module + "." + name))
  }

  private mutating func call() throws(CairnError) {
    let arguments = try pop()
    let function = try pop()
    guard case .global(let name) = function, case .tuple(let node) = arguments else {
      throw failure("the pickle calls what is no name of a function")
    }
    guard let value = PickleCalls.value(of: name, content.nodes[node], in: &content) else {
      throw reader.failure(
        .unsupported, "the arguments are none that Cairn knows for this function", found: name,
        advice: "Save the state dictionary alone, with plain tensors")
    }
    stack.append(value)
  }

  /// Attributes beside a dictionary's items.
  private mutating func setAttributes() throws(CairnError) {
    let state = try pop()
    guard case .dict(let node)? = stack.last, stack.count > marks.last ?? 0, case .dict = state
    else {
      throw reader.failure(
        .unsupported, "the pickle sets the state of an object that is no dictionary")
    }
    content.attributes[node] = state
  }

  /// A storage by its persistent identifier: ('storage', type, key, device, elements).
  private mutating func pushStorage() throws(CairnError) {
    let id = try pop()
    guard let parts = content.items(id), parts.count == 5 || parts.count == 6 && parts[5] == .none,
      parts[0] == .text("storage"), case .global(let type) = parts[1],
      type.hasSuffix("Storage"), case .text(let key) = parts[2], case .text = parts[3],
      case .int(let count) = parts[4], count >= 0
    else {
      throw reader.failure(
        .unsupported, "the pickle refers to something outside that is no whole storage")
    }
    let storage = TorchStorage(key: key, type: type, elementCount: Int(count))
    if let known = storageNumbers[key] {
      guard content.storages[known] == storage else {
        throw failure("one storage is described in two ways", found: key.excerpt)
      }
      stack.append(.storage(known))
    } else {
      storageNumbers[key] = content.storages.count
      content.storages.append(storage)
      stack.append(.storage(content.storages.count - 1))
    }
  }
}

extension CairnError.Code {
  /// A pickle that breaks the rules of pickles.
  public static let invalidPickle = Self("invalidPickle")
}
