// How much may be made from a file: in proportion to its bytes, but at least what any honest small
// file needs.

extension Int {
  /// This number times `factor`, plus `bytes`: what a file with this many bytes may cost. The
  /// largest `Int` if the result is more than that.
  ///
  /// All bounds that follow from a file's size have this form. The factor is what the densest
  /// honest file of its kind needs; the added bytes are for small files, where a few bytes may
  /// stand for much.
  package func allowance(times factor: Int, plus bytes: Int) -> Int {
    multipliedSaturated(by: factor).addingSaturated(bytes)
  }
}
