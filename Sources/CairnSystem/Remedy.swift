// What an error's advice asks for, for programs that have names of their own for it.

extension CairnError {
  /// Something that can be allowed or asked for, so that the same call succeeds or tells more.
  ///
  /// ``CairnError/advice`` says it in plain words; a program whose users give options, as the command
  /// does, adds the names of its own.
  public enum Remedy: String, Hashable, Sendable, CaseIterable {
    /// Accept that something is lost: `AcceptedLosses`.
    case acceptLoss
    /// Write far more bytes than were read: `WriteOptions.expands`.
    case expand
    /// Leave tensors out by their names.
    case exclude
    /// Leave key-values out.
    case excludeMetadata
    /// Convert elements to another type.
    case cast
    /// Leave quantised blocks as they are.
    case keepBlocks
    /// Allow more bytes in a shard: `WriteOptions.shardByteCount`.
    case largerShards
    /// Say which format the input has.
    case inputFormat
    /// Say which format to write.
    case outputFormat
    /// Give a model's configuration beside its weights.
    case configuration
    /// Set no bounds to what is computed.
    case noLimits
    /// Look at the names that there are.
    case listNames
    /// Recover what is intact: `Salvage`.
    case salvage
  }
}
