// One input under the allocation meter and the clock.

import CFuzzing
import Cairn
import CairnSystem

/// Ends the run as a crash, with `message`: what was found is not what was promised.
func fail(_ message: String) -> Never { unsafe cairn_fail(message) }

/// What a file may cost.
enum Budget {
  /// A file of at most so many bytes gets the fixed budget.
  static let smallFile = 1 << 10

  /// The bytes that may be held at once for an input of `count` bytes: 32 MiB up to 1 KiB; above,
  /// 96 MiB and 1,100 times the input: a tensor takes at most 1,032 times its stored bytes, an eager
  /// load at most 64 MiB and 64 times the file, a chunk's planes 16 MiB.
  static func bytes(for count: Int) -> Int {
    count <= smallFile ? 32 << 20 : 96 << 20 + 1_100 * count
  }

  /// The nanoseconds of processor time for an input of `count` bytes: 1 s up to 64 KiB, with it in
  /// proportion above. The sanitizers take their share of it.
  static func nanoseconds(for count: Int) -> UInt64 {
    UInt64(max(count, 1 << 16)) * 1_000_000_000 >> 16
  }
}

/// Runs `body` on an input, with memory and time metered.
///
/// An error that `body` throws is an answer like any other, if it says that the file is invalid or
/// over the caller's budget; it is rendered too. Everything else that is thrown is a finding.
func run(
  _ start: UnsafePointer<UInt8>?, _ count: Int, _ body: ([UInt8]) throws(CairnError) -> Void
) -> CInt {
  let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count))
  cairn_meter_start(Budget.bytes(for: count), Budget.nanoseconds(for: count), count)
  do throws(CairnError) {
    try body(bytes)
  } catch {
    let text = error.description
    if !isAnswer(error) { fail("a file made a reader throw: \(text)") }
  }
  stopMetering()
  return 0
}

/// Ends the metered part of a run: from here on what was read is held against what was promised.
func stopMetering() { cairn_meter_stop() }

/// Whether an error is one that a file may cause.
func isAnswer(_ error: CairnError) -> Bool {
  error.saysInvalid || [.overBudget, .unknownFormat, .unsupported].contains(error.code)
}

/// The code of the error that `body` throws, or nil; errors that no file may cause are findings.
func refusal(_ body: () throws(CairnError) -> Void) -> CairnError? {
  do throws(CairnError) {
    try body()
    return nil
  } catch {
    if !isAnswer(error) { fail("a file made a reader throw: \(error)") }
    return error
  }
}

/// `body`'s result; an error of it is a finding.
func promised<R>(_ what: String, _ body: () throws(CairnError) -> R) -> R {
  do throws(CairnError) { return try body() } catch { fail("\(what): \(error)") }
}
