// Every golden model of Keras with its weights, and what no fresh model has.

import Cairn
import CairnGoldens
import CairnTestSupport
import Testing

extension GoldenModel {
  /// The model with Keras's weights, and other state that no fresh model has.
  func model() throws -> Model {
    let model = try Model.make(configuration: configuration, initialization: .seeded(7))
    try model.setWeights(weights)
    try model.compile(optimizer: Optimizer(.adam()))
    try model.addMetric(name: "loss").update(Tensor([1, 2.5] as [Float]))
    for (index, variable) in model.variables.enumerated() where variable.dtype == .uint32 {
      try variable.assign(
        Tensor([UInt32(index), 3_000_000_000] as [UInt32], shape: variable.shape))
    }
    return model
  }

  static let all: [GoldenModel] =
    functional + doubles + stacks + ((try? [digits()]) ?? [])
}
