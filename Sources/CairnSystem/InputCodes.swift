// The codes that every reader of a file format shares. They stand here, not beside each reader,
// so that a program that imports two of them finds one `truncated`, not two.

extension CairnError.Code {
  /// The input ends before what it declares.
  public static let truncated = Self("truncated")
  /// The input goes on after what it declares.
  public static let trailingBytes = Self("trailingBytes")
}
