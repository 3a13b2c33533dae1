// Which planes of a chunk are noise, told from a sample before the chunk is taken apart.
// FORMAT.md, section "Our encoder and decoder".

/// Looks at elements here and there in a chunk.
///
/// Noise is most of a chunk of weights, and counting all of it would take as long as coding the
/// rest. What a sample of 4,096 bytes of noise shows is off by 0.004 of 8 bits: one part in 2,000.
struct PlaneSample {
  /// Elements in the middle of the chunk that are taken as they follow one another, so that repeats
  /// show.
  static let adjoining = 2048
  /// Runs of elements elsewhere, evenly spread but for a share of chance: a row's length must not
  /// hide anything.
  static let runs = 16
  static let runLength = 128
  /// The elements below which a chunk is not sampled but counted.
  static let fewest = 4 * (adjoining + runs * runLength)

  private var elements: [UInt8] = []
  private var planes: [UInt8] = []
  private var probe = RepeatProbe()

  /// Says of each plane, the lowest first, whether it is noise: to be stored without another look.
  mutating func noise(
    in logical: Span<UInt8>, layout: ChunkLayout
  ) throws(CodecError) -> [Bool] {
    let size = layout.elementSize
    let count = logical.count / size
    guard count >= Self.fewest, layout.filter.hasPlanes else {
      return [Bool](repeating: false, count: layout.planeCount)
    }
    // The buffers leave `self` meanwhile: spans of two of its parts would overlap.
    var (elements, planes): ([UInt8], [UInt8]) = ([], [])
    swap(&elements, &self.elements)
    swap(&planes, &self.planes)
    defer {
      swap(&elements, &self.elements)
      swap(&planes, &self.planes)
    }
    let sampled = Self.adjoining + Self.runs * Self.runLength
    if elements.count < sampled * size {
      elements = [UInt8](repeating: 0, count: sampled * size)
      planes = elements
    }
    var target = elements.mutableSpan
    var middle = (count - Self.adjoining) / 2
    try ByteCopies.copy(
      logical.extracting(middle * size..<(middle + Self.adjoining) * size), to: &target, at: 0)
    let step = count / Self.runs
    var random: UInt32 = 1
    for run in 0..<Self.runs {
      random = random &* 1_664_525 &+ 1_013_904_223
      middle = run * step + Int(random >> 16) % (step - Self.runLength)
      try ByteCopies.copy(
        logical.extracting(middle * size..<(middle + Self.runLength) * size), to: &target,
        at: (Self.adjoining + run * Self.runLength) * size)
    }
    var split = planes.mutableSpan
    var splitTarget = split._mutatingExtracting(first: sampled * size)
    try SplitKernel.split(
      elements.span.extracting(first: sampled * size), layout: layout, into: &splitTarget)
    var verdicts: [Bool] = []
    for plane in 0..<size {
      let bytes = planes.span.extracting(plane * sampled..<(plane + 1) * sampled)
      let statistics = PlaneStatistics(of: bytes)
      verdicts.append(
        statistics.isNoise && !statistics.hasRuns
          && !probe.findsStructure(in: bytes.extracting(first: Self.adjoining)))
    }
    return verdicts
  }
}
