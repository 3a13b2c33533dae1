// Numbers of bytes as people read them.

package enum ByteCount {
  /// `1536` as `1.5 KB`: three significant digits, powers of ten.
  package static func text(_ count: Int) -> String {
    let units = ["B", "KB", "MB", "GB", "TB", "PB"]
    var value = Double(count)
    var unit = 0
    while value >= 999.5, unit < units.count - 1 {
      value /= 1_000
      unit += 1
    }
    if unit == 0 { return "\(count) B" }
    return decimal(value, digits: value < 9.995 ? 2 : value < 99.95 ? 1 : 0) + " " + units[unit]
  }

  /// `value` with a fixed number of digits after the point.
  package static func decimal(_ value: Double, digits: Int) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
    var scale = 1
    for _ in 0..<digits { scale *= 10 }
    let scaled = Int((value * Double(scale)).rounded())
    let sign = scaled < 0 ? "-" : ""
    let whole = "\(sign)\(abs(scaled) / scale)"
    guard digits > 0 else { return whole }
    let fraction = String(abs(scaled) % scale)
    return whole + "." + String(repeating: "0", count: digits - fraction.count) + fraction
  }

  /// A share in percent, to two digits.
  package static func percent(_ part: Int, of whole: Int) -> String {
    whole == 0 ? "–" : decimal(Double(part) / Double(whole) * 100, digits: 2) + " %"
  }
}
