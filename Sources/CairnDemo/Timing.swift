// Times and rates, measured.

import CairnSystem
import CairnTerminal

/// How long something took.
struct Timing {
  var seconds: Double

  /// `0.52 s`, or `6.1 ms` for short times.
  var text: String {
    if seconds >= 10 { return ByteCount.decimal(seconds, digits: 1) + " s" }
    if seconds >= 0.1 { return ByteCount.decimal(seconds, digits: 2) + " s" }
    return ByteCount.decimal(seconds * 1_000, digits: seconds < 0.01 ? 2 : 1) + " ms"
  }

  /// The rate at which `byteCount` bytes went through: `1.21 GB/s`.
  func rate(_ byteCount: Int) -> String {
    ByteCount.text(Int(Double(byteCount) / max(seconds, 1e-9))) + "/s"
  }

  /// Runs `body` once, and measures how long it takes. Freeing the result is not in that time.
  static func of<Value>(
    _ body: () throws(CairnError) -> Value
  ) throws(CairnError) -> (value: Value, timing: Timing) {
    try Interruption.check()
    let clock = ContinuousClock()
    let start = clock.now
    let value = try body()
    let parts = (clock.now - start).components
    return (value, Timing(seconds: Double(parts.seconds) + Double(parts.attoseconds) * 1e-18))
  }
}

extension [Timing] {
  /// The middle one of an odd number of timings.
  var median: Timing {
    let sorted = map(\.seconds).sorted()
    return Timing(seconds: sorted.isEmpty ? 0 : sorted[sorted.count / 2])
  }
}
