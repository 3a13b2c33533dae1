// How many bytes of tensors a file may come to: the rule that all readers share.

extension Int {
  /// The bytes of tensors that a file of so many bytes honestly holds: 64 times as many, and 64 MiB.
  ///
  /// Elements that deflate, views of one storage, and many names for one tensor all claim more bytes than
  /// there are, and ordinary files a few times as many. What claims more is a file of zeros, or one made to
  /// exhaust whoever writes its tensors out.
  package static func plausible(ofFile fileByteCount: Int) -> Int {
    let (scaled, overflow) = fileByteCount.multipliedReportingOverflow(by: 64)
    return overflow ? .max : scaled.addingSaturated(64 << 20)
  }

  /// The sum, or the largest number if it is more.
  package func addingSaturated(_ other: Int) -> Int {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
