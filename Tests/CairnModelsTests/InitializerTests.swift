// The generator's numbers, and the distributions' bounds.

import CairnJSON
import CairnSystem
import CairnTensors
import Testing

@testable import CairnModels

@Suite("Initial weights")
struct InitializerTests {
  @Test("SplitMix64 gives the numbers of its reference code")
  func splitMix() {
    var generator = SplitMix64(seed: 0)
    let numbers = (0..<3).map { _ in generator.next() }
    #expect(numbers == [0xE220_A839_7B1D_CDAF, 0x6E78_9E6A_A1B9_65F4, 0x06C4_5D18_8009_454F])
  }

  @Test("xoshiro256** gives the numbers of its reference code")
  func xoshiro() {
    var generator = SeededGenerator(state: (1, 2, 3, 4))
    let numbers = (0..<4).map { _ in generator.next() }
    #expect(numbers == [11_520, 0, 1_509_978_240, 1_215_971_899_390_074_240])
  }

  private func values(
    _ initializer: Initializer, _ shape: Shape = [200, 100], seed: UInt64 = 1
  ) throws -> [Double] {
    try initializer.values(shape: shape, dtype: .float32, seed: seed)
      .scalars(of: Float.self).map { Double($0) }
  }

  private func deviation(_ values: [Double]) -> Double {
    let mean = values.reduce(0, +) / Double(values.count)
    return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)).squareRoot()
  }

  /// An initializer and the square of its limit or deviation for 200 inputs and 100 outputs.
  struct Expected: Sendable {
    let initializer: Initializer
    let square: Double
    var isTruncated = false
  }

  private static let uniformKinds: [Expected] = [
    Expected(initializer: .glorotUniform(), square: 6.0 / 300),
    Expected(initializer: .heUniform(), square: 6.0 / 200),
    Expected(initializer: .lecunUniform(), square: 3.0 / 200),
    Expected(initializer: .randomUniform(), square: 0.0025),
    Expected(
      initializer: .varianceScaling(scale: 2, mode: .fanOut, distribution: .uniform),
      square: 6.0 / 100),
  ]

  @Test("Uniform kinds fill their range and never leave it", arguments: uniformKinds)
  func uniform(_ item: Expected) throws {
    let (initializer, limit) = (item.initializer, item.square.squareRoot())
    let values = try values(initializer)
    #expect(values.allSatisfy { $0 >= -limit - 1e-8 && $0 < limit })
    #expect((values.max() ?? 0) > 0.99 * limit)
    #expect((values.min() ?? 0) < -0.99 * limit)
    #expect(abs(values.reduce(0, +) / Double(values.count)) < 0.02 * limit)
    #expect(abs(deviation(values) / (limit / 3.0.squareRoot()) - 1) < 0.02)
  }

  private static let normalKinds: [Expected] = [
    Expected(initializer: .glorotNormal(), square: 2.0 / 300, isTruncated: true),
    Expected(initializer: .heNormal(), square: 2.0 / 200, isTruncated: true),
    Expected(initializer: .lecunNormal(), square: 1.0 / 200, isTruncated: true),
    Expected(
      initializer: .truncatedNormal(deviation: 1 / 0.87962566103423978), square: 1,
      isTruncated: true),
    Expected(initializer: .randomNormal(deviation: 0.5), square: 0.25),
    Expected(
      initializer: .varianceScaling(mode: .fanAverage, distribution: .untruncatedNormal),
      square: 1.0 / 150),
  ]

  @Test(
    "Normal kinds have their deviation; truncated ones end at two of the uncut normal's",
    arguments: normalKinds)
  func normal(_ item: Expected) throws {
    let (initializer, expected) = (item.initializer, item.square.squareRoot())
    let isTruncated = item.isTruncated
    let values = try values(initializer)
    #expect(abs(deviation(values) / expected - 1) < 0.02)
    let greatest = values.map(abs).max() ?? 0
    let bound = 2 * expected / 0.87962566103423978
    #expect(isTruncated ? greatest <= bound * 1.000001 : greatest > bound)
  }

  @Test("Constant kinds")
  func constants() throws {
    #expect(try values(.zeros, [2]) == [0, 0])
    #expect(try values(.ones, [2]) == [1, 1])
    #expect(try values(.constant(0.5), [2]) == [0.5, 0.5])
    #expect(try values(.identity(gain: 3), [2, 3]) == [3, 0, 0, 0, 3, 0])
    #expect(try values(.ones, .scalar) == [1])
    #expect(try values(.glorotUniform(), [0, 3]).isEmpty)
    expectError(.invalidShape) { _ = try values(.identity(), [3]) }
    expectError(.invalidShape) { _ = try values(.orthogonal(), [3]) }
  }

  @Test("Orthogonal matrices are", arguments: [[6, 4], [4, 6], [5, 5], [2, 3, 4]] as [Shape])
  func orthogonal(_ shape: Shape) throws {
    let values = try values(.orthogonal(gain: 2), shape)
    let columns = shape[shape.rank - 1]
    let rows = values.count / columns
    let count = min(rows, columns)
    for i in 0..<count {
      for j in 0...i {
        var product = 0.0
        for k in 0..<max(rows, columns) {
          product +=
            rows < columns
            ? values[i * columns + k] * values[j * columns + k]
            : values[k * columns + i] * values[k * columns + j]
        }
        #expect(abs(product - (i == j ? 4 : 0)) < 1e-5)
      }
    }
  }

  @Test("A seed gives the same values; one's own seed goes before the model's")
  func seeds() throws {
    #expect(try values(.glorotUniform(), seed: 1) == values(.glorotUniform(), seed: 1))
    #expect(try values(.glorotUniform(), seed: 1) != values(.glorotUniform(), seed: 2))
    let own = Initializer.glorotUniform(seed: 9)
    #expect(try values(own, seed: 1) == values(own, seed: 2))
    #expect(try values(own) == values(.glorotUniform(), seed: 9))
  }

  @Test(
    "Every initializer survives its configuration",
    arguments: [
      Initializer.zeros, .ones, .constant(2.5), .identity(gain: 0.5), .randomUniform(seed: 3),
      .randomNormal(mean: 1), .truncatedNormal(), .varianceScaling(scale: 0.3, mode: .fanOut),
      .orthogonal(gain: 2, seed: 1), .glorotUniform(), .glorotNormal(seed: 5), .lecunUniform(),
      .lecunNormal(), .heUniform(), .heNormal(),
    ])
  func configurations(_ initializer: Initializer) throws {
    #expect(try Initializer(configuration: initializer.json, path: "i") == initializer)
    let name = LayerName.automatic(for: initializer.className)
    let byName = try Initializer(configuration: .string(name), path: "i")
    #expect(byName.className == initializer.className)
  }

  @Test(
    "Class names become layer names as in Keras",
    arguments: [
      ("Dense", "dense"), ("BatchNormalization", "batch_normalization"), ("Conv2D", "conv2d"),
      ("LSTM", "lstm"), ("GlobalAveragePooling1D", "global_average_pooling1d"), ("ReLU", "re_lu"),
      ("LSTMCell", "lstm_cell"), ("GRU", "gru"), ("MultiHeadAttention", "multi_head_attention"),
    ])
  func snakeCase(_ className: String, _ name: String) {
    #expect(LayerName.automatic(for: className) == name)
  }
}
