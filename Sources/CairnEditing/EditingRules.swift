// What is to be done with the tensors that a pattern matches.

import CairnCheckpoints
public import CairnSystem
public import CairnTensors

/// Other names for the tensors that a pattern matches.
///
/// In the replacement `$1` … `$9` are what the pattern's wildcards or groups have captured, `$0` is the
/// whole match, `$$` a dollar sign. Wildcards match, and the replacement replaces, the whole name; a
/// regular expression each of its matches.
public struct RenamingRule: Hashable, Sendable {
  private enum Part: Hashable, Sendable {
    case text(String)
    case capture(Int)
  }

  let pattern: NamePattern
  private let template: [Part]
  /// The rule as the command spells it, for messages.
  private let spelling: String

  /// Other names for all that `pattern` matches.
  ///
  /// - Throws: `invalidArgument` for a replacement in which a dollar sign stands alone.
  public init(_ pattern: NamePattern, to replacement: String) throws(CairnError) {
    self.pattern = pattern
    template = try Self.template(replacement)
    spelling = "\(pattern)=>\(replacement)"
  }

  /// Another name for one tensor.
  public init(_ name: TensorName, to newName: TensorName) {
    pattern = NamePattern(exactly: name)
    template = [.text(newName.string)]
    spelling = "\(name)=>\(newName)"
  }

  private static func template(_ text: String) throws(CairnError) -> [Part] {
    var parts: [Part] = []
    var plain = ""
    var rest = text.unicodeScalars[...]
    while let scalar = rest.popFirst() {
      guard scalar == "$" else {
        plain.unicodeScalars.append(scalar)
        continue
      }
      switch rest.popFirst() {
      case "$": plain += "$"
      case let digit? where ("0"..."9").contains(digit):
        parts.append(.text(plain))
        parts.append(.capture(Int(digit.value - 0x30)))
        plain = ""
      default:
        throw CairnError(
          .invalidArgument, "a dollar sign stands alone in a new name", expected: "$0 … $9 or $$",
          found: text.excerpt)
      }
    }
    return parts + [.text(plain)]
  }

  /// What gives a name's new spelling; nil for names that the pattern does not match.
  func renamer() throws(CairnError) -> (String) throws(CairnError) -> String? {
    let find = try pattern.finder()
    return { (name) throws(CairnError) in
      let matches = find(name)
      guard !matches.isEmpty else { return nil }
      var result = ""
      var place = name.startIndex
      for match in matches {
        result += name[place..<match.range.lowerBound]
        for part in template {
          switch part {
          case .text(let text): result += text
          case .capture(let number):
            guard match.captures.indices.contains(number) else {
              throw CairnError(
                .invalidArgument, "a new name asks for more than its pattern captures",
                expected: "at most $\(match.captures.count - 1)", found: spelling.excerpt)
            }
            result += match.captures[number]
          }
        }
        place = match.range.upperBound
      }
      return result + name[place...]
    }
  }
}

/// Another element type, for the tensors that a pattern matches, or for all tensors of the type's kind: floats
/// to a float, integers to an integer, complex to complex.
public struct CastRule: Hashable, Sendable {
  /// Nil for all tensors of the kind.
  let pattern: NamePattern?
  let dtype: DType

  /// Elements of type `dtype` for all that `pattern` matches; without one, for all tensors of its kind.
  public init(_ pattern: NamePattern? = nil, to dtype: DType) {
    self.pattern = pattern
    self.dtype = dtype
  }

  /// Whether a rule without a pattern concerns tensors of that type.
  func concerns(_ other: DType) -> Bool {
    (dtype.isFloatingPoint && other.isFloatingPoint) || (dtype.isInteger && other.isInteger)
      || (dtype.isComplex && other.isComplex)
  }
}

/// Another order of dimensions for the tensors that a pattern matches.
public struct TransposingRule: Hashable, Sendable {
  let pattern: NamePattern
  /// Nil to turn the order round.
  private let axes: [Int]?

  /// The order of dimensions turned round, which for a matrix is the transpose.
  public init(_ pattern: NamePattern) {
    self.pattern = pattern
    axes = nil
  }

  /// The old dimensions in that order, as in `numpy.transpose`.
  ///
  /// - Throws: `invalidArgument` if `axes` does not name each dimension once.
  public init(_ pattern: NamePattern, axes: [Int]) throws(CairnError) {
    guard axes.sorted() == Array(axes.indices) else {
      throw CairnError(
        .invalidArgument, "an order of dimensions does not name each once",
        expected: "such as 1,0 or 2,3,1,0", found: axes.map { "\($0)" }.joined(separator: ","))
    }
    self.pattern = pattern
    self.axes = axes
  }

  /// The order for a tensor of `rank` dimensions.
  ///
  /// - Throws: `shapeMismatch` if the rule is for another number of dimensions.
  func axes(rank: Int) throws(CairnError) -> [Int] {
    guard let axes else { return Array((0..<rank).reversed()) }
    guard axes.count == rank else {
      throw CairnError(
        .shapeMismatch, "the tensor has another number of dimensions than the order names",
        expected: "\(axes.count)", found: "\(rank)")
    }
    return axes
  }
}
