// The one error type of the library: what went wrong, where, what was expected, what to do.

/// An error of any part of Cairn.
///
/// One type serves all modules, because a tensor that is converted passes through several of them
/// behind one protocol; what a module adds is its own ``Code`` values. Match on ``code``; show
/// ``description`` to a person.
public struct CairnError: Error, Sendable {
  /// What kind of failure this is. Each module adds its codes in an extension.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    /// The code's spelling, the same in messages, JSON and the conformance manifest.
    package let name: String

    /// A code spelt `name`.
    public init(_ name: String) { self.name = name }

    /// The code's spelling.
    public var description: String { name }
  }

  /// Where in the input the failure lies; whatever is known is set.
  public struct Location: Hashable, Sendable {
    /// The path as the caller gave it.
    public var file: String?
    /// Bytes from the start of the file.
    public var offset: UInt64?
    /// The name of the tensor, variable or layer.
    public var name: String?
    /// The position in a list: a tensor's, a weight's, a chunk's.
    public var index: Int?

    /// A location of which the given parts are known.
    public init(
      file: String? = nil, offset: UInt64? = nil, name: String? = nil, index: Int? = nil
    ) {
      self.file = file
      self.offset = offset
      self.name = name
      self.index = index
    }
  }

  /// The kind of failure.
  public var code: Code
  /// What was found, as one clause without a full stop.
  public var message: String
  /// Where it was found.
  public var location: Location
  /// What should have been there instead.
  public var expected: String?
  /// What was there.
  public var found: String?
  /// What the user can do about it.
  public var advice: String?
  /// What the advice asks for, where a program can have an option for it.
  public var remedies: [Remedy]
  /// The error of a lower storey that led to this one.
  public var cause: (any Error & Sendable)?

  /// An error with the given parts.
  public init(
    _ code: Code, _ message: String, at location: Location = Location(),
    expected: String? = nil, found: String? = nil, advice: String? = nil,
    remedies: [Remedy] = [], cause: (any Error & Sendable)? = nil
  ) {
    self.code = code
    self.message = message
    self.location = location
    self.expected = expected
    self.found = found
    self.advice = advice
    self.remedies = remedies
    self.cause = cause
  }

  /// The same error, with those parts of the location filled in that were not yet known.
  package func located(
    file: String? = nil, offset: UInt64? = nil, name: String? = nil, index: Int? = nil
  ) -> CairnError {
    var copy = self
    copy.location.file = location.file ?? file
    copy.location.offset = location.offset ?? offset
    copy.location.name = location.name ?? name
    copy.location.index = location.index ?? index
    return copy
  }
}

extension CairnError: CustomStringConvertible {
  /// One line: where, what, expected and found, the code, what to do. What a file or a caller has put
  /// into it is cut where it is long.
  public var description: String {
    var line = ""
    if let file = location.file { line += "\(Self.cut(SystemPath.shown(file), to: 1_000)): " }
    if let name = location.name { line += "‘\(Self.cut(name))’: " }
    line += Self.cut(message, to: 600)
    if let index = location.index { line += " (index \(index))" }
    if let offset = location.offset { line += " at byte \(offset)" }
    if let expected { line += "; expected \(Self.cut(expected, to: 600))" }
    if let found { line += "\(expected == nil ? ";" : ",") found \(Self.cut(found))" }
    line += " [\(code.name)]"
    if let advice { line += ". \(Self.cut(advice, to: 600))" }
    return line
  }

  /// The beginning and the end of a text that is longer than `most` scalars.
  private static func cut(_ text: String, to most: Int = 200) -> String {
    guard text.utf8.count > most, text.unicodeScalars.count > most else { return text }
    var cut = String.UnicodeScalarView(text.unicodeScalars.prefix(most * 2 / 3))
    cut.append("…")
    cut.append(contentsOf: text.unicodeScalars.suffix(most / 3))
    return String(cut)
  }
}
