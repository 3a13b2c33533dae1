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

  /// The texts that `code` describes: `S3`, `U10`; nil if it describes no texts.
  init?(_ code: String, order: Character?) {
    guard let letter = code.first, "SaU".contains(letter),
      code.dropFirst().allSatisfy({ $0.isASCII && $0.isNumber }),
      let length = Int(code.dropFirst()), (1...1 << 30).contains(length)
    else { return nil }
    guard letter == "U" else {
      self.init(form: .bytes, length: length)
      return
    }
    guard order == "<" || order == ">" else { return nil }
    self.init(form: .scalars(isBigEndian: order == ">"), length: length)
  }

  init(form: Form, length: Int) {
    self.form = form
    self.length = length
  }

  // MARK: - Reading

  /// The elements as a tensor of strings has them: end offsets, then bytes. They are held in memory.
  ///
  /// - Parameter limit: The most bytes to hold.
  /// - Throws: `limitExceeded`; `invalidElement` for what is no Unicode scalar value.
  func decoded(
    _ raw: any ElementBytes, elementCount: Int, limit: Int
  ) throws(CairnError) -> HeldElements {
    let (ends, over) = elementCount.multipliedReportingOverflow(by: 8)
    let (most, overflow) = ends.addingReportingOverflow(raw.count)
    guard !over, !overflow, most <= limit else {
      throw CairnError(
        .limitExceeded, "texts take more memory than is allowed for a file of this size",
        expected: "at most \(limit) bytes", found: over || overflow ? nil : "\(most)")
    }
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
        let element = bytes[place * width..<(place + 1) * width]
        do throws(CairnError) { try append(element, to: &texts) } catch {
          throw error.located(index: first + place)
        }
        table += UInt64(texts.count).littleBytes
      }
      first += count
    }
    return try HeldElements(table + texts)
  }

  private func append(_ element: ArraySlice<UInt8>, to texts: inout [UInt8]) throws(CairnError) {
    guard case .scalars(let isBigEndian) = form else {
      texts += element[..<((element.lastIndex { $0 != 0 } ?? element.startIndex - 1) + 1)]
      return
    }
    var values = stride(from: element.startIndex, to: element.endIndex, by: 4).map { place in
      (0..<4).reduce(UInt32(0)) {
        $0 << 8 | UInt32(element[place + (isBigEndian ? $1 : 3 - $1)])
      }
    }
    while values.last == 0 { values.removeLast() }
    for value in values {
      guard let scalar = Unicode.Scalar(value) else {
        throw CairnError(
          .invalidElement, "a text holds what is no Unicode scalar value",
          found: hex(value, digits: 8))
      }
      texts += String(scalar).utf8
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
