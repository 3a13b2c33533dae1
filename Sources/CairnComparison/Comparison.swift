// Comparing two sources of named tensors.

public import CairnCheckpoints
public import CairnSystem
import CairnTensors

/// Compares everything that two sources of named tensors have: models, files of any format.
///
/// Tensors are matched by name, byte by byte, and read in windows, so that sources of any size are
/// compared in bounded memory. Values are compared to the bit: NaNs with equal payloads are equal,
/// −0 and +0 are not; ``ComparisonOptions/tolerance`` asks for less. A tensor with several names is
/// compared once. A live source is compared as it was when its turn came: don't change it meanwhile.
///
/// - Parameters:
///   - left: The first source.
///   - right: The second source.
///   - options: What counts, and how closely.
///   - progress: Called now and then with the bytes of tensors compared.
/// - Throws: What reading the sources throws and what `progress` throws; `noSuchTensor` and
///   `countMismatch` for a source that contradicts itself. A difference is no error.
/// - Complexity: O(bytes + names log names).
public func compare(
  _ left: any TensorSource, _ right: any TensorSource,
  options: ComparisonOptions = ComparisonOptions(),
  progress: ProgressHandler = { _ in }
) throws(CairnError) -> ComparisonReport {
  let (a, b) = (try NameTable(left), try NameTable(right))
  let limit = options.maximumDetails
  var report = ComparisonReport()
  report.options = options
  report.leftCount = a.entries.count
  report.rightCount = b.entries.count
  report.missing = DifferenceList(a.inWeightOrder.filter { b.indices[$0] == nil }, limit: limit)
  report.extra = DifferenceList(b.inWeightOrder.filter { a.indices[$0] == nil }, limit: limit)

  let common = a.inWeightOrder.filter { b.indices[$0] != nil }
  if options.scope.contains(.order) {
    report.reordered = DifferenceList(
      reorderings(common, b.inWeightOrder.filter { a.indices[$0] != nil }), limit: limit)
  }
  if options.scope.contains(.ties) {
    report.retied = DifferenceList(try tieDifferences(of: common, a, b), limit: limit)
  }

  var retyped: [NamedDifference<DType>] = []
  var reshaped: [NamedDifference<Shape>] = []
  var comparable: [TensorName] = []
  for name in common {
    guard let mine = a.entry(name), let theirs = b.entry(name) else { continue }
    if mine.dtype != theirs.dtype {
      retyped.append(NamedDifference(name: name, left: mine.dtype, right: theirs.dtype))
    }
    if mine.shape != theirs.shape {
      reshaped.append(NamedDifference(name: name, left: mine.shape, right: theirs.shape))
    }
    if mine.dtype == theirs.dtype, mine.shape == theirs.shape { comparable.append(name) }
  }
  report.retyped = DifferenceList(retyped, limit: limit)
  report.reshaped = DifferenceList(reshaped, limit: limit)

  let values = try ValueComparison(
    comparable, .init(source: left, table: a), .init(source: right, table: b), options)
  try values.run(progress)
  values.fill(&report)

  if options.scope != .weights {
    report.uncompared = DifferenceList(
      left.opaqueItems.map { UncomparedItem(item: $0, side: .left) }
        + right.opaqueItems.map { UncomparedItem(item: $0, side: .right) }, limit: limit)
  }
  if options.scope.contains(.metadata) {
    report.metadata = DifferenceList(
      metadataDifferences(left.metadata, right.metadata), limit: limit)
  }
  if options.scope.contains(.configuration) {
    report.configuration = BytesDifference(left.configuration, right.configuration)
  }
  if options.scope.contains(.blobs) {
    report.blobs = DifferenceList(blobDifferences(try left.blobs, try right.blobs), limit: limit)
  }
  return report
}

private func metadataDifferences(_ left: Metadata, _ right: Metadata) -> [NamedDifference<
  MetadataValue?
>] {
  // Both are in ascending order of their keys, so one walk over both is enough.
  let (mine, theirs) = (Array(left), Array(right))
  var differences: [NamedDifference<MetadataValue?>] = []
  var (i, j) = (0, 0)
  while i < mine.count || j < theirs.count {
    if j == theirs.count || i < mine.count && mine[i].key < theirs[j].key {
      differences.append(NamedDifference(name: mine[i].key, left: mine[i].value, right: nil))
      i += 1
    } else if i == mine.count || theirs[j].key < mine[i].key {
      differences.append(NamedDifference(name: theirs[j].key, left: nil, right: theirs[j].value))
      j += 1
    } else {
      if mine[i].value != theirs[j].value {
        differences.append(
          NamedDifference(name: mine[i].key, left: mine[i].value, right: theirs[j].value))
      }
      i += 1
      j += 1
    }
  }
  return differences
}

private func blobDifferences(_ left: [Blob], _ right: [Blob]) -> [BlobDifference] {
  // Names are unique within a source; were they not, the first would count.
  let mine = Dictionary(left.map { ($0.name, $0.bytes) }) { first, _ in first }
  let theirs = Dictionary(right.map { ($0.name, $0.bytes) }) { first, _ in first }
  return Set(mine.keys).union(theirs.keys).sorted().compactMap { name in
    BytesDifference(mine[name], theirs[name]).map { BlobDifference(name: name, bytes: $0) }
  }
}
