// What a configuration may ask for.

/// Limits on models that are made from a configuration, checked before anything is allocated.
public struct ModelLimits: Hashable, Sendable {
  /// The most layers, those of nested models included; 65,536 unless set.
  public var maximumLayers = 1 << 16
  /// The deepest nesting of models; 32 unless set.
  public var maximumNesting = 32
  /// The most parameters of all variables together; 2^28 unless set (1 GiB in float32).
  ///
  /// A program that reads a checkpoint knows how many elements its tensors have, and should set
  /// this limit to that number.
  public var maximumParameters = 1 << 28

  /// The default limits.
  public init() {}

  /// No limits except on nesting: for a configuration that comes from a model of this process.
  package static let trusted: ModelLimits = {
    var limits = ModelLimits()
    limits.maximumLayers = .max
    limits.maximumParameters = .max
    return limits
  }()
}
