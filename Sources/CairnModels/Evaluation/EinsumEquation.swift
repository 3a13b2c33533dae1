// The equations of `EinsumDense`. Keras `layers/core/einsum_dense.py`, `_analyze_einsum_string`.

import CairnSystem
import CairnTensors

/// An equation such as `abc,cde->abde`: of the input, the kernel and the output; the input and the
/// output may begin, or end, with dots for any further dimensions.
struct EinsumEquation: Hashable, Sendable {
  let input: [Int]
  let kernel: [Int]
  let output: [Int]
  /// Where the dots stand.
  let ellipsis: Ellipsis

  enum Ellipsis: Hashable, Sendable { case none, front, end }

  /// Nil for an equation that Keras does not accept either.
  init?(_ text: String) {
    var bytes = Array(text.utf8)
    let dots = Array("...".utf8)
    // A dot that stands for three.
    var index = 0
    while index + 3 <= bytes.count {
      if Array(bytes[index..<index + 3]) == dots {
        bytes.replaceSubrange(index..<index + 3, with: [0])
      }
      index += 1
    }
    let sides = bytes.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
    guard sides.count == 2 else { return nil }
    let arrow = Array("->".utf8)
    let rest = Array(sides[1])
    guard
      let place = (0..<max(rest.count - 1, 0)).first(where: { Array(rest[$0..<$0 + 2]) == arrow })
    else { return nil }
    var parts = [Array(sides[0]), Array(rest[..<place]), Array(rest[(place + 2)...])]
    switch (parts[0].first == 0, parts[0].last == 0) {
    case (true, false):
      guard parts[2].first == 0 else { return nil }
      ellipsis = .front
      parts[0].removeFirst()
      parts[2].removeFirst()
    case (false, true):
      guard parts[2].last == 0 else { return nil }
      ellipsis = .end
      parts[0].removeLast()
      parts[2].removeLast()
    default: ellipsis = .none
    }
    for part in parts {
      guard !part.isEmpty, Set(part).count == part.count,
        part.allSatisfy({ (65...90).contains($0) || (97...122).contains($0) })
      else { return nil }
    }
    let names = parts.map { $0.map { Int($0) } }
    (input, kernel, output) = (names[0], names[1], names[2])
    guard output.allSatisfy({ input.contains($0) || kernel.contains($0) }) else { return nil }
  }

  /// The names of the dimensions of an input of that rank; each dimension that the dots stand for
  /// gets a name of its own.
  func inputNames(rank: Int) -> [Int]? { names(input, elided: rank - input.count) }

  /// The names of the dimensions of the output, for an input of that rank.
  func outputNames(rank: Int) -> [Int] { names(output, elided: rank - input.count) ?? output }

  private func names(_ names: [Int], elided: Int) -> [Int]? {
    guard elided >= 0, elided == 0 || ellipsis != .none else { return nil }
    let further = (0..<elided).map { 1_000 + $0 }
    return ellipsis == .front ? further + names : names + further
  }
}
