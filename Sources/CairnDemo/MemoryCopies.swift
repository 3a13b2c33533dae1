// Copies in memory: a deep copy through the serializer, beside the fastest that the machine can do.

import CairnCheckpoints
import CairnModelFiles
import CairnComparison
import CairnSystem
import CairnTensors
import CairnTerminal

struct MemoryCopies {
  let original: NamedTensors
  let byteCount: Int
  private static let rounds = 3

  func run(_ report: inout DemoReport) throws(CairnError) {
    report.step("A deep copy in memory beside plain copies of the same bytes, medians of 3")
    var (deep, huge, small): ([Timing], [Timing], [Timing]) = ([], [], [])
    var copy = NamedTensors()
    for _ in 0..<Self.rounds {
      // In turn, so that other work of the machine affects all three alike.
      let (value, timing) = try Timing.of { () throws(CairnError) in try original.deepCopy() }
      copy = value
      deep.append(timing)
      huge.append(try Timing.of { () throws(CairnError) in try block(hugePages: true) }.timing)
      small.append(try Timing.of { () throws(CairnError) in try block(hugePages: false) }.timing)
    }
    report.row(
      "deepCopy()", deep.median, byteCount, "written, checksummed, checked, read")
    // Smaller blocks come from the allocator, with or without huge pages.
    if byteCount >= Storage.hugePageThreshold {
      report.row("memcpy", huge.median, byteCount, "into fresh huge pages of 2 MiB")
      report.row("memcpy", small.median, byteCount, "into fresh pages of 4 KiB")
      let gain = small.median.seconds / max(huge.median.seconds, 1e-9)
      report.say(
        gain > 1.1
          ? "Huge pages make a fresh copy \(ByteCount.decimal(gain, digits: 1)) times as fast here."
          : "Huge pages make no difference here: the system may not give any.")
    }
    report.check("the deep copy is equal in every bit", try compare(original, copy).isSame)
    let proof = try proveIndependence(of: original, from: copy)
    report.check(
      "it shares no memory with the original: \(proof.liveCount.left) tensors held against "
        + "\(proof.liveCount.right)",
      proof.isDisjoint && proof.liveCount == (original.count, original.count))
  }

  /// All tensors' bytes, one after the other, in a new block of memory.
  private func block(hugePages: Bool) throws(CairnError) -> Storage {
    let block = try Storage(byteCount: byteCount, zeroed: false, hugePages: hugePages)
    var offset = 0
    for index in 0..<original.count where try original.entry(at: index).aliasOf == nil {
      let tensor = try original.tensor(at: index)
      tensor.withBytes { source in
        block.withMutableBytes(in: offset..<offset + source.count) { $0.copy(source) }
      }
      offset += tensor.byteCount
    }
    return block
  }
}
