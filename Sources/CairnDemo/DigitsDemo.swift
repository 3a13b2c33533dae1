// The demo's first part: a real model from Keras is loaded, compared with Keras, saved and
// restored.

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

struct DigitsDemo {
  /// The folder that has `digits/`.
  let fixtures: String
  let folder: DemoFolder
  /// How far a probability may be from Keras's. In float32, another order of sums of 64 products
  /// and another `exp` make less difference than this.
  private static let tolerance = 1e-5

  func run(_ report: inout DemoReport) throws(CairnError) {
    let path = "\(fixtures)/digits"
    let digits: HeldOutDigits
    let model: Model
    let weights: SafetensorsFile
    do throws(CairnError) {
      digits = try HeldOutDigits(path: "\(path)/images.safetensors")
      let file = try FileBytes(path: "\(path)/model.json")
      let text = try file.withBytes(in: 0..<file.count) { $0.array }
      model = try Model.make(
        configuration: Model.parse(configuration: text), initialization: .zeros)
      weights = try SafetensorsFile(path: "\(path)/weights.safetensors")
      try model.loadWeights(from: weights)
    } catch {
      guard error.code == .notFound else { throw error }
      var error = error
      error.advice = "Run the demo at the repository's root, or name the folder with --fixtures"
      throw error
    }
    report.part("1  A digit classifier that was trained with Keras")
    try describe(model, weights, digits, &report)
    let predictions = try model.predict(digits.images)
    try classify(digits, predictions, &report)
    try advanceSeeds(of: model, &report)
    let restored = try saveAndLoad(model, &report)
    try DigitCopies(original: model, restored: restored, digits: digits, before: predictions)
      .run(&report)
  }

  /// Describes what was loaded from Keras's files.
  private func describe(
    _ model: Model, _ weights: SafetensorsFile, _ digits: HeldOutDigits,
    _ report: inout DemoReport
  ) throws(CairnError) {
    let layers = model.layers.map { layer in
      type(of: layer).className + ((layer as? Dense).map { " \($0.units)" } ?? "")
    }
    report.fact("images", "\(digits.count) of scikit-learn's digits that training never saw")
    report.fact("layers", layers.joined(separator: ", "))
    report.fact(
      "weights",
      "\(model.parameterCount.grouped) numbers in \(model.weights.count) tensors, "
        + ByteCount.text(weights.dataByteCount))
    report.fact(
      "from", "Keras \(digits.kerasVersion): model.to_json(), and safetensors under Keras's paths")
    var order: [String] = []
    if case .string(let list) = weights.metadata["weight_order"],
      let list = try? JSONValue(parsing: Array(list.utf8))
    {
      order = list.arrayValue?.compactMap(\.stringValue) ?? []
    }
    report.check(
      "every weight has its place, in Keras's order of weights",
      try model.places(.weights).map { (place) throws(CairnError) in try place.name().string }
        == order)
  }

  /// Shows the model's answers for the images, and compares them with Keras's.
  private func classify(
    _ digits: HeldOutDigits, _ predictions: Tensor, _ report: inout DemoReport
  ) throws(CairnError) {
    let answers = try digits.answers(predictions)
    let isRight = zip(answers, digits.labels).map { $0.digit == $1 }
    // Two images that are classified correctly, and the first that is not.
    var choice = Array(isRight.indices.filter { isRight[$0] }.prefix(2))
    if let wrong = isRight.firstIndex(of: false) { choice.append(wrong) }
    report.step("Three of the images, and what the model reads")
    report.say("")
    let captions = choice.map { index in
      let percent = ByteCount.decimal(Double(answers[index].probability) * 100, digits: 1)
      let truth = isRight[index] ? "" : "; it is \(digits.labels[index])"
      return (index: index, caption: "\(answers[index].digit), \(percent) %\(truth)")
    }
    for line in try DigitPictures(digits.images).lines(captions) { report.say(line) }

    report.step("All \(digits.count) of them")
    let correct = try digits.correct(predictions)
    var table = TextTable([("", .left), ("right", .right), ("accuracy", .right)])
    table.add(["Keras"] + digits.score(digits.kerasCorrect))
    table.add(["Cairn"] + digits.score(correct))
    report.show(table)
    let kerasAnswers = try digits.answers(digits.kerasPredictions)
    report.check("Cairn's accuracy is Keras's", correct == digits.kerasCorrect)
    report.check(
      "Cairn reads the same digit as Keras in each image",
      zip(answers, kerasAnswers).allSatisfy { $0.digit == $1.digit })
    let difference = try compare(predictions, digits.kerasPredictions)
    let distance = difference.map { $0.maximumAbsolute ?? .infinity } ?? 0
    report.check(
      "the probabilities are Keras's: largest difference \(distance.short), allowed "
        + Self.tolerance.short, difference?.nanMismatches ?? 0 == 0 && distance <= Self.tolerance)
  }

  /// Advances the seeds of random layers, as training does; Keras's weights do not have them.
  private func advanceSeeds(
    of model: Model, _ report: inout DemoReport
  ) throws(CairnError) {
    // 60 epochs, each of 23 batches of 64 images.
    let draws: UInt32 = 1_380
    for place in model.places(.fullState) where place.role == .state {
      var seed = place.variable.value
      try seed.setElement(at: [1], to: draws)
      try place.variable.assign(seed)
    }
    report.step("A file of all its state")
    report.say(
      "Keras's weights lack the dropout's seed. So that there is such state to carry, it is")
    report.say("moved on here by \(Int(draws).grouped) draws, as in so many steps of training.")
  }

  /// The model, saved to a file and loaded again.
  private func saveAndLoad(
    _ model: Model, _ report: inout DemoReport
  ) throws(CairnError) -> Model {
    let path = folder.file("digits.cairn")
    let saving = try Timing.of { () throws(CairnError) in try model.save(to: path) }
    let loading = try Timing.of { () throws(CairnError) in try Model.load(from: path) }
    let bytes = try FileBytes(path: path).count
    report.fact(
      "saved", "digits.cairn, \(bytes.grouped) bytes with the model itself, \(saving.timing.text)")
    report.fact("restored", "\(loading.value.variables.count) variables, \(loading.timing.text)")
    let again = folder.file("digits-again.cairn")
    try loading.value.save(to: again)
    report.check(
      "the restored model saves to the same file, byte for byte",
      try compareBytes(FileBytes(path: path), FileBytes(path: again)) == nil)
    return loading.value
  }
}
