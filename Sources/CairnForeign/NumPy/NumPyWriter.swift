// Writing `.npy` and `.npz` files: one pass over the source, a window of memory, all or nothing.

import CairnCheckpoints
import CairnContainer
import CairnSystem
import CairnTensors

/// Writes all tensors of a source into a file of NumPy arrays.
struct NumPyWriter: TensorSink {
  /// One array, or an archive of them.
  enum Form { case npy, npz }

  let target: WriteTarget
  let form: Form

  private var format: CheckpointFormat { form == .npy ? .npy : .npz }

  /// The header of a tensor, and the layout of its elements if they are texts.
  private struct Layout {
    var header: [UInt8]
    var texts: NPYTexts?
  }
  private typealias Item = WrittenTensor<Layout>

  /// Writes the file. An existing file stays untouched until the new one is complete.
  ///
  /// - Throws: `cannotHold` for what the format cannot hold, unless its loss is accepted.
  mutating func write(
    _ source: any TensorSource, progress: ProgressHandler
  ) throws(CairnError) -> Int {
    try format.refuse(source, accepting: target.losses)
    let items = try source.written(source.indicesInWeightOrder()) {
      (entry, index) throws(CairnError) in try layout(of: entry, index, in: source)
    }
    if !target.options.expands { try checkTexts(items) }
    if form == .npy, items.count != 1 {
      throw CairnError(
        .cannotHold, "a .npy file holds one array", expected: "1 tensor", found: "\(items.count)",
        advice: "Write a .npz file")
    }
    let blobs = try form == .npz ? source.blobs : []
    for blob in blobs { try check(blob) }
    var (count, window) = (ProgressCount(of: items.byteCount()), ByteWindow())
    return try target.write { (file) throws(CairnError) in
      guard form == .npz else {
        for item in items {
          try Self.write(item, of: source, &window, &count, progress) {
            (part) throws(CairnError) in try file.append(part)
          }
        }
        return
      }
      var archive = ZipWriter(file, compresses: target.options.codec == .auto)
      var repeated = RepeatedContents(items.map { ($0.index, $0.entry.byteCount) })
      for item in items {
        let name = item.entry.name.string + ZipKind.arraySuffix
        if let content = repeated.next(item.index) {
          try archive.add(name, again: content)
          try count.add(item.entry.byteCount, progress)
          continue
        }
        let content = try archive.add(name, keeping: repeated.comesAgain(item.index)) {
          (put) throws(CairnError) in
          try Self.write(item, of: source, &window, &count, progress, to: put)
        }
        if let content { repeated.keep(content, of: item.index) }
      }
      for blob in blobs {
        try archive.add(blob.name.string) { (put) throws(CairnError) in try put(blob.bytes.span) }
      }
      try archive.finish()
    }
  }

  private func layout(
    of entry: TensorEntry, _ index: Int, in source: any TensorSource
  ) throws(CairnError) -> Layout {
    guard entry.dtype == .string || NPYDType.spelling(of: entry.dtype) != nil else {
      throw CairnError(
        .cannotHold, "\(format.name) has no element type \(entry.dtype)",
        at: .init(name: entry.name.string), advice: "Write a .cairn file, or cast the tensor first")
    }
    var texts: NPYTexts?
    if entry.dtype == .string {
      do throws(CairnError) { texts = try NPYTexts(holding: source.tensor(at: index)) } catch {
        throw error.located(name: entry.name.string)
      }
    }
    let spelling = texts?.spelling ?? NPYDType.spelling(of: entry.dtype) ?? ""
    return Layout(header: NPYHeader.bytes(spelling: spelling, shape: entry.shape), texts: texts)
  }

  /// Every text takes as many bytes as the longest in its array, so a small tensor could fill a
  /// disk.
  ///
  /// - Throws: `overBudget`.
  private func checkTexts(_ items: [Item]) throws(CairnError) {
    var (kept, written) = (0, 0)
    for item in items {
      guard let texts = item.form.texts else { continue }
      kept = kept.addingSaturated(item.entry.byteCount)
      written = written.addingSaturated(texts.byteCount(of: item.entry.shape.elementCount))
      guard written > .plausible(ofFile: kept) else { continue }
      throw CairnError(
        .overBudget, "texts of one length each, as NumPy has them, would take far more bytes",
        at: .init(name: item.entry.name.string),
        expected: "at most \(plausibleText(of: "texts"))", found: "\(written) bytes",
        advice: "Write a .cairn file, or allow it to expand", remedies: [.expand])
    }
  }

  /// Refuses a blob that would be read back as an array, or under another name.
  private func check(_ blob: Blob) throws(CairnError) {
    guard !blob.name.string.spellingEnds(with: ZipKind.arraySuffix),
      !blob.bytes.starts(with: NPYHeader.magic),
      !blob.name.string.spellingEnds(with: "/"), ZipName.staysInside(blob.name.string)
    else {
      throw CairnError(
        .cannotHold, "npz has no place for a blob that looks like an array or a folder",
        at: .init(name: blob.name.string),
        advice: "Write a .cairn file, or accept the loss of blobs", remedies: [.acceptLoss])
    }
  }

  private static func write(
    _ item: Item, of source: any TensorSource, _ window: inout ByteWindow,
    _ count: inout ProgressCount, _ progress: ProgressHandler,
    to put: (Span<UInt8>) throws(CairnError) -> Void
  ) throws(CairnError) {
    try put(item.form.header.span)
    if let texts = item.form.texts {
      try texts.encode(source.tensor(at: item.index), to: put)
      return try count.add(item.entry.byteCount, progress)
    }
    try source.pass(0..<item.entry.byteCount, of: item.index, through: &window) {
      (part) throws(CairnError) in
      try put(part)
      try count.add(part.count, progress)
    }
  }
}

/// The contents of members that come again under other names. These are tied tensors, which an
/// archive has once for each name. Deflating them only once saves much work.
private struct RepeatedContents {
  /// For tensors that come more than once: how many times each is still to come.
  private var left: [Int: Int] = [:]
  private var contents: [Int: ZipWriter.StoredContent] = [:]
  private var byteCount = 0

  /// The most bytes of one tensor that is kept, and of all kept tensors together.
  private static let maximumByteCount = 1 << 20
  private static let maximumTotal = 16 << 20

  init(_ tensors: [(index: Int, byteCount: Int)]) {
    for tensor in tensors where tensor.byteCount <= Self.maximumByteCount {
      left[tensor.index, default: 0] += 1
    }
    left = left.filter { $0.value > 1 }
  }

  /// Whether the tensor comes again, and there is room to keep it.
  func comesAgain(_ index: Int) -> Bool {
    (left[index] ?? 0) > 1 && byteCount <= Self.maximumTotal - 2 * Self.maximumByteCount
  }

  mutating func keep(_ content: ZipWriter.StoredContent, of index: Int) {
    contents[index] = content
    byteCount += content.byteCount
    left[index]? -= 1
  }

  /// The content of a tensor that was kept. It is freed after its last name.
  mutating func next(_ index: Int) -> ZipWriter.StoredContent? {
    guard let content = contents[index] else { return nil }
    left[index]? -= 1
    if left[index] == 0 {
      contents[index] = nil
      byteCount -= content.byteCount
    }
    return content
  }
}
