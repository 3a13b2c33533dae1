// The codes that this storey adds to `CairnError`.

public import CairnSystem

extension CairnError.Code {
  /// A shape that no tensor can have.
  public static let invalidShape = Self("invalidShape")
  /// A name that no tensor can have.
  public static let invalidName = Self("invalidName")
  /// Two names that must differ are the same.
  public static let duplicateName = Self("duplicateName")
  /// There is no tensor of that name or index.
  public static let noSuchTensor = Self("noSuchTensor")
  /// The element type is not the one that is needed.
  public static let dtypeMismatch = Self("dtypeMismatch")
  /// The shape is not the one that is needed.
  public static let shapeMismatch = Self("shapeMismatch")
  /// The number of values is not the one that the shape or the model needs.
  public static let countMismatch = Self("countMismatch")
  /// No conversion is defined between the two element types.
  public static let noConversion = Self("noConversion")
  /// A value has no counterpart in the type it is to be converted to.
  public static let notRepresentable = Self("notRepresentable")
  /// The bits are none that the element type allows: a bool that is neither 0 nor 1, unused bits
  /// that are not zero, string offsets that do not ascend.
  public static let invalidElement = Self("invalidElement")
}
