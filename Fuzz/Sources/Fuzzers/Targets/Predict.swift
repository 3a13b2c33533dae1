// A model's configuration, run: the input is the JSON. The model is made within the bounds of a small file,
// its weights are zeros, and it is called with ones of the shapes that it asks for, or of small ones.

import Cairn

private func check(_ bytes: [UInt8]) throws(CairnError) {
  var limits = ModelLimits()
  limits.maximumParameters = 1 << 14
  let model = try Model.make(
    configuration: Model.parse(configuration: bytes), initialization: .zeros, limits: limits)
  var context = EvaluationContext(
    threads: 1, maximumElementCount: 1 << 14, maximumHeldElementCount: 1 << 16)
  context.maximumStepCount = 1 << 18
  let shapes = model.inputShapes ?? [[2, 3]]
  var inputs: [Tensor] = []
  for (index, shape) in shapes.enumerated() {
    let known = shape.dimensions.map { $0 ?? 2 }
    guard known.allSatisfy({ $0 <= 64 }), known.reduce(1, *) <= 1 << 12 else { return }
    let dtypes = model.inputDTypes
    let dtype = index < dtypes.count ? dtypes[index] : .float32
    guard dtype != .string else { return }
    inputs.append(
      try Tensor(repeating: Float(1), shape: Shape(known)).cast(to: dtype))
  }
  let outputs = try model.predict(inputs, in: context)
  let again = promised("what runs once runs again") { () throws(CairnError) in
    try model.predict(inputs, in: context)
  }
  guard outputs.count == again.count else { fail("another number of outputs than before") }
}

extension FuzzTarget {
  static let predict = FuzzTarget("predict", check)
}
