// Members that identify an archive of PyTorch, by their paths alone.

import CairnSystem

/// What the path of a member says of its archive.
enum TorchMembers {
  /// Whether a path is that of the pickle.
  static func isPickle(_ parts: [ByteKey]) -> Bool {
    parts.count <= 2 && parts.last == "data.pkl"
  }

  /// The kind of an archive that has a member of that path.
  static func foreignKind(_ parts: [ByteKey]) -> (what: String, advice: String)? {
    guard parts.count <= 3 else { return nil }
    if parts.last == "extern_modules", parts.dropLast().last == ".data" {
      return (
        "a torch.package archive, which is a Python program with its data",
        "Load it with torch.package and save the model's state_dict() with torch.save"
      )
    }
    if parts.last == "archive_format" || parts.last == "serialized_exported_program.json" {
      return (
        "an exported program (torch.export), whose weights only its graph describes",
        "Load it with torch.export.load and save its state_dict with torch.save"
      )
    }
    return nil
  }
}
