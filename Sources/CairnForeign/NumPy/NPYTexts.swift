// NumPy's texts and byte strings of fixed length, both ways. Elements are padded with zeros at
// their end. NumPy does not count those zeros as part of the element.

import CairnCheckpoints
import CairnContainer
import CairnSystem
import CairnTensors

/// How the texts of an array are laid out in a file.
struct NPYTexts: Equatable {
  /// What an element is made of.
  enum Form: Equatable {
    /// Bytes: `S`.
    case bytes
    /// Unicode scalar values of four bytes: `U`.
    case scalars(isBigEndian: Bool)
  }

  var form: Form
  /// The most bytes or scalar values of an element, at least 1.
  var length: Int

  /// Bytes of an element in the file. No overflow: the length was checked when it was read.
  var width: Int { form == .bytes ? length : 4 * length }

  /// The texts that `code` describes: `S3`, `U10`, `c` for one byte; nil for a code of another
  /// type.
  init?(_ code: ByteKey, isBigEndian: Bool) {
    if code == "c" {
      self.init(form: .bytes, length: 1)
      return
    }
    guard let letter = code.bytes.first, Array("SaU".utf8).contains(letter),
      code.bytes.dropFirst().allSatisfy({ (0x30...0x39).contains($0) }),
      let length = Int(String(decoding: code.bytes.dropFirst(), as: UTF8.self)),
      (1...1 << 30).contains(length)
    else { return nil }
    self.init(
      form: letter == UInt8(ascii: "U") ? .scalars(isBigEndian: isBigEndian) : .bytes,
      length: length)
  }

  init(form: Form, length: Int) {
    self.form = form
    self.length = length
  }

  // MARK: - Reading

  /// The elements in the form of a tensor of strings: end offsets, then bytes. They are held in
  /// memory, and take three times that memory while they are made.
  ///
  /// - Throws: `overBudget`; `invalidElement` for a number that is not a Unicode scalar value.
  func decoded(
    _ raw: any ElementBytes, elementCount: Int, budget: Budget
  ) throws(CairnError) -> HeldElements {
    let ends = elementCount.multipliedSaturated(by: 8)
    let most = ends.addingSaturated(raw.count)
    try budget.take(3, of: most)
    do throws(CairnError) {
      let held = try decoded(raw, elementCount, tableByteCount: ends)
      budget.giveBack(bytes: 3 * most - held.count)
      return held
    } catch {
      budget.giveBack(bytes: 3 * most)
      throw error
    }
  }

  private func decoded(
    _ raw: any ElementBytes, _ elementCount: Int, tableByteCount ends: Int
  ) throws(CairnError) -> HeldElements {
    var table: [UInt8] = []
    table.reserveCapacity(ends)
    var texts: [UInt8] = []
    let step = max(1, (1 << 16) / width)
    var first = 0
    while first < elementCount {
      let count = min(step, elementCount - first)
      var bytes = [UInt8](repeating: 0, count: count * width)
      var span = bytes.mutableSpan
      try raw.read(from: first * width, into: &span)
      for place in 0..<count {
        do throws(CairnError) {
          try append(bytes.span.extracting(place * width..<(place + 1) * width), to: &texts)
        } catch {
          throw error.located(index: first + place)
        }
        table.append(littleEndian: UInt64(texts.count))
      }
      first += count
    }
    return try HeldElements(table + texts)
  }

  /// Appends an element without its padding zeros.
  private func append(_ element: Span<UInt8>, to texts: inout [UInt8]) throws(CairnError) {
    var end = element.count
    while end > 0, element[end - 1] == 0 { end -= 1 }
    guard case .scalars(let isBigEndian) = form else {
      for place in 0..<end { texts.append(element[place]) }
      return
    }
    // Up to and with the scalar value that has the last non-zero byte.
    for start in stride(from: 0, to: (end + 3) / 4 * 4, by: 4) {
      var value: UInt32 = 0
      for byte in 0..<4 {
        value = value << 8 | UInt32(element[start + (isBigEndian ? byte : 3 - byte)])
      }
      guard let scalar = Unicode.Scalar(value) else {
        throw CairnError(
          .invalidElement, "a text holds what is no Unicode scalar value",
          found: hex(value, digits: 8))
      }
      texts += UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter
    }
  }

