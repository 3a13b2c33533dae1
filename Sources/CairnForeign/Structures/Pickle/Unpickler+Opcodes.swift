// The opcodes of Python's protocols 0 to 5, all of them.

import CairnCheckpoints
import CairnContainer
import CairnSystem

extension Unpickler {
  private static var maximumLine: Int { 1 << 20 }

  /// The next line without its line feed.
  private mutating func line() throws(CairnError) -> [UInt8] {
    let start = reader.location
    var line: [UInt8] = []
    while true {
      let byte = try reader.byte()
      if byte == UInt8(ascii: "\n") { return line }
      guard line.count < Self.maximumLine else {
        throw CairnError(
          .invalidHeader, "a line is too long", at: start,
          expected: "at most \(Self.maximumLine) bytes")
      }
      line.append(byte)
    }
  }

  /// The next `count` bytes. In a deflated pickle they may be far more than the file has.
  private mutating func bytes(_ count: Int) throws(CairnError) -> [UInt8] {
    guard count >= 0, count <= reader.remaining else { return try reader.bytes(count) }
    try content.budget.take(bytes: count)
    defer { content.budget.giveBack(bytes: count) }
    return try reader.bytes(count)
  }

  /// Runs the next opcode; false at the end of the pickle.
  mutating func step() throws(CairnError) -> Bool {
    let opcode = try reader.byte()
    switch opcode {
    case UInt8(ascii: "."):
      content.root = try pop()
      return false
    case 0x80:
      let version = try reader.byte()
      guard version <= 5 else {
        throw reader.failure(
          .unsupportedVersion, "the pickle's protocol is newer than those that Cairn knows",
          expected: "0 to 5", found: "\(version)", advice: Format.protocolAdvice)
      }
    // The length of a frame adds nothing to the opcodes in it.
    case 0x95: try reader.skip(8)
    case UInt8(ascii: "("): try mark()
    case UInt8(ascii: "0"): try drop()
    case UInt8(ascii: "1"): _ = try popToMark()
    case UInt8(ascii: "2"): try push(try top())
    case UInt8(ascii: "N"): try push(.none)
    case 0x88: try push(.bool(true))
    case 0x89: try push(.bool(false))
    default: try stepNumber(opcode)
    }
    return true
  }

  private mutating func stepNumber(_ opcode: UInt8) throws(CairnError) {
    switch opcode {
    case UInt8(ascii: "J"): try push(.int(Int64(try reader.integer(Int32.self))))
    case UInt8(ascii: "K"): try push(.int(Int64(try reader.byte())))
    case UInt8(ascii: "M"): try push(.int(Int64(try reader.integer(UInt16.self))))
    case 0x8A: try push(integer: PickleNumbers.integer(bytes(Int(reader.byte()))))
    case 0x8B:
      try push(integer: PickleNumbers.integer(bytes(Int(reader.integer(Int32.self)))))
    case UInt8(ascii: "G"):
      let bits: UInt64 = try reader.integer()
      try push(.float(Double(bitPattern: bits.byteSwapped)))
    case UInt8(ascii: "I"):
      let line = try line()
      // Protocols before 2 write truth values this way.
      if line == Array("00".utf8) { return try push(.bool(false)) }
      if line == Array("01".utf8) { return try push(.bool(true)) }
      try push(spelt: line)
    case UInt8(ascii: "L"): try push(spelt: try line())
    case UInt8(ascii: "F"):
      let line = try line()
      guard let value = Double(String(decoding: line, as: UTF8.self)) else {
        throw failure("a number is none")
      }
      try push(.float(value))
    default: try stepText(opcode)
    }
  }

  private mutating func stepText(_ opcode: UInt8) throws(CairnError) {
    switch opcode {
    case UInt8(ascii: "X"): try push(text: bytes(Int(reader.integer(UInt32.self))))
    case 0x8C: try push(text: bytes(Int(reader.byte())))
    case 0x8D: try push(text: bytes(Int(clamping: reader.integer(UInt64.self))))
    case UInt8(ascii: "V"):
      guard let text = PickleText.rawUnicodeEscaped(try line()) else {
        throw failure("a text has an escape that is none")
      }
      try push(text: text)
    // Python 2's strings: text if they are UTF-8, as PyTorch decodes them.
    case UInt8(ascii: "U"): try push(string: bytes(Int(reader.byte())))
    case UInt8(ascii: "T"): try push(string: bytes(Int(reader.integer(Int32.self))))
    case UInt8(ascii: "S"):
      guard let text = PickleText.quoted(try line()) else {
        throw failure("a text is not in quotes")
      }
      try push(string: text)
    case UInt8(ascii: "C"): try push(bytes: bytes(Int(reader.byte())))
    case UInt8(ascii: "B"): try push(bytes: bytes(Int(reader.integer(UInt32.self))))
    case 0x8E, 0x96: try push(bytes: bytes(Int(clamping: reader.integer(UInt64.self))))
    default: try stepContainer(opcode)
    }
  }

