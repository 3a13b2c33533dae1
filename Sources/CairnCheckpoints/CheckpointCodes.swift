// The codes that this storey adds to `CairnError`: what every format's reader may say.

public import CairnSystem

extension CairnError.Code {
  /// Bytes do not have the CRC-32 that is recorded for them.
  public static let checksumMismatch = Self("checksumMismatch")
  /// A number is beyond the format's limits or the reader's policy.
  public static let limitExceeded = Self("limitExceeded")
  /// A major version, or a frame version, that this reader does not know.
  public static let unsupportedVersion = Self("unsupportedVersion")
  /// A name, an extension or a content that belongs to no format that Cairn knows.
  public static let unknownFormat = Self("unknownFormat")
  /// A content that is known, and is no checkpoint: a pointer to one, a web page, an archive.
  public static let notACheckpoint = Self("notACheckpoint")
  /// A header that is not what its format asks for.
  public static let invalidHeader = Self("invalidHeader")
  /// A format has no place for something that a source has.
  public static let cannotHold = Self("cannotHold")
  /// Something that the format allows and Cairn does not read, such as objects that are code.
  public static let unsupported = Self("unsupported")
  /// A file of the checkpoint is not beside the others.
  public static let missingFile = Self("missingFile")
}
