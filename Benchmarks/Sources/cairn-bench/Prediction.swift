// Forward passes: of a MobileNet that is made here, or of a model in a file.

import Cairn

/// The model of the last command, so that a model is read once.
struct Prediction {
  private var path: String?
  private var model: Model?

  /// A forward pass after one that is not measured.
  ///
  /// With "model" it is that file's, on noise for "batch" examples or on the first tensor of the
  /// file "input"; the outcome goes to the file "output", if there is one.
  mutating func run(_ command: Command) throws(CairnError) -> JSONObject {
    let threads = try command.readOptions().threads
    guard let path = command.text("model") else {
      let network = try MobileNet.model()
      return try measure(network, [MobileNet.pictures(command.int("batch"))], threads, warms: true)
        .answer
    }
    let warms = self.path != path
    let network: Model
    if let model, !warms { network = model } else { network = try Model.load(from: path) }
    (self.path, model) = (path, network)
    let inputs: [Tensor]
    if let file = command.text("input") {
      inputs = [try CheckpointFile.open(file).source.tensor(at: 0)]
    } else {
      let batch = try command.int("batch")
      var noise: [Tensor] = []
      for shape in network.inputShapes ?? [] {
        noise.append(try Self.noise(shape.dimensions.map { $0 ?? batch }))
      }
      inputs = noise
    }
    let (answer, outputs) = try measure(network, inputs, threads, warms: warms)
    if let file = command.text("output"), let first = outputs.first {
      var named = NamedTensors()
      try named.add(first, named: "output")
      try named.write(to: file)
    }
    return answer
  }

  private func measure(
    _ model: Model, _ inputs: [Tensor], _ threads: Threads, warms: Bool
  ) throws(CairnError) -> (answer: JSONObject, outputs: [Tensor]) {
    let context = EvaluationContext(threads: threads)
    let first = warms ? try model.predict(inputs, in: context) : nil
    let (second, measurement) = try Measurement.of { () throws(CairnError) in
      try model.predict(inputs, in: context)
    }
    var answer = measurement.answer(["parameters": .integer(Int64(model.parameterCount))])
    if let first { answer["same"] = .bool(first == second) }
    return (answer, second)
  }

  /// Noise from −1 to 1, always the same.
  static func noise(_ dimensions: [Int]) throws(CairnError) -> Tensor {
    var state: UInt32 = 1
    let shape = try Shape(dimensions)
    let values = (0..<shape.elementCount).map { _ -> Float in
      state = state &* 1_664_525 &+ 1_013_904_223
      return Float(state >> 8) / 8_388_608 - 1
    }
    return try Tensor(values, shape: shape)
  }
}
