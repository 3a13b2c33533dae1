// The time and the memory that an operation takes, and nothing around it.

import CMeasure
import Cairn

struct Measurement {
  let seconds: Double
  /// The largest resident size during the operation above that before it; nil where unknown.
  let peakByteCount: Int64?

  /// Runs `body` once, beginning with freed memory given back to the system. What it returns is
  /// freed by the caller, outside of the time.
  static func of<Value>(
    _ body: () throws(CairnError) -> Value
  ) throws(CairnError) -> (value: Value, measurement: Measurement) {
    cm_trim()
    cm_reset_peak()
    let before = cm_resident()
    let (value, seconds) = try timed(body)
    let peak = cm_peak()
    let known = before >= 0 && peak >= 0
    return (value, Measurement(seconds: seconds, peakByteCount: known ? peak - before : nil))
  }

  /// Runs `body` once, looking at the clock only.
  static func timed<Value>(
    _ body: () throws(CairnError) -> Value
  ) throws(CairnError) -> (value: Value, seconds: Double) {
    let clock = SuspendingClock()
    let start = clock.now
    let value = try body()
    let parts = (clock.now - start).components
    return (value, Double(parts.seconds) + Double(parts.attoseconds) * 1e-18)
  }

  /// What goes into the answer, with further fields.
  func answer(_ further: JSONObject = [:]) -> JSONObject {
    var answer = further
    answer["seconds"] = .double(seconds)
    if let peakByteCount { answer["peak"] = .integer(peakByteCount) }
    return answer
  }
}
