// Checks bytes that come piece by piece against the rules of their element type.

package import CairnSystem

/// The rules of the element type that concern a tensor's bytes, checked piece by piece in order.
///
/// Bools and unused bits could be checked in any order; strings' end offsets cannot, because each is
/// compared with the one ahead of it, and the last with the tensor's length.
package struct ElementInspector {
  private let name: TensorName
  private let dtype: DType
  private let elementCount: Int
  private let byteCount: Int
  private var position = 0
  private var partial: [UInt8] = []
  private var lastEnd: UInt64 = 0

  /// For the bytes of the tensor called `name`, from the first on.
  package init(name: TensorName, dtype: DType, shape: Shape, byteCount: Int) {
    self.name = name
    self.dtype = dtype
    self.elementCount = shape.elementCount
    self.byteCount = byteCount
  }

  /// Whether there is anything to check at all.
  package static func isNeeded(for dtype: DType) -> Bool {
    switch dtype.row.rule {
    case .none: false
    case .zeroOrOne, .zeroPadding, .ascendingEnds: true
    }
  }

  /// Checks the next bytes.
  package mutating func inspect(_ bytes: Span<UInt8>) throws(CairnError) {
    defer { position += bytes.count }
    do throws(CairnError) {
      switch dtype.row.rule {
      case .none: break
      case .zeroOrOne: try ElementRules.checkBools(bytes, firstElement: position)
      case .ascendingEnds: try inspectEnds(bytes)
      case .zeroPadding:
        if position + bytes.count == byteCount {
          try ElementRules.check(bytes, dtype: dtype, elementCount: elementCount)
        }
      }
    } catch {
      throw error.located(name: name.string)
    }
  }

  /// Checks what can be known only at the end.
  package func finish() throws(CairnError) {
    guard dtype == .string else { return }
    let content = byteCount - 8 * elementCount
    guard lastEnd == UInt64(content) else {
      throw CairnError(
        .invalidElement, "the strings' bytes are not those that the last end offset names",
        at: .init(name: name.string), expected: "\(lastEnd) bytes", found: "\(content)")
    }
  }

  private mutating func inspectEnds(_ bytes: Span<UInt8>) throws(CairnError) {
    let endsCount = 8 * elementCount
    for index in 0..<max(0, min(bytes.count, endsCount - position)) {
      partial.append(bytes[index])
      guard partial.count == 8 else { continue }
      let end: UInt64 = partial.span.field(0)
      guard end >= lastEnd else {
        throw CairnError(
          .invalidElement, "a string ends before the one ahead of it",
          at: .init(index: (position + index) / 8), expected: "at least \(lastEnd)",
          found: "\(end)")
      }
      lastEnd = end
      partial.removeAll(keepingCapacity: true)
    }
  }
}
