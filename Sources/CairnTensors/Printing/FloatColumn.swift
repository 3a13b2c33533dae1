// How NumPy prints the floats of an array: one format for all of them, found from all of them.
// After `FloatingFormat` in numpy/_core/arrayprint.py (2.4) under the default print options:
// precision 8, the fewest digits that name each number, no suppression of small numbers.

/// A number to be printed: its value, and the shortest text that names it among its type's values.
struct PrintedFloat {
  /// The width that decides when NumPy turns to exponents.
  enum Width {
    case half, single, double

    /// Arrays with a magnitude from here on are printed with exponents.
    var arrayLimit: Double {
      switch self {
      case .half: 1e3
      case .single: 1e6
      case .double: 1e8
      }
    }

    /// Single numbers from here on are printed with exponents.
    var scalarLimit: Double { self == .double ? 1e16 : arrayLimit }

    /// `value` in the type of that width: NumPy compares and divides in the array's own type.
    func rounded(_ value: Double) -> Double {
      switch self {
      case .half:
        let half = HalfPrecision.float16(Float(roundingToOdd: value).bitPattern)
        return Double(Float(bitPattern: HalfPrecision.float32(float16: half)))
      case .single: return Double(Float(value))
      case .double: return value
      }
    }
  }

  let value: Double
  let shortest: DecimalDigits

  init(_ value: Double) {
    self.value = value
    self.shortest = DecimalDigits(parsing: value.description)
  }

  init(_ value: Float) {
    self.value = Double(value)
    self.shortest = DecimalDigits(parsing: value.description)
  }

  /// A binary16, given exactly.
  init(half value: Float) {
    self.value = Double(value)
    self.shortest = DecimalDigits(shortestHalf: value)
  }

  /// The sign that is printed: that of −0 too.
  func sign(always: Bool) -> String {
    if value.isNaN { return always ? "+" : "" }
    return value.sign == .minus ? "-" : always ? "+" : ""
  }

  /// The digits, at most `limit` of them: where the shortest are more, the exact value is rounded.
  func digits(atMost limit: Int) -> DecimalDigits {
    if shortest.digits.count <= limit { return shortest }
    return DecimalDigits(exactly: value).rounded(to: limit)
  }

  // MARK: - As a single value

  /// As NumPy prints a scalar: the fewest digits, exponents below 10^-4 and from the width's limit.
  func scalarText(_ width: Width, alwaysSigned: Bool = false, trimsPoint: Bool = false) -> String {
    let sign = sign(always: alwaysSigned)
    guard value.isFinite else { return sign + (value.isNaN ? "nan" : "inf") }
    let magnitude = value.magnitude
    if magnitude == 0 || (magnitude >= 1e-4 && magnitude < width.scalarLimit) {
      let fraction = shortest.fractionText
      if fraction.isEmpty { return sign + shortest.integerText + (trimsPoint ? "" : ".0") }
      return sign + shortest.integerText + "." + fraction
    }
    let count = shortest.digits.count
    return sign + shortest.text(0..<1) + (count > 1 ? "." + shortest.text(1..<count) : "") + "e"
      + shortest.exponentText(digits: 2)
  }
}

/// One format for the floats of an array: how many characters stand left and right of the point.
struct FloatColumn {
  private static let precision = 8
  private let alwaysSigned: Bool
  private let hasExponents: Bool
  private var left = 0
  private var right = 0
  /// Digits after the point, and of the exponent, where there are exponents.
  private var fractionCount = 0
  private var exponentCount = 0

  /// The format for `numbers`.
  init(_ numbers: [PrintedFloat], width: PrintedFloat.Width, alwaysSigned: Bool = false) {
    self.alwaysSigned = alwaysSigned
    let finite = numbers.filter { $0.value.isFinite }
    let magnitudes = finite.map(\.value.magnitude).filter { $0 != 0 }
    if let largest = magnitudes.max(), let smallest = magnitudes.min() {
      hasExponents =
        largest >= width.arrayLimit || smallest < width.rounded(0.0001)
        || width.rounded(largest / smallest) > 1_000
    } else {
      hasExponents = false
    }
    if hasExponents {
      for number in finite {
        let digits = number.digits(atMost: 1 + Self.precision)
        fractionCount = max(fractionCount, digits.digits.count - 1)
        exponentCount = max(exponentCount, digits.exponentText(digits: 2).utf8.count - 1)
        left = max(left, number.sign(always: alwaysSigned).utf8.count + 1)
      }
      // e, the exponent's sign, its digits.
      right = fractionCount + 2 + exponentCount
    } else {
      for number in finite {
        let digits = positional(number)
        left = max(
          left, number.sign(always: alwaysSigned).utf8.count + digits.integerText.utf8.count)
        right = max(right, digits.fractionText.utf8.count)
      }
    }
    if finite.count < numbers.count {
      let isSigned = alwaysSigned || numbers.contains { $0.value == -.infinity }
      left = max(left, 3 - (right + 1), 3 + (isSigned ? 1 : 0) - (right + 1))
    }
  }

  private func positional(_ number: PrintedFloat) -> DecimalDigits {
    number.digits(atMost: number.shortest.point + Self.precision)
  }

  /// `number` in this format.
  func text(_ number: PrintedFloat) -> String {
    let sign = number.sign(always: alwaysSigned)
    guard number.value.isFinite else {
      let text = sign + (number.value.isNaN ? "nan" : "inf")
      return padding(left + right + 1 - text.utf8.count) + text
    }
    if hasExponents {
      // Beyond the shortest digits stand the exact ones, not zeros.
      let digits = DecimalDigits(exactly: number.value).rounded(to: 1 + fractionCount)
      return padding(left - sign.utf8.count - 1) + sign + digits.text(0..<1) + "."
        + digits.text(1..<1 + fractionCount) + "e" + digits.exponentText(digits: exponentCount)
    }
    let digits = positional(number)
    let (integer, fraction) = (digits.integerText, digits.fractionText)
    return padding(left - sign.utf8.count - integer.utf8.count) + sign + integer + "." + fraction
      + padding(right - fraction.utf8.count)
  }

  private func padding(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }
}
