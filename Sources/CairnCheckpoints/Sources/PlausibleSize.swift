// How many bytes of tensors a file may come to: the rule that all readers share.

import CairnSystem

extension Int {
  /// The bytes of tensors that an honest file of this size holds at most: 64 times its size, and 64
  /// MiB.
  ///
  /// Elements that deflate, views of one storage, and many names for one tensor all claim more bytes than
  /// there are, and ordinary files a few times as many. What claims more is a file of zeros, or one made to
  /// exhaust whoever writes its tensors out.
  package static func plausible(ofFile fileByteCount: Int) -> Int {
    fileByteCount.allowance(times: 64, plus: 64 << 20)
  }
}

/// The rule in words, for messages.
package func plausibleText(of what: String) -> String { "64 MiB, and 64 times the \(what)" }
