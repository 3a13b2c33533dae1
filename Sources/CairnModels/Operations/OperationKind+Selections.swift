// The operations that a configuration may name: those that move elements, choose among them, or put
// them in order.

import CairnJSON
import CairnSystem
import CairnTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension OperationKind {
  static let selections: [OperationKind] = [
    kind("numpy", "Flip") { (reader) throws(CairnError) in
      SelectionRule.moving(try reader.optionalAxes("axis")) { place, length, _ in
        length - 1 - place
      }
    },
    kind("numpy", "Roll") { (reader) throws(CairnError) in
      let given = try reader.optionalAxes("axis")
      let shifts = try reader.numbers("shift", least: -(1 << 47))
      guard let axes = given else {
        guard let shift = shifts.first, shifts.count == 1 else {
          throw reader.invalid("shift", expected: "one number")
        }
        return FlatRollRule(shift: shift)
      }
      guard shifts.count == 1 || shifts.count == axes.count else {
        throw reader.invalid("shift", expected: "a number for each of \(axes.count) dimensions")
      }
      return SelectionRule.moving(axes) { place, length, axis in
        let shift = shifts[shifts.count == 1 ? 0 : axis] % length
        return (place - shift + length) % length
      }
    },
    kind("numpy", "Tile") { (reader) throws(CairnError) in
      SelectionRule.tiled(try reader.numbers("repeats", least: 0))
    },
    kind("numpy", "Repeat") { (reader) throws(CairnError) in
      let times = try reader.integer("repeats", in: 0...Shape.dimensionLimit - 1)
      return SelectionRule.repeated(times, axis: try reader.optionalAxis("axis"))
    },
    kind("numpy", "BroadcastTo") { (reader) throws(CairnError) in
      SelectionRule.broadcast(to: try reader.numbers("shape", least: 0))
    },
    kind("numpy", "Pad") { (reader) throws(CairnError) in
      PadRule(
        widths: try reader.paddings("pad_width"),
        mode: try reader.choice("mode", default: .constant))
    },
    kind("numpy", "Split") { (reader) throws(CairnError) in
      let axis = try reader.integer("axis", in: -32...32, default: 0)
      return try split(&reader, axis: axis)
    },
    kind("core", "Unstack") { (reader) throws(CairnError) in
      let count = try reader.optionalInteger("num", in: 1...65_536)
      return SplitRule(
        parts: .each(count), axis: try reader.integer("axis", in: -32...32, default: 0))
    },
    kind("numpy", "Ravel") { _ in ReshapeRule(target: [-1]) },
    kind("numpy", "Moveaxis") { (reader) throws(CairnError) in
      let from = try reader.axes("source", default: [])
      let to = try reader.axes("destination", default: [])
      guard from.count == to.count else {
        throw reader.invalid("destination", expected: "\(from.count) dimensions")
      }
      return TransposeRule(order: .moved(from, to))
    },
    kind("numpy", "Hstack") { _ in JoinRule(axis: 1, isNew: false) },
    kind("numpy", "Vstack") { _ in JoinRule(axis: 0, isNew: false) },
  ]

  static let choices: [OperationKind] = [
    kind("numpy", "Where") { _ in WhereRule() },
    kind("numpy", "Take") { (reader) throws(CairnError) in
      TakeRule(axis: try reader.optionalAxis("axis"))
    },
    kind("numpy", "TakeAlongAxis") { (reader) throws(CairnError) in
      guard let axis = try reader.optionalAxis("axis") else {
        throw reader.unsupported("axis", "taking along all elements is not implemented")
      }
      return TakeAlongAxisRule(axis: axis)
    },
    kind("nn", "OneHot") { (reader) throws(CairnError) in
      let count = try reader.integer("num_classes", in: 0...Shape.dimensionLimit - 1)
      let axis = try reader.integer("axis", in: -32...32, default: -1)
      let dtype = try reader.optionalType("dtype") ?? .float32
      try reader.refuse("sparse", "sparse tensors are not implemented")
      return OneHotRule(count: count, axis: axis, dtype: dtype)
    },
    kind("numpy", "Tril") { (reader) throws(CairnError) in
      TriangleRule(
        offset: try reader.integer("k", in: -(1 << 40)...1 << 40, default: 0), keepsLower: true)
    },
    kind("numpy", "Triu") { (reader) throws(CairnError) in
      TriangleRule(
        offset: try reader.integer("k", in: -(1 << 40)...1 << 40, default: 0), keepsLower: false)
    },
  ]

  static let orders: [OperationKind] = [
    kind("numpy", "Sort") { (reader) throws(CairnError) in
      RunRule(
        axis: try reader.runAxis(),
        function: { run in [RunRule.order(run).map { run[$0] }] },
        wholeFunction: { run in [RunRule.order(run).map { run[$0] }] })
    },
    kind("numpy", "Argsort") { (reader) throws(CairnError) in
      RunRule(
        axis: try reader.runAxis(), results: [.init(dtype: .int32)],
        function: { run in [RunRule.order(run).map { Double($0) }] },
        wholeFunction: { run in [RunRule.order(run).map { Int64($0) }] })
    },
    kind("math", "TopK") { (reader) throws(CairnError) in
      let count = try reader.integer("k", in: 0...Shape.dimensionLimit - 1)
      _ = try reader.bool("sorted", default: true)
      let length: @Sendable (Int) throws(CairnError) -> Int = { (length) throws(CairnError) in
        guard length >= count else {
          throw CairnError(
            .shapeMismatch, "a dimension is shorter than what is asked of it",
            expected: "\(count) places", found: "\(length)")
        }
        return count
      }
      return RunRule(
        axis: -1, results: [.init(length: length), .init(length: length, dtype: .int32)],
        function: { run in
          let order = RunRule.order(run.map { -$0 }).prefix(count)
          return [order.map { run[$0] }, order.map { Double($0) }]
        },
        wholeFunction: { run in
          // Not by the negative: the least integer has none.
          let order = RunRule.order(run.map { ~$0 }).prefix(count)
          return [order.map { run[$0] }, order.map { Int64($0) }]
        })
    },
    kind("numpy", "Cumsum") { (reader) throws(CairnError) in
      try running(&reader, 0, +, { $0 &+ $1 })
    },
    kind("numpy", "Cumprod") { (reader) throws(CairnError) in
      try running(&reader, 1, *, { $0 &* $1 })
    },
    kind("numpy", "Diff") { (reader) throws(CairnError) in
      let times = try reader.integer("n", in: 0...64, default: 1)
      return RunRule(
        axis: try reader.axis("axis", default: -1),
        results: [.init(length: { max($0 - times, 0) })],
        function: { run in [differences(run, times) { $1 - $0 }] },
        wholeFunction: { run in [differences(run, times) { $1 &- $0 }] })
    },
  ]

  private static func differences<Element>(
    _ run: [Element], _ times: Int, _ function: (Element, Element) -> Element
  ) -> [Element] {
    var run = run
    for _ in 0..<times { run = zip(run, run.dropFirst()).map(function) }
    return run
  }

  private static func running(
    _ reader: inout ConfigurationReader, _ first: Double,
    _ combine: @escaping @Sendable (Double, Double) -> Double,
    _ combineWhole: @escaping @Sendable (Int64, Int64) -> Int64
  ) throws(CairnError) -> RunRule {
    let axis = try reader.optionalAxis("axis")
    let dtype = try reader.optionalType("dtype")
    return RunRule(
      axis: axis, whole: .numbers, dtype: dtype,
      function: { [soFar($0, first, combine)] },
      wholeFunction: { [soFar($0, Int64(first), combineWhole)] })
  }

  private static func soFar<Element>(
    _ run: [Element], _ first: Element, _ combine: (Element, Element) -> Element
  ) -> [Element] {
    var value = first
    return run.map { element in
      value = combine(value, element)
      return value
    }
  }

  static let counts: [OperationKind] = [
    counting("All", .bool) { $0.contains(0) ? 0 : 1 },
    counting("Any", .bool) { $0.contains { $0 != 0 } ? 1 : 0 },
    counting("CountNonzero", .int32) { Double($0.filter { $0 != 0 }.count) },
    counting("Argmax", .int32, CountingRule.largest),
    counting("Argmin", .int32) { CountingRule.largest($0.map { -$0 }) },
    reduction("Amax", .largest), reduction("Amin", .smallest), reduction("Ptp", .range),
    reduction("Median", .median),
    kind("math", "Logsumexp") { (reader) throws(CairnError) in
      try ReductionRule(reading: &reader, .logarithmOfSum)
    },
    kind("linalg", "Norm") { (reader) throws(CairnError) in try norm(&reader) },
    kind("nn", "Moments") { (reader) throws(CairnError) in try MomentsRule(reading: &reader) },
  ]

  private static func counting(
    _ name: String, _ dtype: DType, _ function: @escaping @Sendable ([Double]) -> Double
  ) -> OperationKind {
    kind("numpy", name) { (reader) throws(CairnError) in
      try CountingRule(reading: &reader, dtype, function)
    }
  }

  /// The norms of vectors, and of matrices those that are sums along rows or columns.
  private static func norm(
    _ reader: inout ConfigurationReader
  ) throws(CairnError) -> any MultipleResultRule {
    let order = reader.take("ord") ?? .null
    reader.record("ord", order)
    let number = order.doubleValue
    if order.isNull || order.stringValue == "fro" {
      return try ReductionRule(reading: &reader, .length)
    }
    // Without axes the operand's dimensions are the axes: as many as it has.
    let axes = reader.peek("axis").map { $0.arrayValue?.count ?? 1 }
    let vector: RunFunction? =
      switch number {
      case 2?: .length
      case .infinity?: .largestMagnitude
      case (-.infinity)?: .smallestMagnitude
      case 0?: .nonzeroCount
      case let power?: .norm(order: power)
      case nil: nil
      }
    guard let number, let vector else {
      throw reader.unsupported("ord", "a norm of that order is not implemented")
    }
    return NormRule(
      vector: axes == 2 ? nil : try ReductionRule(reading: &reader, vector),
      matrix: axes == 1 || abs(number) == 2 || (number.isFinite && abs(number) != 1)
        ? nil : try MatrixNorm(reading: &reader, order: number))
  }
}

