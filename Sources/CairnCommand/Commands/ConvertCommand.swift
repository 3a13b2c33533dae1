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

  @Flag(help: "Leave out what the output's format has no place for, and say what.")
  var lossy = false

  @Flag(help: "Write float32 for quantised blocks of GGUF, float16 and bfloat16.")
  var dequantize = false

  func run() throws {
    let input = try arguments.openInput()
    for remark in input.remarks { Terminal.complain("note: \(remark)") }
    // Not `?:`, whose sides would have to be of one type.
    var source = input.source
    if dequantize { source = try DequantizedSource(source) }
    _ = try arguments.write(source, label: "convert", lossy: lossy)
    let written = try FileBytes(path: arguments.output).count
    Terminal.say(
      "\(arguments.output.printable): \(input.source.count) tensors, "
        + "\(ByteCount.text(input.fileByteCount)) → \(ByteCount.text(written)) "
        + "(\(ByteCount.percent(written, of: input.fileByteCount)))")
  }
}
