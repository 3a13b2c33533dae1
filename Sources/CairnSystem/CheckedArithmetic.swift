// Arithmetic with numbers that came from a file: nothing traps and nothing wraps around unseen.

extension FixedWidthInteger {
  /// The sum, or nil if it is more than the type can hold.
  @inlinable
  package func adding(_ other: Self) -> Self? {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? nil : sum
  }

  /// The difference, or nil if the type cannot hold it.
  @inlinable
  package func subtracting(_ other: Self) -> Self? {
    let (difference, overflow) = subtractingReportingOverflow(other)
    return overflow ? nil : difference
  }

  /// The product, or nil if it is more than the type can hold.
  @inlinable
  package func multiplied(by other: Self) -> Self? {
    let (product, overflow) = multipliedReportingOverflow(by: other)
    return overflow ? nil : product
  }
}

extension Int {
  /// The product of two numbers that are not negative, or the largest number if it is more.
  package func multipliedSaturated(by other: Int) -> Int { multiplied(by: other) ?? .max }

  /// The sum of two numbers, at least one of them not negative; the largest number if it is more.
  package func addingSaturated(_ other: Int) -> Int { adding(other) ?? .max }
}

extension Sequence where Element: FixedWidthInteger {
  /// The product of `first` and all elements, taken from the left, or nil once one is more than the type
  /// can hold.
  @inlinable
  package func product(times first: Element = 1) -> Element? {
    var product = first
    for factor in self {
      guard let next = product.multiplied(by: factor) else { return nil }
      product = next
    }
    return product
  }
}

extension Sequence {
  /// The sum of what `number` gives for each element, never negative; the largest number if it is
  /// more.
  package func sumSaturated(_ number: (Element) -> Int) -> Int {
    reduce(0) { $0.addingSaturated(number($1)) }
  }
}
