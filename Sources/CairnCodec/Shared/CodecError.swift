// The error of this module: what is wrong with a chunk's stored bytes, and at which of them.
// Codes follow FORMAT.md, section "Chunks and planes".

/// What a coder found wrong with the bytes or the lengths it was given.
package struct CodecError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of failure.
  package enum Code: String, Sendable, CaseIterable {
    /// The two header bytes are no RFC 1950 header of method 8 with a window of at most 32 KiB.
    case notZlib
    /// The stream asks for a preset dictionary (RFC 1950 section 2.2, FDICT); a chunk has none.
    case presetDictionary
    /// The DEFLATE data breaks a rule of RFC 1951; the message is zlib's.
    case corruptStream
    /// The decoded bytes do not have the Adler-32 that the stream ends with.
    case checksumMismatch
    /// The stored bytes end before the stream does.
    case streamTooShort
    /// The stream ends before the stored bytes do.
    case trailingBytes
    /// The stream gives fewer or more bytes than the chunk's logical length.
    case wrongLength
    /// zlib could not allocate its state.
    case outOfMemory
    /// A layout or a length that no chunk can have: the caller's mistake, not the data's.
    case invalidArgument
  }

  /// The kind of failure: what a caller matches on.
  package let code: Code
  /// What was found, as one clause without a full stop.
  package let message: String
  /// The byte of the stored input at which it was found, where that is known.
  package let offset: Int?

  /// An error with the given parts.
  package init(_ code: Code, _ message: String, offset: Int? = nil) {
    self.code = code
    self.message = message
    self.offset = offset
  }

  /// The code, the message and the place in one line.
  package var description: String {
    if let offset {
      "\(code.rawValue) at byte \(offset): \(message)"
    } else {
      "\(code.rawValue): \(message)"
    }
  }
}
