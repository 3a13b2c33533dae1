// Writing `.npy` and `.npz` files: one pass over the source, a window of memory, all or nothing.

import CairnCheckpoints
import CairnContainer
import CairnSystem
import CairnTensors

/// A file of NumPy arrays that takes all tensors of a source.
struct NumPyWriter: TensorSink {
  /// One array, or an archive of them.
  enum Form { case npy, npz }

  private let path: String
  private let form: Form
  private let options: WriteOptions
  private let losses: AcceptedLosses

  private var format: CheckpointFormat { form == .npy ? .npy : .npz }

  init(path: String, form: Form, options: WriteOptions, accepting losses: AcceptedLosses) {
    self.path = path
    self.form = form
    self.options = options
    self.losses = losses
  }

  /// A tensor that is to be written.
  private struct Item {
    var entry: TensorEntry
    /// Where its bytes come from: its own index, or its owner's.
    var index: Int
    var header: [UInt8]
    /// How the elements lie in the file, if they are texts.
    var texts: NPYTexts?
  }

  /// Writes the file: the one that was there is untouched until the new one is whole.
  ///
  /// - Throws: `cannotHold` for what the format has no place for and is not accepted to be lost.
  mutating func write(
    _ source: any TensorSource, progress: ProgressHandler
  ) throws(CairnError) {
    try format.refuse(source, accepting: losses)
    var items: [Item] = []
    for index in try source.indicesInWeightOrder() { items.append(try item(index, of: source)) }
    if !options.expands { try checkTexts(items) }
    if form == .npy, items.count != 1 {
      throw CairnError(
        .cannotHold, "a .npy file holds one array", expected: "1 tensor", found: "\(items.count)",
        advice: "Write a .npz file")
    }
    let blobs = try form == .npz ? source.blobs : []
    for blob in blobs { try check(blob) }
    let total = items.reduce(0) {
      $0.addingReportingOverflow($1.entry.byteCount).partialValue
    }
    let file = try options.file(at: path)
    var done = 0
    func advance(_ count: Int) throws(CairnError) {
      done += count
      try progress(Progress(done: done, total: total))
    }
    if form == .npy {
      for item in items {
        try Self.write(item, of: source, advance) { (part) throws(CairnError) in
          try file.append(part)
        }
      }
    } else {
      var archive = ZipWriter(file, compresses: options.codec == .auto)
      for item in items {
        try archive.add(item.entry.name.string + ZipKind.arraySuffix) { (put) throws(CairnError) in
          try Self.write(item, of: source, advance, to: put)
        }
      }
      for blob in blobs {
        try archive.add(blob.name.string) { (put) throws(CairnError) in try put(blob.bytes.span) }
      }
      try archive.finish()
    }
    try file.commit()
  }

  private func item(
    _ index: Int, of source: any TensorSource
  ) throws(CairnError) -> Item {
    let entry = try source.entry(at: index)
    guard entry.dtype == .string || NPYDType.spelling(of: entry.dtype) != nil else {
      throw CairnError(
        .cannotHold, "\(format.name) has no element type \(entry.dtype)",
        at: .init(name: entry.name.string), advice: "Write a .cairn file, or cast the tensor first")
    }
    var from = index
    if let owner = entry.aliasOf {
      guard let found = try source.index(of: owner) else { throw source.noSuchTensor(owner) }
      from = found
    }
    var item = Item(entry: entry, index: from, header: [])
    if entry.dtype == .string {
      do throws(CairnError) {
        item.texts = try NPYTexts(holding: source.tensor(at: from))
      } catch {
        throw error.located(name: entry.name.string)
      }
    }
    let spelling = item.texts?.spelling ?? NPYDType.spelling(of: entry.dtype) ?? ""
    item.header = NPYHeader.bytes(spelling: spelling, shape: entry.shape)
    return item
  }

  /// Texts take as much as the longest of their array, so a few bytes could fill a disk.
  ///
  /// - Throws: `overBudget`.
  private func checkTexts(_ items: [Item]) throws(CairnError) {
    var (kept, written) = (0, 0)
    for item in items {
      guard let texts = item.texts else { continue }
      kept = kept.addingSaturated(item.entry.byteCount)
      written = written.addingSaturated(texts.byteCount(of: item.entry.shape.elementCount))
      guard written > .plausible(ofFile: kept) else { continue }
      throw CairnError(
        .overBudget, "texts of one length each, as NumPy has them, would take far more bytes",
        at: .init(name: item.entry.name.string),
        expected: "at most 64 MiB, and 64 times the texts", found: "\(written) bytes",
        advice: "Write a .cairn file, or say --expand")
    }
  }

  /// A blob that would be read back as an array, or under another name, has no place in the archive.
  private func check(_ blob: Blob) throws(CairnError) {
    guard !blob.name.string.spellingEnds(with: ZipKind.arraySuffix),
      !blob.bytes.starts(with: NPYHeader.magic),
      !blob.name.string.spellingEnds(with: "/"), ZipName.staysInside(blob.name.string)
    else {
      throw CairnError(
        .cannotHold, "npz has no place for a blob that looks like an array or a folder",
        at: .init(name: blob.name.string),
        advice: "Write a .cairn file, or accept the loss (--lossy; blobs)")
    }
  }

  private static func write(
    _ item: Item, of source: any TensorSource, _ advance: (Int) throws(CairnError) -> Void,
    to put: (Span<UInt8>) throws(CairnError) -> Void
  ) throws(CairnError) {
    try put(item.header.span)
    if let texts = item.texts {
      try texts.encode(source.tensor(at: item.index), to: put)
      return try advance(item.entry.byteCount)
    }
    let window = try Storage(
      byteCount: max(1, min(SafetensorsWriter.windowByteCount, item.entry.byteCount)),
      zeroed: false)
    var offset = 0
    while offset < item.entry.byteCount {
      let count = min(window.byteCount, item.entry.byteCount - offset)
      try window.withMutableBytes(in: 0..<count) { (bytes) throws(CairnError) in
        try source.read(at: item.index, from: offset, into: &bytes)
      }
      try window.withBytes(in: 0..<count, put)
      offset += count
      try advance(count)
    }
  }
}
