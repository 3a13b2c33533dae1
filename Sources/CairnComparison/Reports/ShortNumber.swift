// Distances for a reader: few digits, the same on every machine.

import CairnTensors

extension Double {
  /// The number with at most three significant digits, rounded half up from its shortest decimal
  /// form: `0`, `0.125`, `1.2e-07`, `3e+38`, `inf`.
  package var short: String {
    if isNaN { return "nan" }
    if isInfinite { return self < 0 ? "-inf" : "inf" }
    if self == 0 { return "0" }
    let shortest = DecimalDigits(parsing: magnitude.description)
    var (digits, exponent) = (shortest.digits, shortest.point - 1)
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
    let text = digits.map { String($0) }
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
}
