// `cairn clone`

import ArgumentParser
import CairnCheckpoints
import CairnModelFiles
import CairnComparison
import CairnContainer
import CairnForeign
import CairnJSON
import CairnModels
import CairnSystem
import CairnTensors
import CairnTerminal

struct CloneCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "clone", abstract: "Clone a model: the same architecture, made anew.",
    discussion: """
      As Keras's clone_model, then set_weights(get_weights()): the model is built again from its \
      configuration and takes the original's weights; ties and flags are kept. State that is no \
      weight (seeds, metrics, states of recurrent layers) is fresh; 'cairn copy' is the other way, \
      which keeps that too. With --fresh the weights are initial ones.

      EXAMPLE
        cairn clone model.cairn clone.cairn
        cairn clone --fresh --seed 7 model.cairn untrained.cairn
      """)

  @OptionGroup var model: ModelArguments

  @Argument(help: "The .cairn file to write.")
  var output: String

  @Flag(help: "Keep the initial weights, drawn from the seed.")
  var fresh = false

  @Option(help: "What is fresh is drawn from. (default: another one each time)")
  var seed: UInt64?

  @OptionGroup var writing: WritingOptions

  @Flag(help: "Print JSON: path, weights, equal, fresh, independent.")
  var json = false

  func run() throws {
    guard try FormatRegistry.standard.forWriting(output).name == CheckpointFormat.cairn.name else {
      throw CairnError(
        .cannotHold, "only a .cairn file holds a whole model", at: .init(file: output))
    }
    let (original, metadata) = try model.open()
    if let note = original.optimizerNote { Terminal.complain("note: \(note.printable)") }
    let clone = try original.cloned(
      copyingWeights: !fresh, seed: seed ?? .random(in: .min ... .max))
    let independence = try proveIndependence(
      of: ModelTensors.live(original), from: ModelTensors.live(clone))
    guard independence.isIndependent else {
      throw CairnError(
        .copyDiffers, "the clone shares what can be written with the original",
        at: .init(name: independence.leaks.first?.written.string),
        advice: "This is a defect of Cairn; please report it")
    }
    var options = writing.writeOptions
    let proven = Lock<(model: Model, isEqual: Bool)?>(nil)
    options.proof = { (files) throws(CairnError) in
      // Opened again, to compare what the disk returns.
      var reading = writing.readOptions
      reading.files = files
      let written = try Model.load(from: output, options: reading)
      let isEqual = try prove(written, equals: original)
      proven.withLock { $0 = (written, isEqual) }
    }
    let bar = ProgressBar("clone", stateWhenStopped: "what was there before is untouched")
    try clone.save(
      to: output, metadata: metadata, options: options
    ) { (progress) throws(CairnError) in try bar.update(progress) }
    ProgressBar.clear()
    if let written = proven.withLock({ $0 }) { try say(written.isEqual, of: written.model) }
  }

  /// Whether the written weights are those of the original. They must be, unless fresh ones were
  /// asked for.
  private func prove(_ written: Model, equals original: Model) throws(CairnError) -> Bool {
    let weights = try compare(
      ModelTensors(original, scope: .weights), ModelTensors(written, scope: .weights))
    guard fresh || weights.isSame else {
      Terminal.write(weights.text.printableLines + "\n", to: .error)
      throw CairnError(
        .copyDiffers, "the clone's weights are not equal to the original's",
        at: .init(file: output),
        advice: "This is a defect of Cairn or of the machine; please report it")
    }
    return weights.isSame
  }

  private func say(_ isEqual: Bool, of clone: Model) throws {
    var made: [String] = []
    for place in clone.places(.fullState) where fresh || place.role == .state {
      made.append(try place.name().string)
    }
    if json {
      Terminal.say(
        try JSONValue.object([
          "path": .string(SystemPath.shown(output)),
          "weights": .integer(Int64(clone.weights.count)),
          "equal": .bool(isEqual), "fresh": .array(made.map { .string($0) }),
          "independent": true,
        ]).text(.pretty))
      return
    }
    let weights =
      fresh
      ? "\(clone.weights.count) fresh weights"
      : "\(clone.weights.count) weights equal to \(model.model.printable) in every bit"
    let state = made.filter { _ in !fresh }
    let list = state.prefix(4).joined(separator: ", ") + (state.count > 4 ? ", …" : "")
    Terminal.say(
      "\(output.printable): \(weights)"
        + (state.isEmpty ? "" : "; fresh: \(list.printable)"))
  }
}
