// Sources that show the tensors of others. Everything is forwarded unless a view says otherwise, so that
// none can forget that a tensor lies in memory, or that many are read together faster than one by one.

public import CairnSystem
public import CairnTensors

/// Where a tensor of a view comes from.
public struct TensorOrigin: Sendable {
  /// The source that has it.
  package var source: any TensorSource
  /// Its index there.
  package var index: Int
  /// A number that tells the sources of one view apart: tensors with the same number are read
  /// together.
  package var number: Int

  /// The tensor at `index` of a source.
  public init(_ source: any TensorSource, _ index: Int, number: Int = 0) {
    self.source = source
    self.index = index
    self.number = number
  }
}

/// A source whose tensors are those of other sources: all, some, or under other names.
///
/// A tensor that differs from its origin's in even one bit has no origin: it is read with
/// ``TensorSource/read(at:from:into:)``.
public protocol TensorView: TensorSource {
  /// Where the same tensor, bit for bit, is found in another source; nil if nowhere.
  ///
  /// - Throws: `noSuchTensor`, and what finding it throws.
  func origin(of index: Int) throws(CairnError) -> TensorOrigin?
}

extension TensorView {
  /// The tensor as its origin gives it.
  public func tensor(at index: Int) throws(CairnError) -> Tensor {
    guard let origin = try origin(of: index) else { return try wholeTensor(at: index) }
    return try origin.source.tensor(at: origin.index)
  }

  /// The memory that its origin has.
  public func memory(at index: Int) throws(CairnError) -> ByteRegion? {
    guard let origin = try origin(of: index) else { return nil }
    return try origin.source.memory(at: origin.index)
  }

  /// The tensors, those of one origin read together.
  public func tensors(at indices: [Int]) throws(CairnError) -> [Tensor] {
    var tensors = [Tensor?](repeating: nil, count: indices.count)
    var groups: [Int: (source: any TensorSource, places: [Int], indices: [Int])] = [:]
    for (place, index) in indices.enumerated() {
      if let origin = try origin(of: index) {
        groups[origin.number, default: (origin.source, [], [])].places.append(place)
        groups[origin.number]?.indices.append(origin.index)
      } else {
        tensors[place] = try wholeTensor(at: index)
      }
    }
    for (_, group) in groups.sorted(by: { $0.key < $1.key }) {
      for (place, tensor) in zip(group.places, try group.source.tensors(at: group.indices)) {
        tensors[place] = tensor
      }
    }
    return tensors.compactMap { $0 }
  }

  /// The digest that its origin keeps.
  public func keptDigest(at index: Int) throws(CairnError) -> [UInt8]? {
    guard let origin = try origin(of: index) else { return nil }
    return try origin.source.keptDigest(at: origin.index)
  }

  /// Fills `bytes` from the tensor's origin.
  public func read(
    at index: Int, from offset: Int, into bytes: inout MutableSpan<UInt8>
  ) throws(CairnError) {
    guard let origin = try origin(of: index) else {
      throw CairnError(
        .noSuchTensor, "the view neither has the tensor nor says where it is",
        at: .init(index: index))
    }
    try origin.source.read(at: origin.index, from: offset, into: &bytes)
  }
}

/// A view that shows a source as it is, except for what the conforming type changes.
public protocol TensorWrapper: TensorView {
  /// The source that is shown.
  var base: any TensorSource { get }
}

extension TensorWrapper {
  /// As many tensors as the base has.
  public var count: Int { base.count }
  /// What the base says of it.
  public func entry(at index: Int) throws(CairnError) -> TensorEntry { try base.entry(at: index) }
  /// Where the base has it.
  public func index(of name: TensorName) throws(CairnError) -> Int? { try base.index(of: name) }
  /// The same place of the base.
  public func origin(of index: Int) throws(CairnError) -> TensorOrigin? {
    TensorOrigin(base, index)
  }
  /// What the base carries.
  public var attachments: Attachments { base.attachments }
  /// As much as of the base.
  public var plausibleByteCount: Int { base.plausibleByteCount }
}
