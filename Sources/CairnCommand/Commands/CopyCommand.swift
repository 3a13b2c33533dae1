// `cairn copy`

import ArgumentParser
import CairnCheckpoints
import CairnComparison
import CairnContainer
import CairnForeign
import CairnModelFiles
import CairnSystem
import CairnTensors
import CairnTerminal

struct CopyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "copy", abstract: "Deep-copy a checkpoint and prove that the copy is equal.",
    discussion: """
      Unlike cp, which copies damage too, every tensor is decoded, checked, coded anew, and the \
      finished copy is compared with the original, bit for bit. Of a model everything is kept: \
      weights, seeds, metrics, ties. 'cairn clone' is the other way: the model built anew.

      EXAMPLE
        cairn copy model.cairn copy.cairn
      """)

  @OptionGroup var arguments: ConversionArguments

  func run() throws {
    let output = arguments.output
    let original = try arguments.openInput()
    for remark in original.remarks { Terminal.complain("note: \(remark)") }
    let format = try arguments.outputFormat()
    // Coded content is checked against the original's digests while it is copied. Other copies have
    // no digests.
    let keepsDigests = format.name == CheckpointFormat.cairn.name && arguments.writing.digests
    let checking = ProgressBar("verify", stateWhenStopped: "nothing was written")
    try original.verify(original.rootDigest == nil || keepsDigests ? .structure : .deep) {
      (progress) throws(CairnError) in try checking.update(progress)
    }
    let copied = Lock<CheckpointFile?>(nil)
    try arguments.write(original.source, label: "copy") { (files) throws(CairnError) in
      // Opened again, to compare what the disk returns.
      var options = arguments.writing.readOptions
      options.files = files
      let copy = try CheckpointFile.open(output, format: format, options: options)
      try prove(copy, equals: original)
      copied.withLock { $0 = copy }
    }
    let root = copied.withLock { $0?.rootDigest }
    Terminal.say(
      "\(output.printable): \(original.source.count) tensors equal to "
        + "\(arguments.input.printable) in every bit"
        + (root.map { ", root digest \($0.prefix(16))…" } ?? ""))
  }

  private func prove(
    _ copy: CheckpointFile, equals original: CheckpointFile
  ) throws(CairnError) {
    let comparing = ProgressBar(
      "compare", stateWhenStopped: "what was there before is untouched")
    let report = try compare(original.source, copy.source) { (progress) throws(CairnError) in
      try comparing.update(progress)
    }
    ProgressBar.clear()
    guard report.isSame else {
      Terminal.write(report.text.printableLines + "\n", to: .error)
      throw CairnError(
        .copyDiffers, "the copy is not equal to the original; nothing was put in its place",
        at: .init(file: arguments.output),
        advice: "This is a defect of Cairn or of the machine; please report it")
    }
  }
}

extension CairnError.Code {
  /// A copy that was just made is not equal to its original.
  static let copyDiffers = Self("copyDiffers")
}
