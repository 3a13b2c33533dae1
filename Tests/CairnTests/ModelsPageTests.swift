// Documentation/Models.md: every piece of Swift on that page is compiled and run here.

import Cairn
import CairnTestSupport
import Foundation
import Testing

@Suite struct ModelsPageTests {
  private func pair() throws -> (Functional, Tensor) {
    // page: graph
    let left = try Input(shape: [3], name: "left")
    let right = try Input(shape: [3], name: "right")
    let encoder = try Dense(3, activation: .tanh, name: "encoder")  // one layer, called twice
    let both = try encoder(left) + encoder(right)
    let model = try Functional(
      inputs: [left, right], outputs: [Dense(1, name: "score")(both)], name: "pair")
    let (a, b) = (try Tensor([1, 2, 3], shape: [1, 3]), try Tensor([3, 2, 1], shape: [1, 3]))
    let score = try model.predict([a, b])[0]
    // page end
    return (model, score)
  }

  @Test func `A graph is drawn and run`() throws {
    let (model, score) = try pair()
    #expect(model.weights.count == 4)
    #expect(score.shape == [1, 1])
  }

  @Test func `Clones by functions`() throws {
    let (model, _) = try pair()
    // page: clones
    let wide = try model.cloned { (layer) throws(CairnError) in
      layer.name == "encoder" ? try Dense(5, name: "encoder") : try layer.cloned()
    }
    let regularised = try model.cloned(
      calling: { (layer, arguments) throws(CairnError) in
        let results = try layer(arguments: arguments)
        return layer is Dense ? [try Dropout(0.5)(results[0])] : results
      }, { $0 })  // the very layers, with another after each
    // page end
    #expect(wide.weights.map(\.shape) == [[3, 5], [5], [5, 1], [1]])
    #expect(regularised.layers.count { $0 is Dropout } == 3)
  }

  @Test func `Weights of another program`() throws {
    let (model, _) = try pair()
    let named: [TensorName: Tensor] = [
      "twin.encoder.kernel": try Tensor(zeros: .bfloat16, shape: [3, 3]),
      "twin.encoder.bias": try Tensor(zeros: .float32, shape: [3]),
      "twin.score.kernel": try Tensor(zeros: .float32, shape: [3, 1]),
      "twin.score.bias": try Tensor(zeros: .float32, shape: [1]),
    ]
    // page: weights
    var options = LoadOptions()
    options.mapping = [.prefix("twin.", becomes: "pair/"), .text(".", becomes: "/")]
    options.allowCast = true  // floats only
    let report = try model.setWeights(named, options: options)
    // report.restored, report.missing, report.unused
    // page end
    #expect(report.restored.count == 4 && report.missing.isEmpty && report.unused.isEmpty)
  }

  @Test func `Training with gradients that are given`() throws {
    let (model, _) = try pair()
    let gradients = try model.trainableWeights.map { try Tensor(zeros: .float32, shape: $0.shape) }
    // page: training
    var options = OptimizerOptions()
    options.lossScaling = LossScaling(initialScale: 1024)  // Keras's LossScaleOptimizer
    let optimizer = try Optimizer(.adam(), learningRate: 0.01, options: options)
    try model.compile(optimizer: optimizer)
    let factor = try optimizer.currentLossScale ?? 1  // the loss is to be multiplied by it
    try optimizer.apply(gradients)  // in the order of optimizer.targets
    // page end
    #expect(factor == 1024)
    #expect(optimizer.targets.count == 4)
  }

  @Test(arguments: ["graph", "clones", "training", "weights"])
  func `The page shows the very lines that run here`(name: String) throws {
    let here = try String(contentsOfFile: #filePath, encoding: .utf8)
      .split(separator: "\n", omittingEmptySubsequences: false)
    let page = try String(contentsOfFile: repository + "/Documentation/Models.md", encoding: .utf8)
    let start = try #require(here.firstIndex { $0.hasSuffix("// page: \(name)") })
    let end = try #require(here[start...].firstIndex { $0.hasSuffix("// page end") })
    let code = here[(start + 1)..<end].map { $0.dropFirst(4) }.joined(separator: "\n")
    #expect(page.contains("```swift\n" + code + "\n```"))
  }
}
