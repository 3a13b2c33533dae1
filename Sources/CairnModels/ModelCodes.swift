// The error codes that this module adds to `CairnError`.

public import CairnSystem

extension CairnError.Code {
  /// A configuration names a layer class that the registry does not have.
  public static let unknownLayerClass = Self("unknownLayerClass")
  /// A configuration names an activation function that is not known.
  public static let unknownActivation = Self("unknownActivation")
  /// A configuration names an initializer that is not known.
  public static let unknownInitializer = Self("unknownInitializer")
  /// A configuration is right, but asks for behaviour that is not implemented here.
  public static let unsupportedConfiguration = Self("unsupportedConfiguration")
  /// The layer has no variables yet, because its input shape is not known.
  public static let notBuilt = Self("notBuilt")
  /// Weights do not fit the model; the cause is a ``WeightMismatchReport``.
  public static let weightMismatch = Self("weightMismatch")
  /// A configuration names an optimizer class that is not known.
  public static let unknownOptimizer = Self("unknownOptimizer")
  /// The state of one optimizer cannot be loaded into another, or into a model without one.
  public static let optimizerMismatch = Self("optimizerMismatch")
}
