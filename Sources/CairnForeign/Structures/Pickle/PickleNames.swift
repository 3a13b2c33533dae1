// Modules that once had other names: those of Python's `_compat_pickle`, and those of a format.

import CairnSystem

/// The names that pickles mention.
enum PickleNames {
  private static let modules: [(old: String, new: String)] = [
    ("__builtin__", "builtins"), ("copy_reg", "copyreg"),
  ]

  private static let names: [(old: String, new: String)] = [
    ("builtins.xrange", "builtins.range"), ("builtins.unicode", "builtins.str"),
    ("builtins.long", "builtins.int"), ("builtins.unichr", "builtins.chr"),
  ]

  /// The full name, as it is today.
  ///
  /// - Parameter others: Modules of the format that once had other names.
  static func full(
    module: String, name: String, renaming others: [(old: String, new: String)]
  ) -> String {
    let module = (modules + others).first { $0.old.isSpelt(as: module) }?.new ?? module
    let full = module + "." + name
    return names.first { $0.old.isSpelt(as: full) }?.new ?? full
  }
}
