// `cairn convert`

import ArgumentParser
import CairnInterchange
import CairnSystem
import CairnTensors

struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert", abstract: "Write a checkpoint in another format.",
    discussion: """
      Every bit, name, shape and place is kept, or the command fails and says what the target \
      cannot hold. Memory stays bounded, whatever the file's size. The output appears when it is \
      whole; until then, and after a failure, what was there stays.

      EXAMPLE
        cairn convert model.safetensors model.cairn
        cairn convert --codec raw --align 4K model.safetensors model.cairn
        cairn convert model.cairn model.safetensors
      """)

  @Argument(help: "The checkpoint to read.")
  var input: String

  @Argument(help: "The file to write; its extension says the format.")
  var output: String

  @Option(help: "The input's format, instead of finding it out.")
  var from: FormatName?

  @Option(help: "The output's format, whatever its extension.")
  var to: FormatName?

  @OptionGroup var writing: WritingOptions

  func run() throws {
    let source = try CheckpointFile.open(
      input, format: from?.format, options: writing.readOptions)
    let format = try to?.format ?? CheckpointFormat.forWriting(output)
    var sink = format.writer(to: output, options: writing.writeOptions)
    let bar = ProgressBar("convert", stateWhenStopped: "what was there before is untouched")
    try sink.write(source.source) { (progress) throws(CairnError) in try bar.update(progress) }
    ProgressBar.clear()
    let written = try FileBytes(path: output).count
    Terminal.say(
      "\(output): \(source.source.count) tensors, \(ByteCount.text(source.fileByteCount)) → "
        + "\(ByteCount.text(written)) (\(ByteCount.percent(written, of: source.fileByteCount)))")
  }
}
