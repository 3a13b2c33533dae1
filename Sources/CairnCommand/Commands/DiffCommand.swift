// `cairn diff`

import ArgumentParser
import CairnCheckpoints
import CairnComparison
import CairnForeign
import CairnJSON
import CairnModelFiles
import CairnSystem
import CairnTensors
import CairnTerminal

struct DiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff", abstract: "Compare two checkpoints of any formats, bit for bit.",
    discussion: """
      Says which tensors are missing, extra, of another type or shape, in another order, tied \
      otherwise, or of other values, and how far apart those are. NaNs with equal bits are equal; \
      −0 and +0 are not. --rtol and --atol ask for numeric comparison instead.
      Exit status 0 says the same, 1 different, 2 that something stopped the comparison, or that what is \
      not read may differ.

      EXAMPLE
        cairn diff before.cairn after.safetensors
        cairn diff --rtol 1e-5 --atol 1e-8 a.cairn b.cairn
      """)

  @Argument(help: "The one checkpoint.")
  var first: String

  @Argument(help: "The other checkpoint.")
  var second: String

  @Flag(help: "Print the report as JSON.")
  var json = false

  @Option(help: "Relative tolerance: |a − b| ≤ max(atol, rtol · max(|a|, |b|)), as math.isclose.")
  var rtol: Double?

  @Option(help: "Absolute tolerance.")
  var atol: Double?

  @Flag(help: "Compare the files' own bytes, and name what lies where they part.")
  var bytes = false

  @Flag(help: "Compare tensors only, not metadata, configuration and blobs.")
  var tensorsOnly = false

  @Flag(help: "Decode even more than 64 MiB and 64 times a file, as of zeros.")
  var expand = false

  @Flag(help: "Print nothing; the exit status says it all.")
  var quiet = false

  func validate() throws {
    guard !bytes || (rtol == nil && atol == nil && !tensorsOnly) else {
      throw ValidationError("--bytes takes the files as they are, without tolerance or selection.")
    }
    for value in [rtol, atol] {
      if let value, !(value >= 0 && value.isFinite) {
        throw ValidationError("--rtol and --atol take numbers of at least 0.")
      }
    }
  }

  func run() throws {
    if bytes { return try runOnBytes() }
    var options = ComparisonOptions()
    if rtol != nil || atol != nil {
      options.tolerance = try Tolerance(absolute: atol ?? 0, relative: rtol ?? 0)
    }
    if tensorsOnly { options.scope = .weights }
    let left = try CheckpointFile.open(first)
    let right = try CheckpointFile.open(second)
    if !quiet, !tensorsOnly {
      for (file, path) in [(left, first), (right, second)] {
        for remark in file.remarks { Terminal.complain("note: \(path): \(remark)") }
      }
    }
    if !expand {
      try left.checkPlausible()
      try right.checkPlausible()
    }
    // Each thread holds a block of each side. If the blocks are large and the file is not, one
    // thread is enough.
    if max(left.blockByteCount, right.blockByteCount) > 4 << 20,
      max(left.fileByteCount, right.fileByteCount) < 64 << 20
    {
      options.threads = Threads(1)
    }
    let bar = ProgressBar("diff")
    let report = try compare(left.source, right.source, options: options) {
      (progress) throws(CairnError) in
      try bar.update(progress)
    }
    ProgressBar.clear()
    // What was not read is the same if the files themselves have the same bytes.
    let isDecided =
      try report.uncompared.isEmpty || !report.isSame || areOneFile(left, right)
    if quiet {
      // Also with --json, which only says how to print. With --quiet nothing is printed.
    } else if json {
      var value = report.json
      if !isDecided, case .object(var object) = value {
        object["same"] = .null
        value = .object(object)
      }
      Terminal.say(try value.text(.pretty))
    } else {
      Terminal.say(report.text.printableLines)
    }
    if !report.isSame { throw Finished(code: Exit.negative) }
    guard isDecided else {
      throw CairnError(
        .unsupported, "what was read is the same, and what was not read may differ",
        at: .init(file: report.uncompared.elements.first?.side == .left ? first : second),
        found: report.uncompared.elements.first.map {
          "\($0.item.pathText.debugDescription), which is \($0.item.type)"
        },
        advice: "Compare the tensors alone (--tensors-only), or the files' bytes (--bytes)")
    }
  }

  /// Whether both are single files with the same bytes.
  private func areOneFile(_ left: CheckpointFile, _ right: CheckpointFile) throws(CairnError)
    -> Bool
  {
    guard !left.spansFiles, !right.spansFiles,
      let one = try? FileBytes(path: first), let other = try? FileBytes(path: second),
      one.count == other.count
    else { return false }
    return try compareBytes(one, other) == nil
  }

  private func runOnBytes() throws {
    let bar = ProgressBar("diff")
    let difference = try compareBytes(FileBytes(path: first), FileBytes(path: second)) {
      (progress) throws(CairnError) in
      try bar.update(progress)
    }
    ProgressBar.clear()
    if quiet {
      // As above.
    } else if json {
      Terminal.say(try (difference?.json ?? .null).text(.pretty))
    } else {
      Terminal.say((difference?.text ?? "the same bytes").printableLines)
    }
    if difference != nil { throw Finished(code: Exit.negative) }
  }
}
