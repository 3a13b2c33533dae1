// A model's configuration in a file of no tensors: the input is the JSON.

import Cairn
import Forge

private func check(_ bytes: [UInt8]) throws(CairnError) {
  var layout = ForgedLayout()
  layout.insert(ForgedFrame("CONF", bytes))
  let file = layout.bytes()
  let container = try Container(source(file), options: .fuzzing(file))
  _ = refusal { () throws(CairnError) in _ = try Model.load(from: container) }
  var limits = ModelLimits()
  limits.maximumParameters = 1 << 16
  let model = try Model.make(
    configuration: Model.parse(configuration: bytes), initialization: .zeros, limits: limits)
  stopMetering()
  checkRoundTrip(model)
}

/// What a configuration makes can be saved, and comes back as it was.
private func checkRoundTrip(_ model: Model) {
  let tensors = promised("a model's state") { () throws(CairnError) in try ModelTensors(model) }
  let written = promised("a model that was made can be saved") { () throws(CairnError) in
    try Container(Container.encode(tensors, options: .fuzzing))
  }
  let restored = promised("a saved model can be restored") { () throws(CairnError) in
    try ModelTensors(Model.load(from: written))
  }
  expectSame(tensors, restored, "a restored model")
}

extension FuzzTarget {
  static let model = FuzzTarget("model", check)
}
