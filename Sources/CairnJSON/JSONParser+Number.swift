// Numbers (RFC 8259 §6): an integer stays one, whatever has a fraction or an exponent is a double.

extension JSONParser {
  /// Reads a number; `position` is at its sign or first digit.
  mutating func number(_ text: Span<UInt8>) throws(JSONError) -> JSONValue {
    let start = position
    let isNegative = text[position] == UInt8(ascii: "-")
    if isNegative {
      position += 1
      if position < text.count, text[position] == UInt8(ascii: "I") {
        try expect("Infinity", in: text)
        return .double(try nonFinite(-.infinity, "-Infinity", start))
      }
    }

    var magnitude: UInt64 = 0
    var fits = true
    let firstDigit = position
    while let digit = digit(text) {
      let (product, overflow) = magnitude.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
      magnitude = sum
      if overflow || carry { fits = false }
      position += 1
    }
    if position == firstDigit { throw missingDigit(text) }
    if position - firstDigit > 1, text[firstDigit] == UInt8(ascii: "0") {
      throw JSONError(.invalidNumber, "a number with a leading zero", offset: start)
    }

    var isInteger = true
    if position < text.count, text[position] == UInt8(ascii: ".") {
      isInteger = false
      position += 1
      try digits(text)
    }
    if position < text.count, text[position] | 0x20 == UInt8(ascii: "e") {
      isInteger = false
      position += 1
      if position < text.count,
        text[position] == UInt8(ascii: "+") || text[position] == UInt8(ascii: "-")
      {
        position += 1
      }
      try digits(text)
    }
    guard position - start <= limits.maximumNumberBytes else {
      throw JSONError(
        .tooLarge, "a number of more than \(limits.maximumNumberBytes) bytes", offset: start)
    }
    guard isInteger else { return .double(try double(text, from: start)) }

    if isNegative && magnitude == 0 && fits { return .double(-0.0) }
    if fits && !isNegative {
      return Int64(exactly: magnitude).map { .integer($0) } ?? .unsigned(magnitude)
    }
    if fits && magnitude <= Int64.min.magnitude {
      return .integer(Int64(truncatingIfNeeded: 0 &- magnitude))
    }
    throw JSONError(.invalidNumber, "an integer that doesn't fit 64 bits", offset: start)
  }

  /// The double nearest to the number between `start` and `position`, which keeps the grammar.
  private mutating func double(_ text: Span<UInt8>, from start: Int) throws(JSONError) -> Double {
    scratch.removeAll(keepingCapacity: true)
    for place in start..<position { scratch.append(text[place]) }
    guard let value = Double(String(decoding: scratch, as: UTF8.self)), value.isFinite else {
      throw JSONError(.invalidNumber, "a number beyond the greatest double", offset: start)
    }
    return value
  }

  /// Reads one or more digits.
  private mutating func digits(_ text: Span<UInt8>) throws(JSONError) {
    guard digit(text) != nil else { throw missingDigit(text) }
    while digit(text) != nil { position += 1 }
  }

  /// The digit at `position`, or nil if there is none.
  private func digit(_ text: Span<UInt8>) -> UInt8? {
    guard position < text.count else { return nil }
    let digit = text[position] &- UInt8(ascii: "0")
    return digit < 10 ? digit : nil
  }

  private func missingDigit(_ text: Span<UInt8>) -> JSONError {
    guard position < text.count else { return unexpectedEnd(text) }
    return JSONError(
      .invalidNumber, "\(describe(text[position])) where a digit should be", offset: position)
  }
}
