// Model and optimizer as one checkpoint: what is in it, what a copy keeps, what is refused.

import Cairn
import CairnTestSupport
import Testing

@Suite struct OptimizerCheckpointTests {
  private func model(_ rule: UpdateRule? = .adam(), name: String = "net") throws -> Sequential {
    let model = try Sequential(
      [InputLayer(shape: [3]), Dense(2, name: "a"), Dense(2, name: "b")], name: name, seed: 3)
    if let rule { try model.compile(optimizer: Optimizer(rule, learningRate: 0.1)) }
    return model
  }

  private func train(_ model: Model, steps: Int = 3) throws {
    let optimizer = try #require(model.optimizer)
    for step in 1...steps {
      try optimizer.apply(
        optimizer.targets.map { try Tensor(repeating: Float(step) / 4, shape: $0.shape) })
    }
  }

  @Test func `Slots are called as their weights, with the optimizer's class`() throws {
    let source = try ModelTensors(model())
    let names = try source.entries().map(\.name.string)
    #expect(
      names == [
        "net/a/kernel", "net/a/bias", "net/b/kernel", "net/b/bias",
        "net/optimizer/Adam/iteration", "net/optimizer/Adam/learning_rate",
        "net/optimizer/Adam/a/kernel/momentum", "net/optimizer/Adam/a/kernel/velocity",
        "net/optimizer/Adam/a/bias/momentum", "net/optimizer/Adam/a/bias/velocity",
        "net/optimizer/Adam/b/kernel/momentum", "net/optimizer/Adam/b/kernel/velocity",
        "net/optimizer/Adam/b/bias/momentum", "net/optimizer/Adam/b/bias/velocity",
      ])
    #expect(try ModelTensors(model(), scope: .weights).count == 4)
  }

  @Test func `A deep copy keeps the optimizer in every bit, and shares nothing of it`() throws {
    let model = try model()
    try train(model)
    let copy = try model.deepCopy()
    let report = try compare(ModelTensors(model), ModelTensors(copy))
    #expect(report.isSame, "\(report.text)")
    #expect(report.comparedCount == 14)
    #expect(copy.compileConfiguration == model.compileConfiguration)
    let proof = try proveIndependence(
      of: ModelTensors.live(model), from: ModelTensors.live(copy))
    #expect(proof.isDisjoint, "\(proof.text)")
    try train(copy, steps: 1)
    let after = try compare(ModelTensors(model), ModelTensors(copy))
    #expect(!after.isSame)
  }

  @Test func `A clone has no optimizer, and agrees with a deep copy in the weights`() throws {
    let model = try model()
    try train(model)
    let clone = try model.cloned()
    try clone.setWeights(model.getWeights())
    #expect(clone.optimizer == nil)
    let weights = try compare(
      ModelTensors(clone, scope: .weights), ModelTensors(model.deepCopy(), scope: .weights))
    #expect(weights.isSame, "\(weights.text)")
    let state = try compare(ModelTensors(clone), ModelTensors(model.deepCopy()))
    #expect(!state.isSame)
  }

  @Test func `An optimizer keeps the weights it was built for, whatever is frozen later`() throws {
    let model = try model(.rmsprop(momentum: 0.5))
    try train(model)
    model.layers[0].trainable = false
    let copy = try model.deepCopy()
    #expect(copy.optimizer?.targets.count == 4)
    let report = try compare(ModelTensors(model), ModelTensors(copy))
    #expect(report.isSame, "\(report.text)")
  }

  @Test func `Optimizers of nested models are kept, and tied weights have one slot`() throws {
    let inner = try model(.lion(), name: "inner")
    try train(inner)
    let tied = try Dense(2, name: "tied")
    let outer = try Sequential([inner, tied], name: "outer", seed: 1)
    try tied.share("kernel", with: inner.layers[1])
    try outer.compile(optimizer: Optimizer(.adagrad()))
    try train(outer)
    let copy = try outer.deepCopy()
    let report = try compare(ModelTensors(outer), ModelTensors(copy))
    #expect(report.isSame, "\(report.text)")
    #expect((copy.layers[0] as? Model)?.optimizer?.className == "Lion")
    // Of five weights, one in two places.
    #expect(copy.optimizer?.targets.count == 5)
  }

  @Test func `The state of one optimizer does not load into another`() throws {
    let folder = try TestFolder()
    // Alike in names, types and shapes of all slots.
    for (saved, other) in [
      (UpdateRule.sgd(momentum: 0.9), UpdateRule.lion()), (.adam(), .adamW()), (.adam(), .nadam()),
    ] {
      let first = try model(saved)
      try train(first)
      let path = folder.file("a.cairn")
      try first.save(to: path)
      let second = try model(other)
      try train(second)
      let before = try ModelTensors(second)
      let error = code {
        try second.loadWeights(from: Container(path: path), scope: .fullState)
      }
      #expect(error == .optimizerMismatch)
      #expect(try compare(before, ModelTensors(second)).isSame)
      let none = try model(nil)
      #expect(
        code { try none.loadWeights(from: Container(path: path), scope: .fullState) }
          == .optimizerMismatch)
      // The weights alone go into any.
      try none.loadWeights(from: path)
      try second.loadWeights(from: path)
      #expect(none.getWeights() == first.getWeights())
      #expect(second.getWeights() == first.getWeights())
      #expect(try compare(before, ModelTensors(second)).isSame == false)
    }
  }

  @Test func `A loss's scaling is saved, and a training goes on with it in the same bits`() throws {
    func scaled() throws -> Sequential {
      let model = try model(nil)
      var options = OptimizerOptions()
      options.lossScaling = LossScaling(initialScale: 64, growthSteps: 2)
      try model.compile(optimizer: Optimizer(.adam(), learningRate: 0.1, options: options))
      return model
    }
    /// The fourth step's gradients are not finite.
    func train(_ model: Model, _ steps: Range<Int>) throws {
      let optimizer = try #require(model.optimizer)
      for step in steps {
        let value = step == 3 ? Float.infinity : Float(step + 1) / 4
        try optimizer.apply(
          optimizer.targets.map { try Tensor(repeating: value, shape: $0.shape) })
      }
    }
    let whole = try scaled()
    try train(whole, 0..<7)
    // 64, doubled after two steps, halved by the fourth, doubled by the sixth.
    #expect(try whole.optimizer?.currentLossScale == 128)
    #expect(try whole.optimizer?.iterations.value == Tensor(scalar: Int32(6)))
    let folder = try TestFolder()
    let interrupted = try scaled()
    try train(interrupted, 0..<5)
    try interrupted.save(to: folder.file("a.cairn"))
    let resumed = try Model.load(from: folder.file("a.cairn"))
    #expect(resumed.compileConfiguration == interrupted.compileConfiguration)
    try train(resumed, 5..<7)
    let report = try compare(ModelTensors(whole), ModelTensors(resumed))
    #expect(report.isSame, "\(report.text)")
    let names = try ModelTensors(whole).entries().map(\.name.string)
    #expect(names.contains("net/optimizer/LossScaleOptimizer/dynamic_scale"))
    #expect(names.contains("net/optimizer/Adam/a/kernel/velocity"))
    // Neither state is the other's.
    let plain = try model()
    #expect(
      code {
        try plain.loadWeights(from: Container(path: folder.file("a.cairn")), scope: .fullState)
      } == .optimizerMismatch)
    try plain.save(to: folder.file("b.cairn"))
    #expect(
      code {
        try whole.loadWeights(from: Container(path: folder.file("b.cairn")), scope: .fullState)
      } != nil)
    // Keras's own file keeps it too.
    try whole.save(to: folder.file("c.keras"))
    let back = try Model.load(from: folder.file("c.keras"))
    #expect(
      back.optimizer?.variables.map(\.value) == whole.optimizer?.variables.map(\.value))
  }

  @Test func `Slots of another make are refused, each by name`() throws {
    let plain = try model(.adam())
    let more = try model(.adam(amsgrad: true))
    #expect(
      code { try more.loadWeights(from: ModelTensors(plain), scope: .fullState) } == .weightMismatch
    )
    #expect(
      code { try plain.loadWeights(from: ModelTensors(more), scope: .fullState) } == .weightMismatch
    )
  }

  @Test func `A configuration whose optimizer would take more than the file has is refused`() throws
  {
    // Two million weights in a file of two million elements: slots come on top.
    let model = try Sequential([InputLayer(shape: [2048]), Dense(1024, name: "a")], name: "net")
    let folder = try TestFolder()
    try model.save(to: folder.file("weights.cairn"))
    try model.compile(optimizer: Optimizer(.adam(amsgrad: true)))
    let source = try NamedTensors(reading: Container(path: folder.file("weights.cairn")))
    var forged = source
    forged.configuration = try model.canonicalConfiguration().text
    try Container.write(forged, to: folder.file("forged.cairn"))
    #expect(code { _ = try Model.load(from: folder.file("forged.cairn")) } == .overBudget)
  }

  @Test func `A saved model's compile configuration is Keras's, and comes back`() throws {
    let folder = try TestFolder()
    let model = try model()
    try model.compile(
      optimizer: Optimizer(.adam(), learningRate: 0.5),
      configuration: ["loss": "mse", "metrics": ["mae"]])
    try model.save(to: folder.file("m.cairn"))
    let restored = try Model.load(from: folder.file("m.cairn"))
    #expect(restored.compileConfiguration == model.compileConfiguration)
    #expect(restored.optimizer?.configuration == model.optimizer?.configuration)
    let fresh = try Sequential(configuration: model.kerasConfiguration)
    #expect(fresh.optimizer == nil)
    try fresh.compileFromConfiguration()
    #expect(fresh.optimizer?.configuration == model.optimizer?.configuration)
    #expect(code { try self.model(nil).compileFromConfiguration() } == .noOptimizer)
  }
}
