// The demo's second part: a real transformer's weights, converted there and back, by the same steps
// that `cairn convert`, `verify` and `diff` take.

import CairnCheckpoints
import CairnComparison
import CairnContainer
import CairnForeign
import CairnModelFiles
import CairnSystem
import CairnTensors
import CairnTerminal

struct TransformerDemo {
  /// A safetensors file.
  let weights: String
  let folder: DemoFolder
  private static let title = "2  A real transformer's weights, there and back"

  /// Says that there are no weights.
  static func skip(_ report: inout DemoReport) {
    report.part(title)
    report.say("Skipped: no --weights. `make demo` downloads MiniLM's, 91 MB, where it can.")
  }

  func run(_ report: inout DemoReport) throws(CairnError) {
    report.part(Self.title)
    let original = try CheckpointFile.open(weights, format: .safetensors)
    let byteCount = try uniqueByteCount(of: original.source)
    let types = Set(try original.source.entries().map(\.dtype.name)).sorted()
    let name = weights.lastComponent.printable
    report.fact("file", "\(name), \(original.fileByteCount.grouped) bytes")
    report.fact(
      "tensors",
      "\(original.source.count), \(types.joined(separator: ", ")), \(ByteCount.text(byteCount))")

    report.step("Steps as of the shell; rates are of uncompressed bytes, disk and fsync included")
    let container = try convertThere(original, byteCount, &report)
    try verify(container, byteCount, &report)
    try diff(original, container, &report)
    try convertBack(container, original, byteCount, &report)
    try MemoryCopies(original: NamedTensors(reading: container.source), byteCount: byteCount)
      .run(&report)
  }

  // MARK: - Steps

  private func convertThere(
    _ original: CheckpointFile, _ byteCount: Int, _ report: inout DemoReport
  ) throws(CairnError) -> CheckpointFile {
    let path = folder.file("model.cairn")
    let timing = try convert(original, to: .cairn, at: path)
    let container = try CheckpointFile.open(path, format: .cairn)
    let (from, to) = (original.fileByteCount, container.fileByteCount)
    report.row(
      "convert to .cairn", timing, byteCount,
      "\(ByteCount.text(from)) → \(ByteCount.text(to)), \(ByteCount.percent(to, of: from))")
    return container
  }

  private func verify(
    _ container: CheckpointFile, _ byteCount: Int, _ report: inout DemoReport
  ) throws(CairnError) {
    let bar = ProgressBar("verify")
    let timing = try Timing.of { () throws(CairnError) in
      try container.verify(.deep) { (progress) throws(CairnError) in try bar.update(progress) }
    }.timing
    report.row("verify --deep", timing, byteCount, "every checksum, element and digest")
    let root = container.rootDigest ?? ""
    report.check("the container is whole; its root digest is \(root.prefix(16))…", !root.isEmpty)
  }

  private func diff(
    _ original: CheckpointFile, _ container: CheckpointFile, _ report: inout DemoReport
  ) throws(CairnError) {
    let (result, timing) = try compared(original, container)
    report.row("diff", timing, result.comparedByteCount, "the original against the container")
    report.check(
      "\(result.comparedCount) tensors compared, \(result.differenceCount) differences: names, "
        + "order, types, shapes, bits, metadata", result.isSame && result.comparedCount > 0)
  }

  private func convertBack(
    _ container: CheckpointFile, _ original: CheckpointFile, _ byteCount: Int,
    _ report: inout DemoReport
  ) throws(CairnError) {
    let path = folder.file("model.safetensors")
    let timing = try convert(container, to: .safetensors, at: path)
    let returned = try CheckpointFile.open(path, format: .safetensors)
    report.row(
      "convert to .safetensors", timing, byteCount,
      "\(ByteCount.text(container.fileByteCount)) → \(ByteCount.text(returned.fileByteCount))")
    let result = try compared(original, returned).report
    report.check("the safetensors' content is identical to the original's", result.isSame)
    let comparing = ProgressBar("diff")
    let difference = try compareBytes(FileBytes(path: weights), FileBytes(path: path)) {
      (progress) throws(CairnError) in
      try comparing.update(progress)
    }
    if let first = difference?.firstOffset {
      // Formats leave writers some freedom: the order of keys, spaces in the header.
      report.say("  The files differ from byte \(first) on: another header, the same data.")
    } else {
      report.check("the files are the same, byte for byte (cmp)", difference == nil)
    }
  }

  // MARK: - Work

  private func convert(
    _ input: CheckpointFile, to format: CheckpointFormat, at path: String
  ) throws(CairnError) -> Timing {
    let bar = ProgressBar("convert")
    return try Timing.of { () throws(CairnError) in
      var sink = try format.writer(to: path)
      try sink.write(input.source) { (progress) throws(CairnError) in try bar.update(progress) }
    }.timing
  }

  private func compared(
    _ left: CheckpointFile, _ right: CheckpointFile
  ) throws(CairnError) -> (report: ComparisonReport, timing: Timing) {
    let bar = ProgressBar("diff")
    let (report, timing) = try Timing.of { () throws(CairnError) in
      try compare(left.source, right.source) { (progress) throws(CairnError) in
        try bar.update(progress)
      }
    }
    return (report, timing)
  }

  /// The bytes of all tensors, each tensor counted once.
  private func uniqueByteCount(of source: any TensorSource) throws(CairnError) -> Int {
    try source.entries().reduce(0) { $0 + ($1.aliasOf == nil ? $1.byteCount : 0) }
  }
}

extension DemoReport {
  /// Prints a step that was timed: how long it took, the rate for `byteCount` bytes, and its
  /// result.
  func row(_ what: String, _ timing: Timing, _ byteCount: Int, _ result: String) {
    ProgressBar.clear()
    say(
      what.padded(to: 25) + timing.text.indented(to: 8) + timing.rate(byteCount).indented(to: 12)
        + "   " + result)
  }
}

extension ComparisonReport {
  /// The number of all differences.
  fileprivate var differenceCount: Int {
    missing.total + extra.total + reordered.total + retyped.total + reshaped.total + retied.total
      + different.total + metadata.total + blobs.total + (configuration == nil ? 0 : 1)
  }
}

extension String {
  /// The file name at the end of a path.
  fileprivate var lastComponent: String { split(separator: "/").last.map(String.init) ?? self }
}
