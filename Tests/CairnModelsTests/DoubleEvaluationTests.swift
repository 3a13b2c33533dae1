// Layers in float64: what they take, what they refuse, and that threads change nothing.

import CairnModels
import CairnSystem
import CairnTensors
import Testing

@Suite("Evaluation in float64")
struct DoubleEvaluationTests {
  /// Numbers that no float32 holds.
  private static func numbers(_ shape: Shape) throws -> Tensor {
    try Tensor((0..<shape.elementCount).map { 1 / Double($0 % 997 + 3) }, shape: shape)
  }

  @Test("A float64 layer keeps the digits of its weights and its input")
  func digits() throws {
    let layer = try Dense(1, usesBias: false, name: "d", dtype: DTypePolicy("float64"))
    try layer.build(inputShape: [nil, 3])
    try layer.setWeights([Tensor([1, 0x1p-40, -1] as [Double], shape: [3, 1])])
    #expect(try layer.state.weight("kernel").dtype == .float64)
    let output = try layer(Tensor([1, 1, 1] as [Double], shape: [1, 3]))
    #expect(try output.scalars() == [0x1p-40] as [Double])
  }

  @Test("Floats of other types are widened by a call, as Keras does, and by a call alone")
  func autocast() throws {
    let layer = try Dense(2, name: "d", dtype: DTypePolicy("float64"))
    for dtype in [DType.float16, .bfloat16, .float32, .float64] {
      #expect(try layer(Tensor(zeros: dtype, shape: [1, 3])).dtype == .float64)
    }
    let narrow = try Tensor(zeros: .float32, shape: [1, 3])
    expectError(.dtypeMismatch) { _ = try layer.evaluate([narrow], in: EvaluationContext()) }
    let back = try Dense(2, name: "e")
    #expect(try back(Self.numbers([1, 3])).dtype == .float32)
  }

  @Test("Results do not depend on threads")
  func threads() throws {
    let policy = try DTypePolicy("float64")
    let image = try Self.numbers([2, 40, 40, 8])
    let layers: [any Layer] = [
      try Dense(300, name: "d", dtype: policy),
      try Conv2D(24, kernelSize: 3, name: "c", dtype: policy),
      try DepthwiseConv2D(kernelSize: 3, depthMultiplier: 2, name: "w", dtype: policy),
      try Conv2DTranspose(8, kernelSize: 3, strides: 2, name: "t", dtype: policy),
      try MaxPooling2D(3, strides: 1, name: "p", dtype: policy),
    ]
    for layer in layers {
      try layer.build(inputShape: [nil, 40, 40, 8], seed: 5)
      let one = try layer(image, threads: 1)
      #expect(try layer(image, threads: 3) == one)
      #expect(one.dtype == .float64)
    }
  }

  @Test("A class of one's own that knows float32 only says so")
  func ownClass() throws {
    let wide = try Halving(
      state: LayerState(
        className: Halving.layerKind.className, name: "h", dtype: DTypePolicy("float64")))
    expectError(.unsupportedConfiguration) { _ = try wide(Self.numbers([2])) }
    let narrow = try Halving(state: LayerState(className: Halving.layerKind.className, name: "h"))
    #expect(try narrow(Tensor([3] as [Float])).scalars() == [1.5] as [Float])
  }

  @Test("Activation functions take either type, each in its own precision")
  func activations() throws {
    for function in ActivationFunction.allCases {
      var wide = try Tensor([-2, -0.7, 0.3, 1.9] as [Double])
      var narrow = try wide.cast(to: .float32)
      try function.apply(to: &wide)
      try function.apply(to: &narrow)
      #expect(wide.dtype == .float64)
      let (a, b): ([Double], [Double]) = (
        try wide.scalars(), try narrow.cast(to: .float64).scalars()
      )
      for (x, y) in zip(a, b) { #expect(abs(x - y) <= 1e-6, "\(function)") }
    }
  }
}

/// A layer that computes in float32.
private final class Halving: UnaryLayer {
  static let layerKind = LayerKind("Halving")

  let state: LayerState
  init(state: LayerState) { self.state = state }

  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape { input }
  func evaluate(_ input: Tensor, in context: EvaluationContext) throws(CairnError) -> Tensor {
    try state.checkFloat32(input)
    let values: [Float] = try input.scalars()
    return try Tensor(values.map { $0 / 2 }, shape: input.shape)
  }
}
