// Names of modules that were others once, as Python's `_compat_pickle` and PyTorch map them.

import CairnSystem

/// The names that pickles mention.
enum PickleNames {
  private static let modules: [(old: String, new: String)] = [
    ("__builtin__", "builtins"), ("copy_reg", "copyreg"), ("torch.tensor", "torch._tensor"),
    ("numpy.core.multiarray", "numpy._core.multiarray"),
    ("numpy.core.numeric", "numpy._core.numeric"),
  ]

  /// The name in full, as it is today.
  static func full(module: String, name: String) -> String {
    let module = modules.first { $0.old.isSpelt(as: module) }?.new ?? module
    return module + "." + name
  }
}
