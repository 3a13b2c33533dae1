// What `cairn salvage` says of its work, as text and as JSON.

import CairnCheckpoints
import CairnContainer
import CairnJSON
import CairnSystem
import CairnTensors
import CairnTerminal

struct SalvageReport {
  let path: String
  /// What was wrong with the file; nil if it is valid.
  let fault: CairnError?
  let salvage: Salvage
  let blobCount: Int
  /// The output, once it is written.
  var written: (path: String, summary: WriteSummary)?

  /// The most losses that are shown as text.
  private static let shownLosses = 100

  var text: String {
    var lines: [String] = []
    if let fault {
      lines.append("\(output): \(counts) recovered from \(path.printable)")
      var bare = fault
      bare.advice = nil
      bare.location.file = nil
      lines.append("fault: \(bare.description.printable)")
      lines += lossLines
    } else {
      lines.append("\(output): \(counts) copied from \(path.printable), which is intact")
    }
    return lines.joined(separator: "\n")
  }

  private var output: String { (written?.path ?? "").printable }

  private var counts: String {
    var parts = ["\(salvage.recovered.count) tensor" + (salvage.recovered.count == 1 ? "" : "s")]
    if !salvage.recovered.metadata.isEmpty { parts.append("metadata") }
    if salvage.recovered.configuration != nil { parts.append("configuration") }
    if blobCount > 0 { parts.append("\(blobCount) blob" + (blobCount == 1 ? "" : "s")) }
    return parts.joined(separator: ", ")
  }

  private var lossLines: [String] {
    let losses = salvage.losses
    guard !losses.isEmpty else { return ["lost: nothing"] }
    var lines = losses.prefix(Self.shownLosses).map { loss in
      let isLost = loss.kind != .region && loss.kind != .tail && !loss.isPartial
      return (isLost ? "lost: " : "damaged: ") + loss.description.printable
    }
    if losses.count > Self.shownLosses {
      lines.append("and \(losses.count - Self.shownLosses) more; --json lists all")
    }
    return lines
  }

  var json: JSONValue {
    [
      "path": .string(SystemPath.shown(path)),
      "output": written.map { .string($0.path) } ?? .null,
      "valid": .bool(fault == nil),
      "error": fault?.json ?? .null,
      "tensors": .integer(Int64(salvage.recovered.count)),
      "metadata": .integer(Int64(salvage.recovered.metadata.count)),
      "configuration": .bool(salvage.recovered.configuration != nil),
      "blobs": .integer(Int64(blobCount)),
      "rootDigest": written?.summary.root.map { .string($0.description) } ?? .null,
      "lost": .array(salvage.losses.map(\.json)),
    ]
  }
}
