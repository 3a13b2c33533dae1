// What may be made of a file: in proportion to its bytes, and not less than any honest small one needs.

extension Int {
  /// So many times this number, and some bytes more: what a file of so many bytes may cost. The largest
  /// number if it is more.
  ///
  /// All bounds that follow from a file's size have this form. The factor is what the densest honest file of
  /// its kind comes to; the sum is for small files, of which a few bytes may stand for much.
  package func allowance(times factor: Int, plus bytes: Int) -> Int {
    multipliedSaturated(by: factor).addingSaturated(bytes)
  }
}
