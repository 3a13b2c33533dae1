// Every golden model of Keras on both roads of copying.

import Cairn
import CairnGoldens
import Testing

@Suite struct GoldenCopyTests {
  @Test func `All golden models are there`() {
    #expect(GoldenModel.all.count == 53)
    #expect(Set(GoldenModel.all.map(\.description)).count == 53)
  }

  @Test(arguments: GoldenModel.all)
  func `A deep copy has the full state, a clone with weights the weights, and both agree`(
    _ golden: GoldenModel
  ) throws {
    let model = try golden.model()
    let deep = try model.deepCopy()
    let clone = try model.cloned(copyingWeights: true, seed: 99)
    let full = try compare(ModelTensors(model), ModelTensors(deep))
    #expect(full.isSame, "\(full.text)")
    for (left, right) in [(model, deep), (model, clone), (deep, clone)] {
      let report = try compare(
        ModelTensors(left, scope: .weights), ModelTensors(right, scope: .weights))
      #expect(report.isSame, "\(report.text)")
      #expect(
        try left.canonicalConfiguration(scope: .weights).text
          == right.canonicalConfiguration(scope: .weights).text)
    }
    #expect(try deep.canonicalConfiguration().text == model.canonicalConfiguration().text)
    // What a clone leaves out is named: optimizer and metric at least.
    let left = try compare(ModelTensors(model), ModelTensors(clone))
    #expect(!left.isSame)
    #expect(left.text.contains("metrics/loss/total"))
    #expect(left.text.contains("optimizer/Adam/iteration"))
  }

  @Test(arguments: GoldenModel.all)
  func `Neither copy shares what can be written`(_ golden: GoldenModel) throws {
    let model = try golden.model()
    let live = try ModelTensors.live(model)
    let deep = try proveIndependence(of: live, from: ModelTensors.live(model.deepCopy()))
    #expect(deep.isDisjoint, "\(deep.text)")
    #expect(deep.probedCount > 0)
    let clone = try model.cloned(copyingWeights: true)
    let shallow = try proveIndependence(of: live, from: ModelTensors.live(clone))
    #expect(shallow.isIndependent, "\(shallow.text)")
  }

  @Test(arguments: GoldenModel.all)
  func `Original and copies give the same bits`(_ golden: GoldenModel) throws {
    let model = try golden.model()
    let copies = [try model.deepCopy(), try model.cloned(copyingWeights: true)]
    let output = try model.predict(golden.inputs)
    for copy in copies { #expect(try copy.predict(golden.inputs) == output) }
  }
}
