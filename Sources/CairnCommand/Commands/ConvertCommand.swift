// `cairn convert`

import ArgumentParser
import CairnCheckpoints
import CairnEditing
import CairnForeign
import CairnModelFiles
import CairnModels
import CairnSystem
import CairnTensors
import CairnTerminal

struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert", abstract: "Write a checkpoint in another format.",
    discussion: """
      Every bit, name, shape and place is kept, or the command fails and says what the target \
      cannot hold. Memory stays bounded, whatever the file's size. The output appears when it is \
      whole; until then, and after a failure, what was there stays.

      \(SelectionOptions.patternHelp) Tensors are first left out, then cast, transposed and \
      renamed.

      EXAMPLE
        cairn convert model.safetensors model.cairn
        cairn convert --codec raw --align 4K model.safetensors model.cairn
        cairn convert model.cairn model.safetensors
        cairn convert --include 'encoder.*' --rename 're:^encoder\\.=>' \\
          --cast bfloat16 --lossy model.safetensors encoder.cairn
        cairn convert --config config.json model.safetensors model.cairn
        cairn convert --write-config config.json model.cairn model.safetensors
      """)

  @OptionGroup var arguments: ConversionArguments

  @OptionGroup var selection: SelectionOptions

  @Flag(help: "Leave out what the output cannot hold, round what is cast, and say what.")
  var lossy = false

  @Flag(help: "Write float32 for quantised blocks of GGUF, float16 and bfloat16.")
  var dequantize = false

  @Option(
    help: ArgumentHelp(
      "Keras's config.json: the input is the weights of that model.", valueName: "json"))
  var config: String?

  @Option(
    help: ArgumentHelp("Where the model's configuration goes, as Keras has it.", valueName: "json"))
  var writeConfig: String?

  func run() throws {
    // An accepted loss never includes a whole missing file.
    let input = try arguments.openInput(
      allowsMissingFiles: !lossy && !(selection.include.isEmpty && selection.exclude.isEmpty))
    for remark in input.remarks { Terminal.complain("note: \(remark)") }
    // Not `?:`: its sides would need the same type.
    var source = input.source
    if let config {
      let model = try ModelArguments.model(configuration: config, weights: input)
      source = try ModelTensors(model, metadata: source.metadata)
    }
    let tensors = writeConfig == nil ? nil : try WithoutConfiguration(source)
    if let tensors { source = tensors }
    // Tensors that are left out are not checked, neither for dequantising nor for the target
    // format.
    if !selection.isEmpty {
      var edited = try EditedTensors(source)
      try selection.select(&edited)
      edited.complain()
      source = edited
    }
    if dequantize { source = try source.dequantized() }
    if selection.transforms {
      var edited = try EditedTensors(source)
      try selection.transform(&edited, lossy: lossy)
      edited.complain()
      source = edited
    }
    // Not `map`: it would lose the type of the thrown error.
    var configuration: AtomicFile?
    if let writeConfig { configuration = try tensors?.stageConfiguration(for: writeConfig) }
    let written = try arguments.write(source, label: "convert", lossy: lossy)
    try configuration?.commit()
    Terminal.say(
      "\(arguments.output.printable): \(source.count) tensors, "
        + "\(ByteCount.text(input.fileByteCount)) → \(ByteCount.text(written)) "
        + "(\(ByteCount.percent(written, of: input.fileByteCount)))")
  }
}
