// What is wrong with a text, and at which byte.

/// Why a JSON text was refused, or why a value can't be written.
package struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of failure.
  package enum Code: String, Hashable, Sendable, CaseIterable {
    /// The text ends inside a value, or is empty.
    case unexpectedEnd
    /// A byte that can't stand at its place; a byte order mark is one.
    case unexpectedByte
    /// Bytes in a string that are not well-formed UTF-8 (overlong, surrogate, beyond U+10FFFF, cut).
    case invalidUTF8
    /// An unknown escape, too few hexadecimal digits, or half of a surrogate pair.
    case invalidEscape
    /// A byte below 0x20 in a string, which must be escaped.
    case controlCharacter
    /// A number that breaks the grammar, an integer that doesn't fit 64 bits, or a number whose
    /// nearest double is infinite.
    case invalidNumber
    /// NaN or an infinity where these are not allowed.
    case nonFiniteNumber
    /// A key whose bytes occurred before in the same object.
    case duplicateKey
    /// Arrays and objects nested deeper than the limit.
    case tooDeep
    /// Something other than white space after the value.
    case trailingBytes
    /// The text, or one number in it, has more bytes than the limit.
    case tooLarge
    /// More values than the limit.
    case tooManyValues
  }

  /// The kind of failure.
  package var code: Code
  /// What was found, as one clause without a full stop.
  package var message: String
  /// Where: bytes from the start of the text. When writing, of the text written so far.
  package var offset: Int

  /// An error with the given parts.
  package init(_ code: Code, _ message: String, offset: Int) {
    self.code = code
    self.message = message
    self.offset = offset
  }

  /// Message, place and code in one line.
  package var description: String { "\(message) at byte \(offset) (\(code.rawValue))" }
}
