// `cairn predict`

import ArgumentParser
import CairnCheckpoints
import CairnForeign
import CairnJSON
import CairnModelFiles
import CairnModels
import CairnSystem
import CairnTensors
import CairnTerminal

struct PredictCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict", abstract: "Run a model on arrays, as Keras's model.predict.",
    discussion: """
      The arrays are files of any format that Cairn reads, NumPy's most often: one for each input, \
      by its name or in the model's order, or one file with an array for each input. Floats are \
      brought into the input's type.
      Outputs are named after the layers that give them. A .npy file takes one output; several go \
      to .npz, .safetensors or .cairn.

      EXAMPLE
        cairn predict model.cairn --input x.npy --output y.npy
        cairn predict model.cairn --input left=a.npy --input right=b.npy --output y.npz
        cairn predict --config config.json model.safetensors --input x.npy --output y.npy
      """)

  @OptionGroup var model: ModelArguments

  @Option(
    name: .long,
    help: ArgumentHelp("An array, or <name>=<file>; once for each input.", valueName: "file"))
  var input: [String] = []

  @Option(help: ArgumentHelp("Where the outputs go; the extension says how.", valueName: "file"))
  var output: String

  @Option(help: "Threads that compute. (default: all cores)")
  var threads: Int?

  @Flag(
    help: """
      Set no bounds to work and memory. Without it both grow with the files that are given, so that a \
      small file cannot ask for hours.
      """)
  var noLimits = false

  @Flag(help: "Print JSON: model, inputs, outputs, output.")
  var json = false

  func validate() throws {
    guard !input.isEmpty else { throw ValidationError("Give each input with --input.") }
    if let threads, !(1...1_024).contains(threads) {
      throw ValidationError("--threads takes a number from 1 to 1,024.")
    }
  }

  func run() throws {
    // Checked before the work, not after it.
    let format = try FormatRegistry.standard.forWriting(output)
    let network = try model.open().model
    let inputs = try ModelInputs(input, for: network).tensors
    let threads = threads.map { Threads($0) } ?? .all
    let context =
      noLimits
      ? EvaluationContext(
        threads: threads, maximumElementCount: .max >> 8, maximumHeldElementCount: .max >> 8)
      : .bounded(fileByteCount: model.byteCount, inputs: inputs, threads: threads)
    let outputs = try network.predict(inputs, in: context)
    var named = NamedTensors()
    for (name, tensor) in zip(network.outputNames, outputs) {
      try named.add(tensor, named: TensorName(name))
    }
    var sink = try format.writer(to: output, accepting: .names)
    try sink.write(named) { (_) throws(CairnError) in try Interruption.check() }
    if json {
      let names = network.inputNames.isEmpty ? ["input"] : network.inputNames
      Terminal.say(
        try JSONValue.object([
          "model": .string(network.name), "inputs": Self.described(names, inputs),
          "outputs": Self.described(network.outputNames, outputs),
          "output": .string(SystemPath.shown(output)),
        ]).text(.pretty))
    } else {
      let list = zip(network.outputNames, outputs).map {
        "\($0.printable) \($1.dtype) \($1.shape)"
      }
      Terminal.say("\(output.printable): \(list.joined(separator: ", "))")
    }
  }

  private static func described(_ names: [String], _ tensors: [Tensor]) -> JSONValue {
    .array(
      zip(names, tensors).map { name, tensor in
        [
          "name": .string(name), "dtype": .string(tensor.dtype.name),
          "shape": .array(tensor.shape.dimensions.map { .integer(Int64($0)) }),
        ]
      })
  }
}
