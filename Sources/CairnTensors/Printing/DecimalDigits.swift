// The decimal digits of a floating-point number: the shortest that name it among the numbers of its
// type, and any number of exact ones. (NumPy uses Dragon4 for both; the results are the same.)

/// A finite number's magnitude as 0.d₁d₂d₃… · 10^point. Zero has no digits.
package struct DecimalDigits: Equatable {
  package var digits: [UInt8]
  package var point: Int

  /// The digits of a decimal text such as `12.5`, `-1e-07` or `1.5e+300`, as Swift prints a number:
  /// the shortest digits, and of those the nearest to the number.
  package init(parsing text: String) {
    var digits: [UInt8] = []
    var point: Int?
    var exponent = 0
    var bytes = text.utf8[...]
    while let byte = bytes.popFirst() {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digits.append(byte - UInt8(ascii: "0"))
      case UInt8(ascii: "."): point = digits.count
      case UInt8(ascii: "e"):
        exponent = Int(String(Substring(bytes))) ?? 0
        bytes = bytes.prefix(0)
      default: break
      }
    }
    self.digits = digits
    self.point = (point ?? digits.count) + exponent
    normalize()
  }

  /// All digits of a finite number.
  init(exactly value: Double) {
    // value = significand · 2^exponent. With a negative exponent that is significand · 5^-exponent
    // · 10^exponent: either way an integer, which is held in limbs of nine digits.
    let bits = value.bitPattern
    let fraction = bits & (1 << 52 - 1)
    let biased = Int(bits >> 52 & 0x7FF)
    let significand = biased == 0 ? fraction : fraction | 1 << 52
    let exponent = max(biased, 1) - 1_075
    var limbs: [UInt64] = [significand % Self.limb, significand / Self.limb]
    var left = abs(exponent)
    // The largest powers whose product with a limb fits in 64 bits: 2^34, and 5^14.
    let (base, step): (UInt64, Int) = exponent < 0 ? (5, 14) : (2, 34)
    while left > 0 {
      let count = min(left, step)
      Self.multiply(&limbs, by: (0..<count).reduce(1) { product, _ in product * base })
      left -= count
    }
    var digits: [UInt8] = []
    for limb in limbs.reversed() {
      var divisor = Self.limb / 10
      while divisor > 0 {
        digits.append(UInt8(limb / divisor % 10))
        divisor /= 10
      }
    }
    self.digits = digits
    self.point = digits.count + min(exponent, 0)
    normalize()
  }

  /// The shortest digits that name `value` among the numbers of binary16, and of those the nearest
  /// to it. (Swift prints whole numbers of this type with all their digits.)
  init(shortestHalf value: Float) {
    let exact = DecimalDigits(exactly: Double(value))
    let pattern = HalfPrecision.float16(value.magnitude.bitPattern)
    for count in 1...5 where count < exact.digits.count {
      // The two neighbours with `count` digits, the nearest first.
      var below = exact
      below.digits = Array(exact.digits[..<count])
      let nearest = exact.rounded(to: count)
      below.normalize()
      for candidate in nearest == below ? [below, exact.roundedUp(to: count)] : [nearest, below] {
        let digits = candidate.text(0..<candidate.digits.count)
        let number = Double("0.\(digits)e\(candidate.point)") ?? .nan
        if HalfPrecision.float16(Float(roundingToOdd: number).bitPattern) == pattern {
          self = candidate
          return
        }
      }
    }
    self = exact.rounded(to: 5)
  }

  private static let limb: UInt64 = 1_000_000_000

  private static func multiply(_ limbs: inout [UInt64], by factor: UInt64) {
    var carry: UInt64 = 0
    for index in limbs.indices {
      // Below 10^9 · 5^14 + 2^34 < 2^63.
      let product = limbs[index] * factor + carry
      limbs[index] = product % limb
      carry = product / limb
    }
    while carry > 0 {
      limbs.append(carry % limb)
      carry /= limb
    }
  }

  /// Takes zeros off both ends.
  private mutating func normalize() {
    let leading = digits.prefix { $0 == 0 }.count
    digits.removeFirst(leading)
    point -= leading
    while digits.last == 0 { digits.removeLast() }
    if digits.isEmpty { point = 1 }
  }

  /// The number rounded to `count` digits: nearest, ties to even. Exact if these are exact digits.
  func rounded(to count: Int) -> DecimalDigits {
    guard count < digits.count else { return self }
    var result = self
    guard count >= 0 else {
      result.digits = []
      result.point = 1
      return result
    }
    let rest = digits[count...]
    let isTie = rest.first == 5 && rest.count == 1
    let isUp =
      isTie ? count > 0 && digits[count - 1] % 2 == 1 : (rest.first ?? 0) >= 5
    if isUp { return roundedUp(to: count) }
    result.digits = Array(digits[..<count])
    result.normalize()
    return result
  }

  /// The next number of `count` digits above this one, which has more.
  private func roundedUp(to count: Int) -> DecimalDigits {
    var result = self
    result.digits = Array(digits[..<count])
    var index = count - 1
    while index >= 0, result.digits[index] == 9 {
      result.digits[index] = 0
      index -= 1
    }
    if index >= 0 {
      result.digits[index] += 1
    } else {
      result.digits.insert(1, at: 0)
      result.point += 1
    }
    result.normalize()
    return result
  }

  /// The digits before the decimal point, at least `0`.
  var integerText: String {
    guard point > 0 else { return "0" }
    return text(0..<point)
  }

  /// The digits after the decimal point, without zeros at the end; perhaps none.
  var fractionText: String {
    String(repeating: "0", count: max(0, -point))
      + text(min(max(point, 0), digits.count)..<digits.count)
  }

  /// The digits of the positions in `range`; beyond the last one they are zero.
  func text(_ range: Range<Int>) -> String {
    String(
      decoding: range.map { UInt8(ascii: "0") + ($0 < digits.count ? digits[$0] : 0) },
      as: UTF8.self)
  }

  /// The exponent of the first digit, as `e-07` shows it: a sign and at least `digits` digits.
  func exponentText(digits: Int) -> String {
    let exponent = point - 1
    let text = String(abs(exponent))
    return (exponent < 0 ? "-" : "+") + String(repeating: "0", count: max(0, digits - text.count))
      + text
  }
}
