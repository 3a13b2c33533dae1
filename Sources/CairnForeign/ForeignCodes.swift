// The codes that the readers and writers of foreign formats add to `CairnError`.

public import CairnSystem

extension CairnError.Code {
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
  /// A ZIP archive that breaks a rule of its format, or says one thing in two ways.
  public static let invalidArchive = Self("invalidArchive")
  /// Compressed data that is none.
  public static let corruptStream = Self("corruptStream")
}
