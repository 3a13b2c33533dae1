// `cairn copy`

import ArgumentParser
import CairnComparison
import CairnInterchange
import CairnSystem
import CairnTensors

struct CopyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "copy", abstract: "Deep-copy a checkpoint and prove that the copy is equal.",
    discussion: """
      Unlike cp, which copies damage too, every tensor is decoded, checked, coded anew, and the \
      finished copy is compared with the original, bit for bit. Of a model everything is kept: \
      weights, seeds, metrics, ties. 'cairn clone' is the other road: the model built anew.

      EXAMPLE
        cairn copy model.cairn copy.cairn
      """)

  @OptionGroup var arguments: ConversionArguments

  func run() throws {
    let output = arguments.output
    let original = try arguments.openInput()
    let format = try arguments.write(original.source, label: "copy")
    // Opened anew: what is compared is what the disk gives back.
    let copy = try CheckpointFile.open(
      output, format: format, options: arguments.writing.readOptions)
    let comparing = ProgressBar(
      "compare", stateWhenStopped: "the copy is written, but not compared")
    let report = try compare(original.source, copy.source) { (progress) throws(CairnError) in
      try comparing.update(progress)
    }
    ProgressBar.clear()
    guard report.isSame else {
      Terminal.write(report.text.printableLines + "\n", to: .error)
      throw CairnError(
        .copyDiffers, "the copy is not equal to the original", at: .init(file: output),
        advice: "This is a defect of Cairn or of the machine; please report it")
    }
    Terminal.say(
      "\(output.printable): \(copy.source.count) tensors equal to \(arguments.input.printable) in every bit"
        + (copy.root.map { ", root digest \($0.prefix(16))…" } ?? ""))
  }
}

extension CairnError.Code {
  /// A copy that was just made is not equal to its original.
  static let copyDiffers = Self("copyDiffers")
}
