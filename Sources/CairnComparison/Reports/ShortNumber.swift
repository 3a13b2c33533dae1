// Distances for a reader: few digits, the same on every machine.

extension Double {
  /// The number with at most three significant digits, rounded half up from its shortest decimal
  /// form: `0`, `0.125`, `1.2e-07`, `3e+38`, `inf`.
  package var short: String {
    if isNaN { return "nan" }
    if isInfinite { return self < 0 ? "-inf" : "inf" }
    if self == 0 { return "0" }
    var (digits, exponent) = magnitude.decimal
    if digits.count > 3 {
      let roundsUp = digits[3] >= 5
      digits.removeLast(digits.count - 3)
      if roundsUp {
        var place = 2
        while place >= 0, digits[place] == 9 {
          digits[place] = 0
          place -= 1
        }
        if place >= 0 {
          digits[place] += 1
        } else {
          digits = [1]
          exponent += 1
        }
      }
    }
    while digits.count > 1, digits.last == 0 { digits.removeLast() }
    let text = digits.map(String.init)
    let sign = self < 0 ? "-" : ""
    switch exponent {
    case 0..<7:
      let whole = text.prefix(exponent + 1).joined()
      let zeros = String(repeating: "0", count: exponent + 1 - text.prefix(exponent + 1).count)
      let rest = text.dropFirst(exponent + 1).joined()
      return sign + whole + zeros + (rest.isEmpty ? "" : "." + rest)
    case -4..<0:
      return sign + "0." + String(repeating: "0", count: -1 - exponent) + text.joined()
    default:
      let power = exponent.magnitude
      return sign + text[0] + (text.count > 1 ? "." + text.dropFirst().joined() : "")
        + "e" + (exponent < 0 ? "-" : "+") + (power < 10 ? "0" : "") + String(power)
    }
  }

  /// The shortest decimal digits of a positive finite number, and the power of ten of the first.
  private var decimal: (digits: [Int], exponent: Int) {
    // The digits of `description` are promised to be the shortest; its layout is not.
    let parts = description.split(separator: "e", maxSplits: 1)
    var exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
    var digits: [Int] = []
    var places = 0
    var isPastPoint = false
    for character in parts.first ?? "" {
      if character == "." {
        isPastPoint = true
      } else if let digit = character.wholeNumberValue {
        if !isPastPoint { places += 1 }
        digits.append(digit)
      }
    }
    exponent += places - 1
    while digits.count > 1, digits[0] == 0 {
      digits.removeFirst()
      exponent -= 1
    }
    return (digits, exponent)
  }
}
