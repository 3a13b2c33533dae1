// Products against a plain sum in double precision, and against themselves on other threads.

import CairnSystem
import CairnTensors
import Testing

@testable import CairnModels

@Suite("Products of matrices")
struct MatrixProductTests {
  private func random(_ shape: Shape, _ seed: UInt64) throws -> Tensor {
    try Initializer.randomNormal(deviation: 1).values(shape: shape, dtype: .float32, seed: seed)
  }

  @Test(
    "Every size gives the sum, to rounding",
    arguments: [
      (1, 1, 1), (1, 5, 7), (2, 4, 3), (3, 255, 5), (4, 256, 8), (5, 257, 17), (7, 1030, 9),
      (1, 300, 400), (33, 64, 65), (64, 3, 1), (2, 0, 3),
    ])
  func sizes(_ rows: Int, _ inner: Int, _ columns: Int) throws {
    let a = try random(Shape([rows, inner]), 1)
    let b = try random(Shape([inner, columns]), 2)
    let bias = try random(Shape([columns]), 3)
    let shape = try Shape([rows, columns])
    let product = try MatrixProduct.product(of: a, b, adding: bias, shape: shape, threads: 3)
    let (x, y, z): ([Float], [Float], [Float]) = (
      try a.scalars(), try b.scalars(), try bias.scalars()
    )
    let found: [Float] = try product.scalars()
    for row in 0..<rows {
      for column in 0..<columns {
        var sum = Double(z[column])
        for k in 0..<inner { sum += Double(x[row * inner + k]) * Double(y[k * columns + column]) }
        let error = abs(Double(found[row * columns + column]) - sum)
        #expect(error <= 1e-6 * Double(max(inner, 1)).squareRoot() * 4 + 1e-6)
      }
    }
  }

  @Test(
    "The bits do not depend on threads, nor on the other rows",
    arguments: [
      (96, 300, 200), (1, 2_000, 1_000), (97, 128, 128),
    ])
  func determinism(_ rows: Int, _ inner: Int, _ columns: Int) throws {
    let a = try random(Shape([rows, inner]), 1)
    let b = try random(Shape([inner, columns]), 2)
    let shape = try Shape([rows, columns])
    let one = try MatrixProduct.product(of: a, b, adding: nil, shape: shape, threads: 1)
    for threads in [2, 3, 5, 16] {
      let more = try MatrixProduct.product(
        of: a, b, adding: nil, shape: shape, threads: Threads(threads))
      #expect(more == one)
    }
    let middle = rows / 2
    let alone = try MatrixProduct.product(
      of: a.slice(middle..<middle + 1), b, adding: nil, shape: Shape([1, columns]), threads: 4)
    #expect(try alone == one.slice(middle..<middle + 1))
  }

  /// `left · right + bias`, each sum one chain of fused multiply-adds.
  private func chained<Scalar: FloatScalar>(
    _ left: [Scalar], _ right: [Scalar], _ bias: [Scalar], rows: Int, inner: Int, columns: Int
  ) -> [Scalar] {
    var result: [Scalar] = []
    for row in 0..<rows {
      for column in 0..<columns {
        var sum: Scalar = 0
        for k in 0..<inner { sum.addProduct(left[row * inner + k], right[k * columns + column]) }
        result.append(sum + bias[column])
      }
    }
    return result
  }

  private func check<Scalar: FloatScalar>(
    _ rows: Int, _ inner: Int, _ columns: Int, as type: Scalar.Type
  ) throws {
    func values(_ count: Int, _ seed: UInt64) throws -> [Scalar] {
      try random(Shape([count]), seed).cast(to: Scalar.dtype).scalars()
    }
    let (a, b) = (try values(rows * inner, 1), try values(inner * columns, 2))
    let bias = try values(columns, 3)
    let expected = chained(a, b, bias, rows: rows, inner: inner, columns: columns)
    for way in ProductWay.all {
      for threads in [1, 2, 5] {
        let product = try ProductWay.$forced.withValue(way) {
          try MatrixProduct.product(
            of: Tensor(a, shape: Shape([rows, inner])),
            Tensor(b, shape: Shape([inner, columns])), adding: Tensor(bias),
            shape: Shape([rows, columns]), threads: Threads(threads))
        }
        #expect(try product.scalars() == expected, "way \(way), \(threads) threads")
      }
    }
  }

