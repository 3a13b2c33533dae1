// Operations that take elements from other places of their operand, dimension by dimension: flip,
// roll, repeat, tile, pad, take.

import CairnJSON
import CairnSystem
import CairnTensors

/// Which places along a dimension a result has.
struct AxisSelection: Sendable {
  /// How many; nil where the operand's length is not known.
  var count: Int?
  /// The operand's place of each; -1 for one that is filled.
  var place: @Sendable (Int) -> Int = { $0 }

  /// All of them, as they are.
  static func whole(_ length: Int?) -> AxisSelection { AxisSelection(count: length) }

  /// The places one by one. The count was checked against the pass's bounds.
  var places: [Int] { (0..<(count ?? 0)).map(place) }
}

/// Along each dimension of an operand, which of its places the result has.
struct SelectionRule: OperationRule {
  struct Selection {
    /// The operand's dimensions, or others that hold the same elements in the same order.
    var base: [Int?]
    var axes: [AxisSelection]
    /// The result's dimensions, where they are not those of the selection.
    var result: [Int?]?
  }
  let select: @Sendable (BatchShape) throws(CairnError) -> Selection

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    guard case .tensor(let spec) = try arguments.operand(0) else {
      throw CairnError(.countMismatch, "an operation takes a tensor")
    }
    let selection = try select(spec.shape)
    return TensorSpec(
      try BatchShape(selection.result ?? selection.axes.map(\.count)), dtype: spec.dtype)
  }

  func evaluate(_ call: OperationCall) throws(CairnError) -> Tensor {
    guard case .tensor(let operand) = try call.arguments.operand(0) else {
      throw CairnError(.countMismatch, "an operation takes a tensor")
    }
    let selection = try select(BatchShape(operand.tensor.shape))
    // Checked before any index is made: a dimension of length zero hides the size of the others.
    _ = try call.context.shape(selection.axes.map { $0.count ?? 0 })
    return try operand.tensor.reshaped(to: Shape(selection.base.map { $0 ?? 0 }))
      .gathered(selection.axes.map(\.places), in: call.context)
      .reshaped(to: call.shape())
  }
}

extension SelectionRule {
  /// Moves places along some dimensions, or along all if nil: `place` gives the operand's place for
  /// each place of the result.
  static func moving(
    _ axes: [Int]?, _ place: @escaping @Sendable (_ place: Int, _ length: Int, _ axis: Int) -> Int
  ) -> SelectionRule {
    SelectionRule { (shape) throws(CairnError) in
      let chosen =
        try axes.map { (axes) throws(CairnError) in try shape.places(of: axes) }
        ?? Array(0..<shape.rank)
      var selection = Selection(
        base: shape.dimensions, axes: shape.dimensions.map { .whole($0) })
      for (number, axis) in chosen.enumerated() {
        guard let length = shape.dimensions[axis] else { continue }
        let before = selection.axes[axis].place
        selection.axes[axis].place = { before(place($0, length, number)) }
      }
      return selection
    }
  }

  /// The whole operand, repeated the given number of times along each dimension; missing dimensions
  /// are put in front.
  static func tiled(_ repeats: [Int]) -> SelectionRule {
    SelectionRule { (shape) throws(CairnError) in
      let rank = max(shape.rank, repeats.count)
      let base = [Int?](repeating: 1, count: rank - shape.rank) + shape.dimensions
      let times = [Int](repeating: 1, count: rank - repeats.count) + repeats
      var axes: [AxisSelection] = []
      for (length, times) in zip(base, times) {
        axes.append(
          AxisSelection(count: try product(length, times)) { $0 % max(length ?? 1, 1) })
      }
      return Selection(base: base, axes: axes)
    }
  }

  /// Each place repeated `times` times along a dimension; nil counts the elements as one dimension.
  static func repeated(_ times: Int, axis: Int?) -> SelectionRule {
    SelectionRule { (shape) throws(CairnError) in
      let base = try axis == nil ? shape.flat() : shape.dimensions
      var axes = base.map { AxisSelection.whole($0) }
      let place = try axis.map { (axis) throws(CairnError) in try shape.places(of: [axis])[0] } ?? 0
      axes[place] = AxisSelection(count: try product(base[place], times)) {
        $0 / max(times, 1)
      }
      return Selection(base: base, axes: axes)
    }
  }

  /// Dimensions of length 1 repeated to the lengths of the shape; missing ones are put in front.
  static func broadcast(to target: [Int]) -> SelectionRule {
    SelectionRule { (shape) throws(CairnError) in
      guard shape.rank <= target.count else { throw mismatch(target, shape) }
      let base = [Int?](repeating: 1, count: target.count - shape.rank) + shape.dimensions
      var axes: [AxisSelection] = []
      for (length, count) in zip(base, target) {
        guard length == nil || length == 1 || length == count else {
          throw mismatch(target, shape)
        }
        axes.append(AxisSelection(count: count) { length == 1 ? 0 : $0 })
      }
      return Selection(base: base, axes: axes)
    }
  }

