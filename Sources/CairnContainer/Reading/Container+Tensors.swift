// Whole tensors out of a container: in place, or many decoded together.

import CairnCheckpoints
package import CairnSystem
package import CairnTensors

extension Container {
  /// A tensor's record and the records of all its blocks.
  private struct Plan {
    var record: TensorRecord
    var blocks: [BlockRecord]
    var pieces: Pieces
  }

  private func plan(_ index: Int) throws(CairnError) -> Plan {
    try checkIndex(index)
    let entry = try self.index.owner(of: self.index.entry(index))
    let pieces = entry.record.pieces(log2ChunkSize: log2ChunkSize)
    return Plan(
      record: entry.record,
      blocks: try self.index.blocks(0..<pieces.count, of: entry, log2ChunkSize: log2ChunkSize),
      pieces: pieces)
  }

  /// The tensor at `index`: in place where it lies raw in memory or in a mapped file, else in
  /// storage of its own.
  ///
  /// It takes at most 1,032 times the bytes that the file has for it: hold its entry's `byteCount`
  /// against a budget of your own if the file is a stranger's.
  ///
  /// - Throws: `noSuchTensor`; `checksumMismatch`, `corruptChunk`, `invalidIndex`; `outOfMemory`.
  package func tensor(at index: Int) throws(CairnError) -> Tensor {
    try locating { () throws(CairnError) in
      let plan = try plan(index)
      let record = plan.record
      if let region = try memory(of: plan, at: index) {
        return Tensor(dtype: record.dtype, shape: record.shape, region: region)
      }
      let region = ByteRegion(
        try Storage(byteCount: record.byteCount, zeroed: false), 0..<record.byteCount)
      try fill([region], [plan])
      return Tensor(dtype: record.dtype, shape: record.shape, region: region)
    }
  }

  /// The tensors at `indices`, as ``tensor(at:)``, all their blocks decoded in one go.
  ///
  /// Tensors under 4 MiB may share blocks of memory of up to 16 MiB with each other, which live for
  /// as long as any of them does.
  ///
  /// - Throws: as ``tensor(at:)``.
  package func tensors(at indices: [Int]) throws(CairnError) -> [Tensor] {
    try locating { () throws(CairnError) in
      var regions: [ByteRegion?] = []
      var plans: [Plan] = []
      for index in indices {
        let plan = try plan(index)
        regions.append(try memory(of: plan, at: index))
        plans.append(plan)
      }
      // Everything is known of all blocks before memory is asked for.
      let missing = regions.indices.filter { regions[$0] == nil }
      let fresh = try ByteRegion.allocate(missing.map { plans[$0].record.byteCount })
      try fill(fresh, missing.map { plans[$0] })
      for (number, region) in zip(missing, fresh) { regions[number] = region }
      return zip(plans, regions).compactMap { plan, region in
        region.map { Tensor(dtype: plan.record.dtype, shape: plan.record.shape, region: $0) }
      }
    }
  }

  /// The leaf digest that the index has of the tensor, or of its owner if it is an alias.
  ///
  /// - Throws: `noSuchTensor`; `invalidIndex`.
  package func keptDigest(at index: Int) throws(CairnError) -> [UInt8]? {
    guard root != nil else { return nil }
    return try locating { () throws(CairnError) in
      try checkIndex(index)
      return try self.index.owner(of: self.index.entry(index)).digest.bytes
    }
  }

  /// The root digest, if the file has digests.
  package var keptRootDigest: [UInt8]? { root?.bytes }

  /// The memory of a raw tensor in a container in memory or in a mapped file; its checksums are
  /// verified unless the options say otherwise.
  package func memory(at index: Int) throws(CairnError) -> ByteRegion? {
    guard source.memory != nil else { return nil }
    return try locating { () throws(CairnError) in try memory(of: plan(index), at: index) }
  }

  private func memory(of plan: Plan, at index: Int) throws(CairnError) -> ByteRegion? {
    switch plan.record.storageClass {
    case .raw: break
    case .chunked, .alias: return nil
    }
    guard let memory = source.memory, let first = plan.blocks.first else { return nil }
    // The blocks follow on each other, as they do in a valid file.
    var end = first.offset
    for block in plan.blocks {
      guard block.offset == end else { return nil }
      end += block.storedCount
    }
    if options.checksTensorsInPlace { try checkBlocks(at: index) }
    return memory.part(first.offset..<end)
  }

  /// One block of a tensor, and where it goes.
  private struct FillJob {
    var tensor: Int
    var block: Int
    /// The number of the huge page in which it begins; nil for memory that has small ones.
    var page: UInt?
  }

  /// Fills each region with the tensor that its plan describes.
  private func fill(_ regions: [ByteRegion], _ plans: [Plan]) throws(CairnError) {
    let jobs = plans.indices.flatMap { tensor in
      let region = regions[tensor]
      let start = region.storage.address + UInt(region.range.lowerBound)
      let isHuge = region.storage.byteCount >= Storage.hugePageThreshold
      return plans[tensor].blocks.indices.map { block in
        let offset = UInt(plans[tensor].pieces.range(of: block).lowerBound)
        return FillJob(
          tensor: tensor, block: block,
          page: isHuge ? (start + offset) / UInt(Storage.hugePageByteCount) : nil)
      }
    }
    // Blocks that begin in one huge page go to one thread. If two threads touch a fresh page at the
    // same time, each clears a page, and one of the two is thrown away.
    let pages = Self.pages(of: jobs)
    let source = source
    try inParallel(
      pages.count, threads: options.threads,
      makeWorker: { () throws(CairnError) in try BlockReader() }
    ) { (reader, page) throws(CairnError) in
      for job in jobs[pages[page]] {
        let plan = plans[job.tensor]
        // Regions are disjoint, and so are a tensor's pieces: no two threads write one byte.
        try regions[job.tensor].withMutableBytes(in: plan.pieces.range(of: job.block)) {
          (target) throws(CairnError) in
          try reader.read(
            plan.blocks[job.block], number: job.block, of: plan.record, part: 0..<target.count,
            from: source, into: &target)
        }
      }
    }
  }

  /// The runs of `jobs` that begin in one page.
  private static func pages(of jobs: [FillJob]) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    for (number, job) in jobs.enumerated() {
      if let last = runs.last, let page = job.page, jobs[last.lowerBound].page == page {
        runs[runs.count - 1] = last.lowerBound..<number + 1
      } else {
        runs.append(number..<number + 1)
      }
    }
    return runs
  }
}
