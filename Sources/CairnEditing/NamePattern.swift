// Which tensors are meant: a pattern of names.

import CairnCheckpoints
public import CairnSystem
public import CairnTensors

/// A pattern of names.
///
/// `decoder.*.bias` is matched with the whole name: `*` any run of characters, `/` and `.` included;
/// `?` one character, `[0-9]` one of those, `[!0-9]` one of the others, `\` the next character as it
/// is. `re:\.bias$` is a regular expression, as Swift has them, that is looked for anywhere in the
/// name, character by character (Unicode scalar values).
public struct NamePattern: Hashable, Sendable, CustomStringConvertible {
  private enum Form: Hashable, Sendable {
    case glob(Glob)
    case expression(String)
    case name(TensorName)
  }

  /// The pattern as it was given.
  public let description: String
  private let form: Form

  /// What a regular expression begins with.
  static let expressionMark = "re:"

  /// The pattern that `text` is.
  ///
  /// - Throws: `invalidArgument` for an empty pattern, or what is wrong with it.
  public init(_ text: String) throws(CairnError) {
    guard !text.isEmpty, text != Self.expressionMark else {
      throw CairnError(.invalidArgument, "a pattern is empty", advice: "‘*’ matches every name")
    }
    description = text
    if let expression = text.dropping(prefix: Self.expressionMark) {
      _ = try Self.compiled(expression)
      form = .expression(expression)
    } else {
      form = .glob(try Glob(text))
    }
  }

  /// The pattern that matches one name, whatever characters it has.
  public init(exactly name: TensorName) {
    description = name.string
    form = .name(name)
  }

  private static func compiled(_ text: String) throws(CairnError) -> Regex<AnyRegexOutput> {
    do { return try Regex(text).matchingSemantics(.unicodeScalar) } catch {
      throw CairnError(
        .invalidArgument, "a regular expression is none: \(error)", found: text.excerpt)
    }
  }

  /// A part of a name that a pattern has matched: its range, and what it has captured, itself first.
  struct Match {
    var range: Range<String.Index>
    var captures: [Substring]
  }

  /// What finds the pattern in names: the whole name or nothing for wildcards, all matches one after
  /// the other for a regular expression.
  func finder() throws(CairnError) -> (String) -> [Match] {
    switch form {
    case .glob(let glob):
      return { name in
        let scalars = name.unicodeScalars
        guard let captures = glob.match(Array(scalars)) else { return [] }
        let parts = captures.map { range in
          name[
            scalars.index(
              scalars.startIndex, offsetBy: range.lowerBound)..<scalars.index(
                scalars.startIndex, offsetBy: range.upperBound)]
        }
        return [Match(range: name.startIndex..<name.endIndex, captures: [name[...]] + parts)]
      }
    case .name(let only):
      return { name in
        guard name.isSpelt(as: only.string) else { return [] }
        return [Match(range: name.startIndex..<name.endIndex, captures: [name[...]])]
      }
    case .expression(let text):
      let expression = try Self.compiled(text)
      return { name in
        name.matches(of: expression).map { match in
          Match(range: match.range, captures: match.output.map { $0.substring ?? "" })
        }
      }
    }
  }

  /// What says whether a name matches.
  func predicate() throws(CairnError) -> (TensorName) -> Bool {
    let find = try finder()
    return { !find($0.string).isEmpty }
  }

  /// The error for a pattern that no tensor matches.
  var matchesNothing: CairnError { matchesNothing(of: "tensor") }

  /// The error for a pattern that matches the name of nothing of a kind.
  func matchesNothing(of kind: String) -> CairnError {
    CairnError(
      .noSuchTensor, "no \(kind) has a name that the pattern matches", found: description.excerpt,
      advice: "Look at the names that there are", remedies: [.listNames])
  }
}
