// The codes that every reader of a file format shares. They stand here, not beside each reader,
// so that a program that imports two of them finds one `truncated`, not two.

extension CairnError.Code {
  /// The input ends before what it declares.
  public static let truncated = Self("truncated")
  /// The input goes on after what it declares.
  public static let trailingBytes = Self("trailingBytes")
  /// A model's configuration is not JSON, not in the form that is asked for, or says what no model
  /// can be.
  public static let invalidConfiguration = Self("invalidConfiguration")
  /// A path in a file that leads out of the checkpoint's folder.
  public static let invalidPath = Self("invalidPath")
}
