// NumPy's texts and byte strings of fixed length, both ways. Elements are padded with zeros at their end,
// which NumPy does not take for part of them.

import CairnFormat
import CairnSystem
import CairnTensors

/// How an array's texts lie in a file.
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

  /// Bytes of an element in the file; the length was read as one that can be counted.
  var width: Int { form == .bytes ? length : 4 * length }

  /// The texts that `code` describes: `S3`, `U10`, `c` for one byte; nil if it describes no texts.
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

  /// The elements as a tensor of strings has them: end offsets, then bytes. They are held in memory, and
  /// while they are put together two more times.
  ///
  /// - Throws: `overBudget`; `invalidElement` for what is no Unicode scalar value.
  func decoded(
    _ raw: any ElementBytes, elementCount: Int, budget: Budget
  ) throws(CairnError) -> HeldElements {
    let (ends, over) = elementCount.multipliedReportingOverflow(by: 8)
    let (most, overflow) = ends.addingReportingOverflow(raw.count)
    try budget.take(3, of: over || overflow ? .max : most)
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
        let end = UInt64(texts.count)
        for byte in 0..<8 { table.append(UInt8(truncatingIfNeeded: end >> UInt64(8 * byte))) }
      }
      first += count
    }
    let held = try HeldElements(table + texts)
    budget.giveBack(bytes: 3 * most - held.count)
    return held
  }

  /// Appends an element without the zeros that fill it up.
  private func append(_ element: Span<UInt8>, to texts: inout [UInt8]) throws(CairnError) {
    var end = element.count
    while end > 0, element[end - 1] == 0 { end -= 1 }
    guard case .scalars(let isBigEndian) = form else {
      for place in 0..<end { texts.append(element[place]) }
      return
    }
    // The last scalar value that is not zero, whole.
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

  /// The narrowest type that holds texts: of characters if all are UTF-8, else of bytes.
  ///
  /// - Throws: `cannotHold` for a text that ends with a zero, which NumPy would cut off.
  init(holding texts: [[UInt8]]) throws(CairnError) {
    var (bytes, scalars) = (1, 1)
    var isText = true
    for (place, text) in texts.enumerated() {
      guard text.last != 0 else {
        throw CairnError(
          .cannotHold, "NumPy has no place for zeros at the end of a text",
          at: .init(index: place), advice: "Write a .cairn file")
      }
      bytes = max(bytes, text.count)
      if isText, let characters = String(validating: text, as: UTF8.self) {
        scalars = max(scalars, characters.unicodeScalars.count)
      } else {
        isText = false
      }
    }
    self.init(
      form: isText ? .scalars(isBigEndian: false) : .bytes, length: isText ? scalars : bytes)
  }

  /// An element as it is written.
  func encoded(_ text: [UInt8]) -> [UInt8] {
    var bytes = text
    if form != .bytes {
      bytes = String(decoding: text, as: UTF8.self).unicodeScalars.flatMap { $0.value.littleBytes }
    }
    return bytes + [UInt8](repeating: 0, count: width - bytes.count)
  }
}
