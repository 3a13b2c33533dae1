// How much may be written from a few bytes: overlapping data, names that share data, and elements
// that deflate can turn a small file into gigabytes.

package import CairnSystem
import CairnTensors

/// A sink that refuses to write far more bytes than its source has room for, and whose errors name a file.
struct PlausibleSink: TensorSink {
  var base: any TensorSink
  let format: CheckpointFormat
  /// The file that is written, for messages; nil if the bytes go elsewhere.
  let path: String?
  /// Whether any number of bytes may be written.
  let expands: Bool

  mutating func write(
    _ source: any TensorSource, progress: ProgressHandler
  ) throws(CairnError) -> Int {
    do throws(CairnError) {
      if !expands { try format.checkPlausible(source) }
      return try base.write(source, progress: progress)
    } catch {
      // An error about something that the target has no place for names the target. Any other error
      // that names no file gets the source's, if it has one.
      let isOfTarget = error.code == .cannotHold || error.code == .limitExceeded
      throw (isOfTarget ? error : source.located(error)).located(file: path)
    }
  }
}

extension CheckpointFormat {
  /// Refuses a source whose tensors, as this format holds them, come to far more bytes than it has: a
  /// format that has no place for ties writes a tensor once for each of its names.
  ///
  /// - Throws: `overBudget`.
  /// - Complexity: O(tensors).
  package func checkPlausible(_ source: any TensorSource) throws(CairnError) {
    var tiesAreHeld = !lacks.contains(.ties)
    if !tiesAreHeld, source.plausibleByteCount < .max { tiesAreHeld = try holdsTies(source) }
    try source.checkPlausible(tiesAreHeld: tiesAreHeld)
  }
}

extension TensorSource {
  /// Refuses tensors that come to far more bytes than the source has.
  func checkPlausible(tiesAreHeld: Bool) throws(CairnError) {
    let most = plausibleByteCount
    guard most < .max else { return }
    var (owned, shared) = (0, 0)
    for index in 0..<count {
      let entry = try entry(at: index)
      if entry.aliasOf == nil {
        owned = owned.addingSaturated(entry.byteCount)
      } else if !tiesAreHeld {
        shared = shared.addingSaturated(entry.byteCount)
      }
    }
    let found = owned.addingSaturated(shared)
    guard found > most else { return }
    throw located(
      CairnError(
        .overBudget, "the tensors come to far more bytes than the input has",
        expected: "at most \(most): \(plausibleText(of: "input"))", found: "\(found)",
        advice: owned > most
          ? "If it is your own, and nearly all zeros, allow it to expand"
          : "Write a .cairn file, which keeps a tensor of many names once, or allow it to expand",
        remedies: [.expand]))
  }
}
