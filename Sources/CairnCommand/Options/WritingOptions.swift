// The options of every command that writes a checkpoint: `WriteOptions` on the command line.

public import ArgumentParser
import CairnCheckpoints
import CairnContainer
import CairnSystem

extension WriteOptions.Codec: ExpressibleByArgument {}

struct WritingOptions: ParsableArguments {
  // Unconditional: a negative number begins like an option, but must be refused as a number.
  @Option(
    name: .long, parsing: .unconditional,
    help: "Threads that code and decode. (default: all cores)")
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
      "Most bytes of tensors in each shard of a sharded checkpoint. (default: 5GB)",
      valueName: "bytes"))
  var shardSize: ByteSize?

  @Flag(inversion: .prefixedNo, help: "Keep SHA-256 digests of the content.")
  var digests = true

  @Flag(
    name: .long,
    help: "Write even more than 64 MiB and 64 times the input: zeros, names that share a tensor.")
  var expand = false

  @Flag(name: .long, help: "Fail if the output exists.")
  var noClobber = false

  @Flag(
    name: .long, help: "Do not wait for the disk (fsync). The old file is still replaced whole.")
  var noSync = false

  func validate() throws {
    if let threads, !(1...1_024).contains(threads) {
      throw ValidationError("--threads takes a number from 1 to 1,024, not \(threads).")
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
    options.expands = expand
    options.durability = noSync ? .none : .synchronized
    return options
  }

  var readOptions: ReadOptions {
    var options = ReadOptions()
    if let threads { options.threads = Threads(threads) }
    return options
  }
}

/// A number of bytes: `65536`, `64K`, `64 KiB`, `5 GB`.
///
/// A letter alone, or with `iB`, means powers of 1,024; a letter with `B` means powers of 1,000, as
/// for disks and in `cairn info`.
/// disks and `cairn info` do.
struct ByteSize: ExpressibleByArgument, Sendable {
  var count: Int

  init?(argument: String) {
    let bytes = argument.utf8.filter { $0 != UInt8(ascii: " ") }
    let digits = bytes.prefix { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
    let unit = String(decoding: bytes.dropFirst(digits.count), as: UTF8.self).uppercased()
    guard let factor = Self.factor(unit) else { return nil }
    let text = String(decoding: digits, as: UTF8.self)
    if let number = Int(text) {
      guard number > 0, let count = number.multiplied(by: factor) else { return nil }
      self.count = count
    } else {
      // `1.5GB`
      guard let number = Double(text), number > 0, number * Double(factor) < 0x1p62,
        let count = Int(exactly: number * Double(factor))
      else { return nil }
      self.count = count
    }
  }

  private static func factor(_ unit: String) -> Int? {
    if unit.isEmpty || unit == "B" { return 1 }
    let letters = ["K", "M", "G", "T"]
    guard let first = unit.first, let power = letters.firstIndex(of: String(first)) else {
      return nil
    }
    var factor = 1
    let base: Int
    switch unit.dropFirst() {
    case "", "IB": base = 1_024
    case "B": base = 1_000
    default: return nil
    }
    for _ in 0...power { factor *= base }
    return factor
  }

  var isPowerOfTwo: Bool { count.nonzeroBitCount == 1 }
  var log2: Int { count.trailingZeroBitCount }
}
