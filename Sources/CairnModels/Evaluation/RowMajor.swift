// Where the elements of an array that is stored row by row lie, and which shapes go together.

/// The order in which the elements of arrays and tensors are stored.
enum RowMajor {
  /// The distances between neighbours along each dimension.
  static func strides(_ shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in stride(from: shape.count - 2, through: 0, by: -1) {
      strides[axis] = strides[axis + 1] * max(shape[axis + 1], 1)
    }
    return strides
  }

  /// For each place of an array of `shape`, in order, its place in an array with the given strides.
  static func places(_ shape: [Int], strides: [Int]) -> [Int] {
    var places = [0]
    if shape.contains(0) { return [] }
    for (length, stride) in zip(shape, strides) where length != 1 {
      var longer: [Int] = []
      longer.reserveCapacity(places.count * length)
      for place in places { for index in 0..<length { longer.append(place + index * stride) } }
      places = longer
    }
    return places
  }

  /// The order that undoes a permutation of dimensions.
  static func inverse(_ order: [Int]) -> [Int] {
    var inverse = [Int](repeating: 0, count: order.count)
    for (place, axis) in order.enumerated() { inverse[axis] = place }
    return inverse
  }

  /// The shape that both broadcast to, as in NumPy; nil if they don't go together.
  static func broadcast(_ left: [Int], _ right: [Int]) -> [Int]? {
    let rank = max(left.count, right.count)
    let a = [Int](repeating: 1, count: rank - left.count) + left
    let b = [Int](repeating: 1, count: rank - right.count) + right
    var shape: [Int] = []
    for (x, y) in zip(a, b) {
      guard x == y || x == 1 || y == 1 else { return nil }
      shape.append(x == 1 ? y : x)
    }
    return shape
  }
}