extension ConfigurationReader {
  /// An axis, counted from either end.
  mutating func axis(_ key: String, default fallback: Int) throws(CairnError) -> Int {
    try integer(key, in: -Shape.maximumRank...Shape.maximumRank, default: fallback)
  }

  /// The last axis, another, or all elements as one dimension where it is null.
  mutating func runAxis() throws(CairnError) -> Int? {
    has("axis") ? try optionalAxis("axis") : try axis("axis", default: -1)
  }

  /// An axis, or nil.
  mutating func optionalAxis(_ key: String) throws(CairnError) -> Int? {
    try optionalInteger(key, in: -Shape.maximumRank...Shape.maximumRank)
  }

  /// An axis, or a list of them, or nil.
  mutating func optionalAxes(_ key: String) throws(CairnError) -> [Int]? {
    peek(key) == nil ? try optionalIntegers(key) : try axes(key, default: [])
  }

  /// A length or a shift, or a list of them.
  mutating func numbers(_ key: String, least: Int) throws(CairnError) -> [Int] {
    let value = take(key) ?? .null
    let elements = value.arrayValue ?? [value]
    let numbers = elements.compactMap(\.intValue)
    guard numbers.count == elements.count, numbers.count <= 65_536,
      numbers.allSatisfy({ $0 >= least && $0 < 1 << 47 })
    else { throw invalid(key, expected: "an integer or a list of them") }
    record(key, value)
    return numbers
  }

  /// Pairs of lengths: one for each dimension, or one for all.
  fileprivate mutating func paddings(
    _ key: String
  ) throws(CairnError) -> [(before: Int, after: Int)] {
    let value = take(key) ?? .null
    record(key, value)
    func isLength(_ value: Int) -> Bool { (0..<1 << 40).contains(value) }
    if let width = value.intValue, isLength(width) { return [(width, width)] }
    var pairs: [(before: Int, after: Int)] = []
    for element in value.arrayValue ?? [] {
      let pair = (element.arrayValue ?? []).compactMap(\.intValue)
      guard pair.count == 2, isLength(pair[0]), isLength(pair[1]) else {
        throw invalid(key, expected: "pairs of lengths")
      }
      pairs.append((pair[0], pair[1]))
    }
    guard !pairs.isEmpty else { throw invalid(key, expected: "pairs of lengths") }
    return pairs
  }
}
