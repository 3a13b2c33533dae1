// How closely a checkpoint is checked.

/// How much of a checkpoint is checked.
public enum VerificationLevel: String, Sendable, CaseIterable {
  /// Every frame, every checksum, and that both routes to the data say the same: after it every
  /// byte of a container is known to be as it was written. Of other formats: what they have checksums for.
  case structure
  /// Also every chunk decoded, the rules of the element types, every content digest.
  case deep
}
