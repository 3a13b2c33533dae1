// Any source of named tensors into a container, in canonical order. FORMAT.md, section 17.

package import CairnCheckpoints
package import CairnSystem
import CairnTensors

extension Container {
  /// Writes everything that `source` has to a file, which appears, or is replaced, when it is whole.
  ///
  /// Where the source keeps digests and the file gets some, they must be the same.
  ///
  /// - Throws: `digestMismatch` for content that has not the digest that is kept of it; what reading
  ///   the source and writing the file throw. Then what was at `path` is untouched.
  @discardableResult
  package static func write(
    _ source: any TensorSource, to path: String, options: WriteOptions = WriteOptions(),
    progress: ProgressHandler = { _ in }
  ) throws(CairnError) -> WriteSummary {
    try write(source, with: ContainerWriter(path: path, options: options), progress: progress)
  }

  /// Everything that `source` has, as a container in memory.
  package static func encode(
    _ source: any TensorSource, options: WriteOptions = WriteOptions(),
    progress: ProgressHandler = { _ in }
  ) throws(CairnError) -> MemoryBytes {
    let total = try totalByteCount(of: source)
    // Raw, the container takes the tensors' bytes and some 300 bytes for each tensor; coded, it
    // takes less. If a source claims more bytes than can be counted, no memory is asked for:
    // reading will show whether it has so many.
    let output = try MemorySink(
      capacity: total.adding(1 << 20)?.adding(512 * source.count) ?? 0, limit: .max)
    let writer = try ContainerWriter(output: output, options: options)
    _ = try write(source, with: writer, progress: progress)
    return output.bytes
  }

  private static func totalByteCount(of source: any TensorSource) throws(CairnError) -> Int {
    var total = 0
    for index in 0..<source.count {
      let entry = try source.entry(at: index)
      guard entry.aliasOf == nil else { continue }
      guard let sum = total.adding(entry.byteCount) else {
        throw CairnError(.limitExceeded, "the tensors have more bytes than can be counted")
      }
      total = sum
    }
    return total
  }

  static func write(
    _ source: any TensorSource, with writer: ContainerWriter, progress: ProgressHandler
  ) throws(CairnError) -> WriteSummary {
    let total = try totalByteCount(of: source)
    try writer.attach(
      metadata: source.metadata, configuration: source.parsedConfiguration(), blobs: source.blobs)
    let plan = try CanonicalOrder(of: source)
    writer.reserveCapacity(plan.steps.count)
    var done = 0
    try WorkProgress.report(0, of: total, to: progress)
    let wrote = { (count: Int) throws(CairnError) in
      done += count
      // The end is reported when the index is written too.
      if done < total { try WorkProgress.report(done, of: total, to: progress) }
    }
    for step in plan.steps {
      let entry = try source.entry(at: step.index)
      if let owner = step.aliasOf {
        try writer.appendAlias(entry.name, of: owner, position: entry.position)
      } else {
        try writer.append(
          entry, content(of: step.index, in: source), kept: source.keptDigest(at: step.index),
          wrote: wrote)
      }
    }
    return try writer.finish(
      kept: source.keptRootDigest, wrote: wrote,
      written: { () throws(CairnError) in try WorkProgress.report(total, of: total, to: progress) })
  }
}

/// The bytes of a source's tensor: where they lie, or a way to read them.
private func content(
  of index: Int, in source: any TensorSource
) throws(CairnError) -> TensorContent {
  if let memory = try source.memory(at: index) { return .memory(memory) }
  return .reader { (offset, bytes) throws(CairnError) in
    try source.read(at: index, from: offset, into: &bytes)
  }
}

/// The tensors of a source by name, each tie owned by its lowest name.
struct CanonicalOrder {
  struct Step {
    var index: Int
    var aliasOf: TensorName?
  }
  private(set) var steps: [Step] = []

  init(of source: any TensorSource) throws(CairnError) {
    let entries = try source.entries()
    try Self.checkAliases(entries)
    var owners: [TensorName: TensorName] = [:]
    for index in entries.indices.sorted(by: { entries[$0].name < entries[$1].name }) {
      let group = entries[index].aliasOf ?? entries[index].name
      let owner = owners[group]
      // The first name of a group in ascending order is the lowest: it owns the data.
      if owner == nil { owners[group] = entries[index].name }
      steps.append(Step(index: index, aliasOf: owner))
    }
  }

  /// Checks that what a source calls an alias is one: the file keeps the owner's type and shape only.
  private static func checkAliases(_ entries: [TensorEntry]) throws(CairnError) {
    guard entries.contains(where: { $0.aliasOf != nil }) else { return }
    var owners: [TensorName: TensorEntry] = [:]
    for entry in entries where entry.aliasOf == nil { owners[entry.name] = entry }
    for entry in entries {
      guard let name = entry.aliasOf else { continue }
      guard let owner = owners[name] else {
        throw CairnError(
          .noSuchTensor, "an alias names a tensor that is not there, or is an alias itself",
          at: .init(name: entry.name.string), found: name.string)
      }
      guard owner.dtype == entry.dtype, owner.shape == entry.shape,
        owner.byteCount == entry.byteCount
      else {
        throw CairnError(
          .invalidArgument, "an alias is of another type or shape than its owner ‘\(name)’",
          at: .init(name: entry.name.string), expected: "\(owner.dtype) \(owner.shape)",
          found: "\(entry.dtype) \(entry.shape)")
      }
    }
  }
}

extension WriteOptions {
  /// Checks the numbers.
  ///
  /// - Throws: `invalidArgument`.
  func check() throws(CairnError) {
    guard Superblock.log2ChunkSizes.contains(log2ChunkSize) else {
      throw CairnError(
        .invalidArgument, "the chunk size is out of range",
        expected: "64 KiB to 16 MiB, a power of two", found: "2^\(log2ChunkSize) bytes")
    }
    guard Superblock.log2Alignments.contains(log2Alignment) else {
      throw CairnError(
        .invalidArgument, "the alignment is none that the format allows",
        expected: "64, 4096, 16384 or 65536 bytes", found: "2^\(log2Alignment) bytes")
    }
  }
}

/// What a finished write has made.
package struct WriteSummary: Hashable, Sendable {
  /// Bytes of the whole file.
  package var fileByteCount: Int
  /// Tensors, aliases included.
  package var tensorCount: Int
  /// Bytes of all tensors uncompressed, aliases not counted.
  package var logicalByteCount: Int
  /// Bytes that the tensors' data takes in the file.
  package var storedByteCount: Int
  /// The root digest, if digests were asked for.
  package var root: ContentDigest?
}
