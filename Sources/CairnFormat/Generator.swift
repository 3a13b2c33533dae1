// Who wrote a file.

extension ContainerWriter {
  /// What this library calls itself in the files it writes.
  public static let generator = "cairn 0.1.0"
}