  private mutating func stepContainer(_ opcode: UInt8) throws(CairnError) {
    switch opcode {
    case UInt8(ascii: "]"): try push(.list(content.node([])))
    case UInt8(ascii: ")"): try push(.tuple(content.node([])))
    case UInt8(ascii: "}"): try push(.dict(content.node([])))
    case 0x8F: try push(.set(content.node([])))
    case UInt8(ascii: "t"): try push(.tuple(content.node(popToMark())))
    case UInt8(ascii: "l"): try push(.list(content.node(popToMark())))
    case 0x91: try push(.set(content.node(popToMark())))
    case UInt8(ascii: "d"):
      let items = try popToMark()
      try push(.dict(content.node([])))
      try set(items)
    case 0x85, 0x86, 0x87:
      var items: [PickleValue] = []
      for _ in 0..<opcode - 0x84 { items.append(try pop()) }
      try push(.tuple(content.node(items.reversed())))
    case UInt8(ascii: "a"):
      let item = try pop()
      try extend([item])
    case UInt8(ascii: "e"), 0x90:
      let items = try popToMark()
      try extend(items)
    case UInt8(ascii: "s"):
      let value = try pop()
      let key = try pop()
      try set([key, value])
    case UInt8(ascii: "u"):
      let items = try popToMark()
      try set(items)
    default: try stepMemo(opcode)
    }
  }

  private mutating func stepMemo(_ opcode: UInt8) throws(CairnError) {
    switch opcode {
    case UInt8(ascii: "p"): try memoize(at: try place())
    case UInt8(ascii: "q"): try memoize(at: Int(reader.byte()))
    case UInt8(ascii: "r"): try memoize(at: Int(reader.integer(UInt32.self)))
    case 0x94: try memoize(at: memoized)
    case UInt8(ascii: "g"): try recall(try place())
    case UInt8(ascii: "h"): try recall(Int(reader.byte()))
    case UInt8(ascii: "j"): try recall(Int(reader.integer(UInt32.self)))
    default: try stepObject(opcode)
    }
  }

  /// A place in the memo, in decimal.
  private mutating func place() throws(CairnError) -> Int {
    let line = try line()
    guard let place = Int(String(decoding: line, as: UTF8.self)), place >= 0 else {
      throw failure("a place of the memo is no number")
    }
    return place
  }

  private mutating func stepObject(_ opcode: UInt8) throws(CairnError) {
    switch opcode {
    case UInt8(ascii: "c"):
      let module = try line()
      try global(module, try line())
    case 0x93:
      guard case .text(let name) = try pop(), case .text(let module) = try pop() else {
        throw failure("the pickle names an object by what is no text")
      }
      try global(Array(content.bytes(module)), Array(content.bytes(name)))
    case UInt8(ascii: "R"), 0x81:
      let arguments = try pop()
      try call(try pop(), arguments)
    case 0x92:
      let named = try pop()
      let arguments = try pop()
      let kind = try pop()
      // Keyword arguments become one more argument here.
      let all = try content.node((content.items(arguments) ?? [arguments]) + [named])
      try call(kind, .tuple(all))
    case UInt8(ascii: "i"):
      let module = try line()
      let name = try line()
      let arguments = try content.node(popToMark())
      try global(module, name)
      try call(try pop(), .tuple(arguments))
    case UInt8(ascii: "o"):
      let items = try popToMark()
      guard let kind = items.first else { throw failure("the pickle calls nothing") }
      try call(kind, .tuple(content.node(Array(items.dropFirst()))))
    case UInt8(ascii: "b"):
      let state = try pop()
      try build(state)
    case UInt8(ascii: "Q"):
      let id = try pop()
      try push(try Format.value(of: id, in: &self))
    case UInt8(ascii: "P"):
      let id = try Format.identifier(spelt: try line(), in: &self)
      try push(try Format.value(of: id, in: &self))
    case 0x82, 0x83, 0x84, 0x97, 0x98:
      throw reader.failure(
        .unsupported, "the pickle refers to data or to a registry outside of the file",
        found: "opcode 0x" + hex(opcode, digits: 2), advice: Format.protocolAdvice)
    default:
      throw failure(
        "the pickle has an opcode that there is not", found: "0x" + hex(opcode, digits: 2))
    }
  }

  // MARK: - Values

  private mutating func push(integer: (value: Int64?, text: [UInt8])) throws(CairnError) {
    if let value = integer.value { return try push(.int(value)) }
    try push(.bigInteger(content.keep(integer.text)))
  }

  private mutating func push(spelt line: [UInt8]) throws(CairnError) {
    guard let integer = PickleNumbers.integer(spelt: line) else {
      throw failure("a number is none")
    }
    try push(integer: integer)
  }

  private mutating func push(text: [UInt8]) throws(CairnError) {
    guard String(validating: text, as: UTF8.self) != nil || PickleText.isSurrogatePassed(text)
    else {
      throw failure("a text is not valid UTF-8")
    }
    try push(.text(content.keep(text)))
  }

  private mutating func push(bytes: [UInt8]) throws(CairnError) {
    try push(.bytes(content.keep(bytes)))
  }

  private mutating func push(string: [UInt8]) throws(CairnError) {
    let place = try content.keep(string)
    try push(String(validating: string, as: UTF8.self) == nil ? .bytes(place) : .text(place))
  }
}
