// The text of a double: rule 5 and 6 of the canonical form (`JSONStyle.canonical`).

extension Double {
  /// Appends the canonical text of the double.
  ///
  /// The digits are those of `description`, which the standard library promises to be the shortest
  /// that read back and the closest of these. Its layout is not promised, so only the digits and
  /// the place of the point are taken from it.
  func appendJSON(to bytes: inout [UInt8]) {
    if isNaN {
      bytes.append(contentsOf: "NaN".utf8)
      return
    }
    if sign == .minus { bytes.append(UInt8(ascii: "-")) }
    if isInfinite {
      bytes.append(contentsOf: "Infinity".utf8)
      return
    }

    let (digits, exponent) = magnitude.significantDigits
    let zero = UInt8(ascii: "0")
    let point = UInt8(ascii: ".")
    if exponent < -4 || exponent >= 16 {
      bytes.append(digits.first ?? zero)
      if digits.count > 1 {
        bytes.append(point)
        bytes.append(contentsOf: digits.dropFirst())
      }
      bytes.append(UInt8(ascii: "e"))
      bytes.append(exponent < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+"))
      if exponent.magnitude < 10 { bytes.append(zero) }
      bytes.append(contentsOf: String(exponent.magnitude).utf8)
    } else if exponent < 0 {
      bytes.append(zero)
      bytes.append(point)
      bytes.append(contentsOf: repeatElement(zero, count: -1 - exponent))
      bytes.append(contentsOf: digits)
    } else {
      let whole = digits.prefix(exponent + 1)
      let fraction = digits.dropFirst(exponent + 1)
      bytes.append(contentsOf: whole)
      bytes.append(contentsOf: repeatElement(zero, count: exponent + 1 - whole.count))
      bytes.append(point)
      if fraction.isEmpty { bytes.append(zero) } else { bytes.append(contentsOf: fraction) }
    }
  }

  /// The shortest decimal digits of a finite number that is not negative, without zeros at either
  /// end, and the power of ten of the first; no digits and 0 for zero.
  private var significantDigits: (digits: [UInt8], exponent: Int) {
    var digits: [UInt8] = []
    var placesBeforePoint = 0
    var hasPoint = false
    var exponent = 0
    let text = description
    for (place, byte) in text.utf8.enumerated() {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        if !digits.isEmpty || byte != UInt8(ascii: "0") {
          digits.append(byte)
          if !hasPoint { placesBeforePoint += 1 }
        } else if hasPoint {
          placesBeforePoint -= 1
        }
      case UInt8(ascii: "."):
        hasPoint = true
      default:
        // "e", and what follows is the exponent.
        exponent = Int(text.dropFirst(place + 1)) ?? 0
      }
      if byte == UInt8(ascii: "e") { break }
    }
    while digits.last == UInt8(ascii: "0") { digits.removeLast() }
    return digits.isEmpty ? ([], 0) : (digits, placesBeforePoint + exponent - 1)
  }
}

extension JSONValue {
  /// A number; where JSON has no such number, its name as a text: `nan`, `inf`, `-inf`.
  package static func finiteOrName(_ value: Double) -> JSONValue {
    if value.isFinite { return .double(value) }
    return .string(value.isNaN ? "nan" : value < 0 ? "-inf" : "inf")
  }
}
