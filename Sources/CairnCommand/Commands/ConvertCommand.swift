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

  @OptionGroup var arguments: ConversionArguments

  func run() throws {
    let input = try arguments.openInput()
    _ = try arguments.write(input.source, label: "convert")
    let written = try FileBytes(path: arguments.output).count
    Terminal.say(
      "\(arguments.output.printable): \(input.source.count) tensors, "
        + "\(ByteCount.text(input.fileByteCount)) → \(ByteCount.text(written)) "
        + "(\(ByteCount.percent(written, of: input.fileByteCount)))")
  }
}
