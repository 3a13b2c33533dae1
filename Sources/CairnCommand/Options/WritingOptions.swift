// The options of every command that writes a checkpoint: `WriteOptions` on the command line.

public import ArgumentParser
public import CairnFormat
import CairnSystem

extension WriteOptions.Codec: ExpressibleByArgument {}

struct WritingOptions: ParsableArguments {
  @Option(name: .long, help: "Threads that code and decode. (default: all cores)")
  var threads: Int?

  @Option(name: .long, help: "auto compresses, raw keeps tensors as they are, ready for mapping.")
  var codec = WriteOptions.Codec.auto

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Largest chunk: 64K to 16M, a power of two. (default: 1M)", valueName: "bytes"))
  var chunk: ByteSize?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Alignment of raw tensors: 64, 4K, 16K or 64K. (default: 64)", valueName: "bytes"))
  var align: ByteSize?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Most bytes of tensors in each shard of a sharded checkpoint. (default: 5 GB)",
      valueName: "bytes"))
  var shardSize: ByteSize?

  @Flag(inversion: .prefixedNo, help: "Keep SHA-256 digests of the content.")
  var digests = true

  @Flag(name: .long, help: "Fail if the output exists.")
  var noClobber = false

  @Flag(
    name: .long, help: "Do not wait for the disk (fsync). The old file is still replaced whole.")
  var noSync = false

  func validate() throws {
    if let threads, !(1...1_024).contains(threads) {
      throw ValidationError("--threads takes a number from 1 to 1,024.")
    }
    if let chunk, !chunk.isPowerOfTwo || !(16...24).contains(chunk.log2) {
      throw ValidationError("--chunk takes a power of two from 64K to 16M.")
    }
    if let align, !align.isPowerOfTwo || ![6, 12, 14, 16].contains(align.log2) {
      throw ValidationError("--align takes 64, 4K, 16K or 64K.")
    }
  }

  var writeOptions: WriteOptions {
    var options = WriteOptions()
    if let threads { options.threads = Threads(threads) }
    options.codec = codec
    if let chunk { options.log2ChunkSize = chunk.log2 }
    if let align { options.log2Alignment = align.log2 }
    if let shardSize { options.shardByteCount = shardSize.count }
    options.digests = digests
    options.replacing = !noClobber
    options.durability = noSync ? .none : .synchronized
    return options
  }

  var readOptions: ReadOptions {
    var options = ReadOptions()
    if let threads { options.threads = Threads(threads) }
    return options
  }
}

/// A number of bytes: `65536`, `64K`, `1M`.
struct ByteSize: ExpressibleByArgument, Sendable {
  var count: Int

  init?(argument: String) {
    var digits = argument.uppercased()
    var unit = 1
    let units = [("K", 1 << 10), ("M", 1 << 20), ("G", 1 << 30)]
    if let (_, factor) = units.first(where: { digits.hasSuffix($0.0) }) {
      digits.removeLast()
      unit = factor
    }
    guard let number = Int(digits), number > 0 else { return nil }
    let (count, overflow) = number.multipliedReportingOverflow(by: unit)
    guard !overflow else { return nil }
    self.count = count
  }

  var isPowerOfTwo: Bool { count.nonzeroBitCount == 1 }
  var log2: Int { count.trailingZeroBitCount }
}
