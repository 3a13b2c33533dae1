// The codes that the readers and writers of foreign formats add to `CairnError`.

public import CairnSystem

extension CairnError.Code {
  /// A name, an extension or a content that belongs to no format that Cairn knows.
  public static let unknownFormat = Self("unknownFormat")
  /// A content that is known, and is no checkpoint: a pointer to one, a web page, an archive.
  public static let notACheckpoint = Self("notACheckpoint")
  /// A header that is not what its format asks for.
  public static let invalidHeader = Self("invalidHeader")
  /// A header larger than the format or the caller allows.
  public static let headerTooLarge = Self("headerTooLarge")
  /// Two tensors claim the same bytes.
  public static let overlappingTensors = Self("overlappingTensors")
  /// Bytes between two tensors belong to none.
  public static let gapBetweenTensors = Self("gapBetweenTensors")
  /// An element type that the format does not have.
  public static let unknownDType = Self("unknownDType")
  /// The bytes that a tensor takes are not those that its type and shape ask for.
  public static let sizeMismatch = Self("sizeMismatch")
  /// A format has no place for something that a source has.
  public static let cannotHold = Self("cannotHold")
  /// Something that the format allows and Cairn does not read, such as objects that are code.
  public static let unsupported = Self("unsupported")
  /// A file of the checkpoint is not beside the others.
  public static let missingFile = Self("missingFile")
  /// A ZIP archive that breaks a rule of its format, or says one thing in two ways.
  public static let invalidArchive = Self("invalidArchive")
  /// Compressed data that is none.
  public static let corruptStream = Self("corruptStream")
}
