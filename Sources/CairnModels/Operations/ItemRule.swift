// A part of a tensor: Keras's `x[:, 0]`, `x[..., None]`, `x[::-1]`. Keras `ops/numpy.py`, `GetItem`.

import CairnJSON
import CairnSystem
import CairnTensors

/// A part of a tensor by slices, indices, new dimensions and dots.
struct ItemRule: OperationRule {
  /// What becomes of a dimension of the operand, or a new one.
  private enum Part {
    case slice(Slice)
    case index(Int)
    case new
  }

  private func parts(
    _ rank: Int, _ key: JSONValue
  ) throws(CairnError) -> [Part] {
    let items = key.arrayValue ?? [key]
    func isEllipsis(_ item: JSONValue) -> Bool { item["class_name"]?.stringValue == "__ellipsis__" }
    guard items.count <= 2 * Shape.maximumRank else { throw Self.invalid(key) }
    var (result, place): ([Part], Int?) = ([], nil)
    for item in items {
      if isEllipsis(item) {
        guard place == nil else { throw Self.invalid(key) }
        place = result.count
      } else if item.isNull {
        result.append(.new)
      } else if let index = item.intValue {
        result.append(.index(index))
      } else if item["class_name"]?.stringValue == "__slice__", let slice = Slice(item["config"]) {
        result.append(.slice(slice))
      } else {
        throw Self.invalid(key)
      }
    }
    let taken = result.count { if case .new = $0 { false } else { true } }
    guard taken <= rank else { throw Self.invalid(key) }
    // Dimensions that are not named stay as they are: where the dots are, or at the end.
    result.insert(
      contentsOf: (0..<rank - taken).map { _ in Part.slice(Slice()) }, at: place ?? result.count)
    return result
  }

  private static func invalid(_ key: JSONValue) -> CairnError {
    CairnError(
      .unsupportedConfiguration, "a part of a tensor is chosen in a way that is not supported",
      expected: "whole numbers, slices, new dimensions and one ellipsis",
      found: ConfigurationReader.excerpt(key))
  }

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    let spec = try arguments.operand(0).strongSpec()
    let key = try arguments.operand(1).plain ?? .null
    var dimensions: [Int?] = []
    var rest = spec.shape.dimensions[...]
    for part in try parts(spec.shape.rank, key) {
      switch part {
      case .new: dimensions.append(1)
      case .index(let index):
        if let length = rest.popFirst() ?? nil { _ = try Self.place(index, length) }
      case .slice(let slice):
        let length = rest.popFirst() ?? nil
        dimensions.append(slice.isWhole ? length : length.map { slice.range($0).count })
      }
    }
    return TensorSpec(try BatchShape(dimensions), dtype: spec.dtype)
  }

  private static func place(_ index: Int, _ length: Int) throws(CairnError) -> Int {
    guard index >= -length, index < length else {
      throw CairnError(
        .shapeMismatch, "an index is outside its dimension", expected: "\(length) places",
        found: "\(index)")
    }
    return index < 0 ? index + length : index
  }

  func evaluate(_ call: OperationCall) throws(CairnError) -> Tensor {
    let tensor = try call.tensor(0)
    let key = try call.arguments.operand(1).plain ?? .null
    var ranges: [(start: Int, count: Int, step: Int)] = []
    for part in try parts(tensor.rank, key) {
      let length = ranges.count < tensor.rank ? tensor.shape[ranges.count] : 1
      switch part {
      case .new: break
      case .index(let index): ranges.append((try Self.place(index, length), 1, 1))
      case .slice(let slice): ranges.append(slice.range(length))
      }
    }
    // Checked before any index is made.
    _ = try call.context.shape(ranges.map(\.count))
    let chosen = ranges.map { range in (0..<range.count).map { range.start + $0 * range.step } }
    return try tensor.gathered(chosen, in: call.context).reshaped(to: call.shape())
  }

  /// Python's `start:stop:step`.
  private struct Slice {
    var start: Int?
    var stop: Int?
    var step = 1

    init() {}
    init?(_ config: JSONValue?) {
      guard let config else { return nil }
      for key in ["start", "stop", "step"] {
        guard let value = config[key], value.isNull || value.intValue != nil else { return nil }
      }
      start = config["start"]?.intValue
      stop = config["stop"]?.intValue
      step = config["step"]?.intValue ?? 1
      guard step != 0, step > -Shape.dimensionLimit, step < Shape.dimensionLimit else {
        return nil
      }
    }

    var isWhole: Bool { start == nil && stop == nil && abs(step) == 1 }

    /// The first place, how many, and how far apart, of a dimension of that length.
    func range(_ length: Int) -> (start: Int, count: Int, step: Int) {
      // As Python's `slice.indices`.
      let (lowest, highest) = step > 0 ? (0, length) : (-1, length - 1)
      func bound(_ value: Int?, _ fallback: Int) -> Int {
        guard let value else { return fallback }
        if value < 0 { return value < -length ? lowest : max(value + length, lowest) }
        return min(value, highest)
      }
      let first = bound(start, step > 0 ? lowest : highest)
      let last = bound(stop, step > 0 ? highest : lowest)
      let distance = step > 0 ? last - first : first - last
      guard distance > 0 else { return (0, 0, step) }
      return (first, (distance - 1) / abs(step) + 1, step)
    }
  }
}
