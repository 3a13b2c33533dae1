// Patterns of names with wildcards.

import CairnCheckpoints
import CairnSystem

/// A pattern that matches whole names: `*` any run of characters, as short as it can be, `?` one
/// character, `[a-z]` one of those, `[!a-z]` one of the others, `\` the next character as it is.
/// Every wildcard is captured. `/` and `.` are characters like any other.
struct Glob: Hashable, Sendable {
  private enum Token: Hashable, Sendable {
    case character(Unicode.Scalar)
    case anyRun
    case any
    case oneOf([ClosedRange<Unicode.Scalar>], isNegated: Bool)
  }

  private var tokens: [Token] = []

  /// - Throws: `invalidArgument` for a bracket that is not closed or a backslash at the end.
  init(_ text: String) throws(CairnError) {
    var rest = Array(text.unicodeScalars)[...]
    func refused(_ message: String) -> CairnError {
      CairnError(
        .invalidArgument, "a pattern \(message)", found: text.excerpt,
        advice: "A backslash makes the next character an ordinary one")
    }
    while let scalar = rest.popFirst() {
      switch scalar {
      case "*": tokens.append(.anyRun)
      case "?": tokens.append(.any)
      case "\\":
        guard let next = rest.popFirst() else { throw refused("ends with a backslash") }
        tokens.append(.character(next))
      case "[":
        guard let token = Self.bracket(&rest) else { throw refused("has a bracket without end") }
        tokens.append(token)
      default: tokens.append(.character(scalar))
      }
    }
  }

  /// What is between brackets; a `]` that comes first is one of the characters.
  private static func bracket(_ rest: inout ArraySlice<Unicode.Scalar>) -> Token? {
    let isNegated = rest.first == "!"
    if isNegated { rest.removeFirst() }
    var ranges: [ClosedRange<Unicode.Scalar>] = []
    while let low = rest.popFirst() {
      if low == "]", !ranges.isEmpty { return .oneOf(ranges, isNegated: isNegated) }
      var high = low
      if rest.first == "-", let end = rest.dropFirst().first, end != "]" {
        rest = rest.dropFirst(2)
        high = end
      }
      guard low <= high else { return nil }
      ranges.append(low...high)
    }
    return nil
  }

  /// What the wildcards stand for in `name`, or nil if the pattern does not match.
  ///
  /// - Complexity: O(name × pattern).
  func match(_ name: [Unicode.Scalar]) -> [Range<Int>]? {
    var captures: [Range<Int>] = []
    var place = 0
    var token = 0
    /// The last run: its token, its capture, and where it ends so far.
    var run: (token: Int, capture: Int, end: Int)?
    while true {
      if token < tokens.count, tokens[token] == .anyRun {
        run = (token, captures.count, place)
        captures.append(place..<place)
        token += 1
        continue
      }
      if token == tokens.count, place == name.count { return captures }
      if token < tokens.count, place < name.count, Self.accepts(tokens[token], name[place]) {
        if case .character = tokens[token] {} else { captures.append(place..<place + 1) }
        token += 1
        place += 1
        continue
      }
      // The last run takes one character more, and what follows it begins anew.
      guard let (start, capture, end) = run, end < name.count else { return nil }
      captures.removeSubrange((capture + 1)...)
      captures[capture] = captures[capture].lowerBound..<end + 1
      run = (start, capture, end + 1)
      token = start + 1
      place = end + 1
    }
  }

  private static func accepts(_ token: Token, _ scalar: Unicode.Scalar) -> Bool {
    switch token {
    case .character(let expected): scalar == expected
    case .any: true
    case .anyRun: false
    case .oneOf(let ranges, let isNegated): ranges.contains { $0.contains(scalar) } != isNegated
    }
  }
}