  // MARK: - Writing

  /// How NumPy spells the type.
  var spelling: String { form == .bytes ? "|S\(length)" : "<U\(length)" }

  /// The narrowest type that holds the texts of a tensor: characters if all are UTF-8, otherwise
  /// bytes.
  ///
  /// - Throws: `cannotHold` for a text that ends with a zero, which NumPy would cut off;
  ///   `invalidElement`.
  init(holding texts: Tensor) throws(CairnError) {
    var (bytes, scalars) = (1, 1)
    var isText = true
    try Self.forEach(texts) { (place, text) throws(CairnError) in
      guard text.isEmpty || text[text.count - 1] != 0 else {
        throw CairnError(
          .cannotHold, "NumPy has no place for zeros at the end of a text",
          at: .init(index: place), advice: "Write a .cairn file")
      }
      bytes = max(bytes, text.count)
      guard isText else { return }
      var (count, position) = (0, 0)
      while position < text.count, Self.scalar(text, at: &position) != nil { count += 1 }
      isText = position == text.count
      scalars = max(scalars, count)
    }
    self.init(
      form: isText ? .scalars(isBigEndian: false) : .bytes, length: isText ? scalars : bytes)
  }

  /// The bytes that this many texts take. One long text makes all others as long.
  func byteCount(of count: Int) -> Int { count.multipliedSaturated(by: width) }

  /// The elements as they are written, in pieces of about 64 KiB.
  func encode(
    _ texts: Tensor, to put: (Span<UInt8>) throws(CairnError) -> Void
  ) throws(CairnError) {
    let piece = 1 << 16
    var bytes: [UInt8] = []
    bytes.reserveCapacity(piece)
    func flush() throws(CairnError) {
      try put(bytes.span)
      bytes.removeAll(keepingCapacity: true)
    }
    try Self.forEach(texts) { (_, text) throws(CairnError) in
      var (position, written) = (0, 0)
      while position < text.count {
        if form == .bytes {
          bytes.append(text[position])
          position += 1
          written += 1
        } else {
          // All texts were checked as UTF-8 when the type was chosen.
          let value = Self.scalar(text, at: &position) ?? 0xFFFD
          bytes.append(littleEndian: value)
          written += 4
        }
        if bytes.count >= piece { try flush() }
      }
      while written < width {
        let count = min(width - written, piece)
        bytes.append(contentsOf: repeatElement(0, count: count))
        written += count
        if bytes.count >= piece { try flush() }
      }
    }
    try flush()
  }

  /// Runs the body on the bytes of each text of a tensor.
  private static func forEach(
    _ texts: Tensor, _ body: (Int, Span<UInt8>) throws(CairnError) -> Void
  ) throws(CairnError) {
    let count = texts.elementCount
    try texts.withBytes { (bytes) throws(CairnError) in
      try ElementRules.check(bytes, dtype: .string, elementCount: count)
      var start = 8 * count
      for place in 0..<count {
        let end = 8 * count + Int(bytes.stringEnd(place))
        try body(place, bytes.extracting(start..<end))
        start = end
      }
    }
  }

  /// The Unicode scalar value at `position`, which then moves behind it. Nil if the bytes there are
  /// not valid UTF-8 (RFC 3629); then `position` stays.
  private static func scalar(_ text: Span<UInt8>, at position: inout Int) -> UInt32? {
    let first = text[position]
    if first < 0x80 {
      position += 1
      return UInt32(first)
    }
    let (more, least): (Int, UInt32)
    switch first {
    case 0xC2...0xDF: (more, least) = (1, 0x80)
    case 0xE0...0xEF: (more, least) = (2, 0x800)
    case 0xF0...0xF4: (more, least) = (3, 0x10000)
    default: return nil
    }
    guard text.count - position > more else { return nil }
    var value = UInt32(first) & (0x3F >> UInt32(more))
    for place in position + 1...position + more {
      guard text[place] & 0xC0 == 0x80 else { return nil }
      value = value << 6 | UInt32(text[place] & 0x3F)
    }
    guard value >= least, Unicode.Scalar(value) != nil else { return nil }
    position += more + 1
    return value
  }
}
