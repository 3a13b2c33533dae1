// What is to be done with the tensors that a pattern matches, as the command line spells it.

import CairnCheckpoints
public import CairnSystem
import CairnTensors

/// Other names: `pattern=>replacement`.
///
/// In the replacement `$1` … `$9` are what the pattern's wildcards or groups have captured, `$0` is the
/// whole match, `$$` a dollar sign. Wildcards match, and the replacement replaces, the whole name; a
/// regular expression each of its matches.
public struct RenamingRule: Hashable, Sendable, CustomStringConvertible {
  private enum Part: Hashable, Sendable {
    case text(String)
    case capture(Int)
  }

  /// The rule as it was given.
  public let description: String
  let pattern: NamePattern
  private let template: [Part]

  /// The rule that `text` spells.
  ///
  /// - Throws: `invalidArgument`.
  public init(_ text: String) throws(CairnError) {
    guard let (pattern, replacement) = text.arrowParts else {
      throw CairnError(
        .invalidArgument, "a new name is not spelt as one", expected: "‘pattern=>replacement’",
        found: text.excerpt)
    }
    description = text
    self.pattern = try NamePattern(pattern)
    template = try Self.template(replacement)
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
                expected: "at most $\(match.captures.count - 1)", found: description.excerpt)
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

/// Another element type: `pattern=dtype` for the tensors that the pattern matches, or `dtype` for all
/// tensors of that type's kind: floats to a float, integers to an integer, complex to complex.
public struct CastRule: Hashable, Sendable, CustomStringConvertible {
  /// The rule as it was given.
  public let description: String
  /// Nil for all tensors of the kind.
  let pattern: NamePattern?
  let dtype: DType

  /// The rule that `text` spells.
  ///
  /// - Throws: `invalidArgument`.
  public init(_ text: String) throws(CairnError) {
    description = text
    let sign = text.lastIndex(of: "=")
    let name = sign.map { String(text[text.index(after: $0)...]) } ?? text
    guard let dtype = DType(name: name), dtype != .string else {
      throw CairnError(
        .invalidArgument, "a cast names no element type of numbers",
        expected: DType.allPlain.filter { $0 != .string }.map(\.name).joined(separator: ", "),
        found: name.excerpt)
    }
    self.dtype = dtype
    pattern = try sign.map { (sign) throws(CairnError) in try NamePattern(String(text[..<sign])) }
  }

  /// Whether a rule without a pattern concerns tensors of that type.
  func concerns(_ other: DType) -> Bool {
    (dtype.isFloatingPoint && other.isFloatingPoint) || (dtype.isInteger && other.isInteger)
      || (dtype.isComplex && other.isComplex)
  }
}

/// Another order of dimensions: `pattern` turns it round, which for a matrix is the transpose;
/// `pattern=2,3,1,0` says which old dimension comes where, as in `numpy.transpose`.
public struct TransposingRule: Hashable, Sendable, CustomStringConvertible {
  /// The rule as it was given.
  public let description: String
  let pattern: NamePattern
  /// Nil to turn the order round.
  private let axes: [Int]?

  /// The rule that `text` spells.
  ///
  /// - Throws: `invalidArgument`.
  public init(_ text: String) throws(CairnError) {
    description = text
    guard let sign = text.lastIndex(of: "="),
      text[text.index(after: sign)...].allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ",") })
    else {
      pattern = try NamePattern(text)
      axes = nil
      return
    }
    pattern = try NamePattern(String(text[..<sign]))
    let parts = text[text.index(after: sign)...].split(
      separator: ",", omittingEmptySubsequences: false)
    let axes = parts.compactMap { Int($0) }
    guard axes.count == parts.count, axes.sorted() == Array(axes.indices) else {
      throw CairnError(
        .invalidArgument, "an order of dimensions does not name each once",
        expected: "such as 1,0 or 2,3,1,0", found: text.excerpt)
    }
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

extension String {
  /// What is left and right of the one `=>` in it.
  package var arrowParts: (String, String)? {
    // By bytes: a combining mark behind the arrow is the beginning of the name, not a part of the sign.
    let bytes = Array(utf8)
    let places = bytes.indices.dropLast().filter { bytes[$0] == 0x3D && bytes[$0 + 1] == 0x3E }
    guard places.count == 1, let place = places.first else { return nil }
    return (
      String(decoding: bytes[..<place], as: UTF8.self),
      String(decoding: bytes[(place + 2)...], as: UTF8.self)
    )
  }
}
