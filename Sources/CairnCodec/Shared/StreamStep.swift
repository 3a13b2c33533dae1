// Raw DEFLATE data (RFC 1951) of any length, coded and decoded piece by piece: for archives of other
// formats.

internal import CZlib

/// What one step of a stream has done.
package struct StreamStep: Hashable, Sendable {
  /// Bytes taken from the input.
  package var consumed: Int
  /// Bytes put into the output.
  package var produced: Int
  /// Whether the stream has ended.
  package var isFinished: Bool

  /// A step with the given parts.
  package init(consumed: Int, produced: Int, isFinished: Bool) {
    self.consumed = consumed
    self.produced = produced
    self.isFinished = isFinished
  }

  init(_ call: ZlibCall) {
    self.init(
      consumed: call.consumed, produced: call.produced, isFinished: call.result == Z_STREAM_END)
  }
}