  /// Some places along a dimension, given as numbers; a single index removes the dimension.
  static func taken(_ indices: [Int], shape inner: [Int], axis: Int?) -> SelectionRule {
    SelectionRule { (shape) throws(CairnError) in
      let base = try axis == nil ? shape.flat() : shape.dimensions
      let place = try axis.map { (axis) throws(CairnError) in try shape.places(of: [axis])[0] } ?? 0
      let length = base[place]
      if let length {
        guard indices.allSatisfy({ $0 >= -length && $0 < length }) else {
          throw CairnError(
            .shapeMismatch, "an index is outside its dimension", expected: "\(length) places",
            found: "\(indices)")
        }
      }
      var axes = base.map { AxisSelection.whole($0) }
      axes[place] = AxisSelection(count: indices.count) {
        indices[$0] < 0 ? indices[$0] + (length ?? 0) : indices[$0]
      }
      let result = base[..<place] + inner.map { $0 } + base[(place + 1)...]
      return Selection(base: base, axes: axes, result: Array(result))
    }
  }

  /// More places in front and behind, filled as the mode says; `constant` with zeros.
  static func padded(_ widths: [(before: Int, after: Int)], mode: PadMode) -> SelectionRule {
    SelectionRule { (shape) throws(CairnError) in
      let widths = widths.count == 1 ? widths.repeated(shape.rank) : widths
      guard widths.count == shape.rank else {
        throw CairnError(
          .shapeMismatch, "an operand has another number of dimensions than are padded",
          expected: "\(widths.count)", found: "\(shape)")
      }
      var axes: [AxisSelection] = []
      for (length, width) in zip(shape.dimensions, widths) {
        guard let length else {
          guard width == (0, 0) else {
            throw CairnError(
              .shapeMismatch, "a dimension whose length is not known cannot be padded",
              found: "\(shape)")
          }
          axes.append(.whole(nil))
          continue
        }
        let most = mode.mostPlaces(length)
        guard width.before <= most, width.after <= most else {
          throw CairnError(
            .shapeMismatch, "a dimension is too short to be mirrored so far",
            expected: "at most \(most) places", found: "\(width.before) and \(width.after)")
        }
        axes.append(
          AxisSelection(count: width.before + length + width.after) {
            mode.place($0 - width.before, length)
          })
      }
      return Selection(base: shape.dimensions, axes: axes)
    }
  }

  private static func mismatch(_ target: [Int], _ shape: BatchShape) -> CairnError {
    CairnError(
      .shapeMismatch, "an operand cannot be broadcast to a shape", expected: "\(target)",
      found: "\(shape)")
  }

  private static func product(_ length: Int?, _ times: Int) throws(CairnError) -> Int? {
    guard let length else { return nil }
    return try Shape([length, times]).elementCount
  }
}

extension [(before: Int, after: Int)] {
  fileprivate func repeated(_ count: Int) -> Self { Self(repeating: self[0], count: count) }
}

/// What stands in the places that padding adds.
enum PadMode: String, CaseIterable, Sendable {
  case constant, reflect, symmetric, edge

  /// The most places that can be added on a side.
  func mostPlaces(_ length: Int) -> Int {
    switch self {
    case .constant: .max / 4
    case .edge: length > 0 ? .max / 4 : 0
    case .reflect: max(length - 1, 0)
    case .symmetric: length
    }
  }

  /// The operand's place for one that may lie outside; -1 for none.
  func place(_ place: Int, _ length: Int) -> Int {
    if (0..<length).contains(place) { return place }
    switch self {
    case .constant: return -1
    case .edge: return place < 0 ? 0 : length - 1
    case .reflect: return place < 0 ? -place : 2 * (length - 1) - place
    case .symmetric: return place < 0 ? -1 - place : 2 * length - 1 - place
    }
  }
}

extension BatchShape {
  /// The places of axes that may be counted from the end.
  ///
  /// - Throws: `shapeMismatch` if the shape lacks one of them.
  func places(of axes: [Int]) throws(CairnError) -> [Int] {
    let places = axes.compactMap { axis($0) }
    guard places.count == axes.count else {
      throw CairnError(
        .shapeMismatch, "an operand lacks a dimension", expected: "\(axes)", found: "\(self)")
    }
    return places
  }

  /// One dimension of all elements.
  func flat() throws(CairnError) -> [Int?] {
    let known = dimensions.compactMap { $0 }
    return [known.count == rank ? try Shape(known).elementCount : nil]
  }
}
