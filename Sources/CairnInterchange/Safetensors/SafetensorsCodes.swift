// The codes that the readers and writers of foreign formats add to `CairnError`.

public import CairnSystem

extension CairnError.Code {
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
}
