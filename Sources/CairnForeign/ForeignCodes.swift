// The codes that the readers and writers of foreign formats add to `CairnError`.

package import CairnSystem

extension CairnError.Code {
  /// A header larger than the format or the caller allows.
  package static let headerTooLarge = Self("headerTooLarge")
  /// Two tensors claim the same bytes.
  package static let overlappingTensors = Self("overlappingTensors")
  /// Bytes between two tensors belong to none.
  package static let gapBetweenTensors = Self("gapBetweenTensors")
  /// An element type that the format does not have.
  package static let unknownDType = Self("unknownDType")
  /// The bytes that a tensor takes are not those that its type and shape ask for.
  package static let sizeMismatch = Self("sizeMismatch")
  /// A ZIP archive that breaks a rule of its format, or says one thing in two ways.
  package static let invalidArchive = Self("invalidArchive")
  /// Compressed data that cannot be decoded.
  package static let corruptStream = Self("corruptStream")
}
