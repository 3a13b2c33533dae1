// Names of modules that were others once, as Python's `_compat_pickle` and PyTorch map them.

import CairnSystem

/// The names that pickles mention.
enum PickleNames {
  private static let modules: [(old: String, new: String)] = [
    ("__builtin__", "builtins"), ("copy_reg", "copyreg"), ("torch.tensor", "torch._tensor"),
    ("numpy.core.multiarray", "numpy._core.multiarray"),
    ("numpy.core.numeric", "numpy._core.numeric"),
  ]

  private static let names: [(old: String, new: String)] = [
    ("builtins.xrange", "builtins.range"), ("builtins.unicode", "builtins.str"),
    ("builtins.long", "builtins.int"), ("builtins.unichr", "builtins.chr"),
  ]

  /// The name in full, as it is today.
  static func full(module: String, name: String) -> String {
    let module = modules.first { $0.old.isSpelt(as: module) }?.new ?? module
    let full = module + "." + name
    return names.first { $0.old.isSpelt(as: full) }?.new ?? full
  }
}
