// The one file that a folder stands for, if no format recognises the folder itself as a checkpoint.

import CairnSystem

/// A file of a folder, opened in its place.
struct FolderFile {
  let place: CheckpointPlace
  /// Remarks about the choice.
  let remarks: [String]

  /// The most names of a folder that are looked at.
  private static let maximumNameCount = 10_000
  /// The most files whose content is looked at.
  private static let maximumFileCount = 64

  /// The file that `folder` stands for: one under a name that libraries give to a whole model, else the only
  /// checkpoint in it. Nil for what is no folder, or one that a format recognises.
  ///
  /// - Parameter format: The only format that counts, if one was asked for.
  /// - Throws: `notARegularFile` for a folder with several checkpoints, of which none is named so; what
  ///   reading the files' beginnings throws.
  init?(
    _ folder: CheckpointPlace, format: CheckpointFormat?, among registry: FormatRegistry
  ) throws(CairnError) {
    let formats = registry.formats
    guard folder.file == nil, !formats.contains(where: { $0.claimsFolder(folder) }),
      format?.recognises(folder) != true
    else { return nil }
    func counts(_ name: String) -> Bool {
      if let format { return format.matchesExtension(of: name) }
      return formats.contains { $0.matchesExtension(of: name) }
    }
    let usual = formats.flatMap(\.namesInFolder)
    if let name = usual.first(where: { counts($0) && folder.holds($0) }) {
      place = try CheckpointPlace(folder.companion(name), options: folder.options)
      remarks = folder.remarks(opened: name, among: usual)
      return
    }
    guard !formats.contains(where: { $0.recognises(folder) }),
      folder.folderContent() == nil,
      let names = try? folder.options.files.names(
        in: folder.path, limit: Self.maximumNameCount + 1),
      names.count <= Self.maximumNameCount
    else { return nil }
    let candidates = names.filter { $0.utf8.first != UInt8(ascii: ".") && counts($0) }
      .sorted { ByteKey($0) < ByteKey($1) }
    guard candidates.count <= Self.maximumFileCount else { return nil }
    var found: [CheckpointPlace] = []
    for name in candidates where folder.holds(name) {
      let path = folder.path + "/" + name
      guard let place = try? CheckpointPlace(path, options: folder.options),
        candidates.count == 1
          || formats.contains(where: { $0.recognises(place) })
      else { continue }
      found.append(place)
    }
    guard let first = found.first else { return nil }
    guard found.count == 1 || formats.contains(where: { $0.joins(found.map(\.name)) }) else {
      let more = found.count > 3 ? ", …" : ""
      throw CairnError(
        .notARegularFile, "a folder that holds \(found.count) checkpoints",
        at: .init(file: folder.path),
        found: found.prefix(3).map(\.name.excerpt).joined(separator: ", ") + more,
        advice: "Name one of them")
    }
    place = first
    let others = names.count - found.count
    remarks =
      found.count > 1
      ? []
      : [
        "of the folder, \(first.name.excerpt) was opened, the only checkpoint in it"
          + (others == 0
            ? "" : "; \(others) other \(others == 1 ? "file was" : "files were") not read")
      ]
  }
}

extension CheckpointPlace {
  /// What to say about a folder in which `name` was opened although others of `names` could have
  /// been.
  package func remarks(opened name: String, among names: [String]) -> [String] {
    guard file == nil else { return [] }
    let others = names.filter { !$0.isSpelt(as: name) && holds($0) }
    guard let first = others.first else { return [] }
    let more = others.count == 1 ? "" : " and \(others.count - 1) more"
    return ["of the folder, \(name) was opened; it also holds \(first)\(more)"]
  }
}
