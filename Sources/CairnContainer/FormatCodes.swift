// The codes that this storey adds to `CairnError`. They are the words of the conformance manifest.

public import CairnSystem

extension CairnError.Code {
  /// The file does not begin with the container's magic.
  public static let notACairnFile = Self("notACairnFile")
  /// A required feature that this reader does not know.
  public static let unsupportedFeature = Self("unsupportedFeature")
  /// A critical frame of a type that this reader does not know.
  package static let unknownCriticalFrame = Self("unknownCriticalFrame")
  /// Bytes that are reserved are not zero.
  package static let reservedNotZero = Self("reservedNotZero")
  /// The writer never finished: the file ends between two frames, without a commit record.
  public static let notCommitted = Self("notCommitted")
  /// A field of the superblock has a value that it cannot have.
  package static let invalidSuperblock = Self("invalidSuperblock")
  /// A field of a frame's header has a value that it cannot have.
  package static let invalidFrame = Self("invalidFrame")
  /// A frame stands where it may not.
  package static let frameOrder = Self("frameOrder")
  /// A tensor's header has a value that it cannot have.
  package static let invalidTensorRecord = Self("invalidTensorRecord")
  /// The code of an element type is none that this format defines.
  package static let invalidDType = Self("invalidDType")
  /// The index contradicts itself or points outside the file.
  package static let invalidIndex = Self("invalidIndex")
  /// The commit record has a value that it cannot have.
  package static let invalidCommitRecord = Self("invalidCommitRecord")
  /// The frames and the index say different things.
  package static let routesDisagree = Self("routesDisagree")
  /// A chunk's stream does not decode to what is declared.
  package static let corruptChunk = Self("corruptChunk")
  /// The metadata's bytes are not in the form that the format defines.
  package static let invalidMetadata = Self("invalidMetadata")
  /// A blob's bytes are not in the form that the format defines.
  package static let invalidBlob = Self("invalidBlob")
  /// The content does not have the digest that is recorded for it.
  public static let digestMismatch = Self("digestMismatch")
  /// Padding bytes are not zero.
  package static let paddingNotZero = Self("paddingNotZero")
}