  @Test(
    "Every element is one chain of fused multiply-adds, to the bit, in all ways",
    arguments: [
      (1, 1, 1), (1, 0, 9), (3, 0, 1), (2, 3, 15), (5, 7, 16), (6, 16, 17), (7, 255, 8),
      (12, 256, 31), (13, 257, 33), (14, 600, 7), (1, 1_030, 100), (200, 64, 96), (391, 10, 33),
    ])
  func chains(_ rows: Int, _ inner: Int, _ columns: Int) throws {
    try check(rows, inner, columns, as: Float.self)
    try check(rows, inner, columns, as: Double.self)
  }

  @Test("A right matrix that is packed in parts gives the same bits")
  func slabs() throws {
    // More columns than are packed at once, and more rows.
    try check(2, 3, 8_200, as: Float.self)
    try check(1, 131_075, 3, as: Float.self)
  }

  @Test("An operand that is not aligned is read all the same")
  func unaligned() throws {
    let a = try random([3, 5], 1).slice(1..<3)
    let b = try random([5, 2], 2)
    let whole = try MatrixProduct.product(
      of: a.copied(), b, adding: nil, shape: [2, 2], threads: 1)
    #expect(
      try MatrixProduct.product(of: a, b, adding: nil, shape: [2, 2], threads: 1) == whole)
  }

  @Test("Shapes that do not go together are refused")
  func refusals() throws {
    let a = try random([2, 3], 1)
    expectError(.shapeMismatch) {
      _ = try MatrixProduct.product(
        of: a, random([4, 2], 1), adding: nil, shape: [2, 2], threads: 1)
    }
    expectError(.shapeMismatch) {
      _ = try MatrixProduct.product(
        of: a, random([3, 2], 1), adding: random([3], 1), shape: [2, 2], threads: 1)
    }
  }
}

@Suite("Activation functions")
struct ActivationTests {
  private func apply(_ function: ActivationFunction, _ x: [Float]) throws -> [Float] {
    var tensor = try Tensor(x)
    try function.apply(to: &tensor)
    return try tensor.scalars()
  }

  @Test("NaN stays NaN, but in the functions that Keras writes as a choice by comparison")
  func nan() throws {
    for function in ActivationFunction.allCases {
      let isShrinking = [.softShrink, .hardShrink].contains(function)
      let values = try apply(function, [.nan, .nan])
      #expect(values.allSatisfy { isShrinking ? $0 == 0 : $0.isNaN }, "\(function)")
    }
  }

  @Test("Infinities give the limits")
  func infinities() throws {
    let x: [Float] = [.infinity, -.infinity]
    #expect(try apply(.relu, x) == [.infinity, 0])
    #expect(try apply(.sigmoid, x) == [1, 0])
    #expect(try apply(.tanh, x) == [1, -1])
    #expect(try apply(.elu, x) == [.infinity, -1])
    #expect(try apply(.softplus, x) == [.infinity, 0])
    #expect(try apply(.softmax, [1_000, -1_000]) == [1, 0])
  }

  @Test("Signs of zero are Keras's")
  func zeros() throws {
    #expect(try apply(.relu, [-0.0])[0].sign == .plus)
    for function in [ActivationFunction.elu, .selu, .silu, .linear] {
      #expect(try apply(function, [-0.0])[0].sign == .minus)
    }
  }

  @Test("What is applied to a copy does not show in the original")
  func values() throws {
    let original = try Tensor([-1, 1] as [Float])
    var copy = original
    try ActivationFunction.relu.apply(to: &copy)
    #expect(try original.scalars() == [-1, 1] as [Float])
    #expect(try copy.scalars() == [0, 1] as [Float])
  }

  @Test("Other types and softmax of a scalar are refused")
  func refusals() throws {
    var scalar = try Tensor(scalar: Float(1))
    expectError(.shapeMismatch) { try ActivationFunction.softmax.apply(to: &scalar) }
    var integers = try Tensor([1] as [Int32])
    expectError(.dtypeMismatch) { try ActivationFunction.relu.apply(to: &integers) }
  }
}
