// Comparing two sources: names, order, types, shapes, ties, values and what stands beside them.

import CairnCheckpoints
import CairnComparison
import CairnSystem
import CairnTensors
import Synchronization
import Testing

@Suite("Comparing two sources")
struct SourceComparisonTests {
  private func sample() throws -> NamedTensors {
    var tensors = try NamedTensors([
      ("a", Tensor([1, 2, 3] as [Float])), ("b", Tensor([4] as [Int32])),
      ("c", Tensor(strings: ["x", "yz"])), ("d", Tensor(zeros: .float16, shape: [2, 0])),
    ])
    tensors.metadata["epoch"] = .int(3)
    tensors.configuration = Array("{}".utf8)
    try tensors.addBlob(Blob(name: "notes", bytes: [1, 2]))
    return tensors
  }

  @Test("A source is the same as itself, live or read")
  func same() throws {
    let tensors = try sample()
    let sources: [any TensorSource] = [
      tensors, LazySource(tensors), try NamedTensors(reading: LazySource(tensors)),
    ]
    for left in sources {
      for right in sources {
        let report = try compare(left, right)
        #expect(report.isSame)
        #expect(report.comparedCount == 4 && report.identicalCount == 4)
        #expect(report.comparedByteCount == 12 + 4 + 16 + 3)
        #expect(report.leftCount == 4 && report.rightCount == 4)
      }
    }
  }

  @Test("Missing and extra names, in the order of weights")
  func names() throws {
    var right = try NamedTensors([
      ("z", Tensor([0] as [Float])), ("b", Tensor([4] as [Int32])), ("e", Tensor([0] as [Float])),
    ])
    right.metadata = try sample().metadata
    let report = try compare(sample(), right)
    #expect(report.missing.elements == ["a", "c", "d"])
    #expect(report.extra.elements == ["z", "e"])
    #expect(report.reordered.isEmpty)
    #expect(!report.isSame)
  }

  @Test("Names that String calls equal are two names")
  func canonicalEquivalence() throws {
    let value = try Tensor([0] as [Float])
    let report = try compare(
      NamedTensors([("\u{E9}", value)]), NamedTensors([("e\u{301}", value)]))
    #expect(report.missing.total == 1 && report.extra.total == 1)
  }

  @Test("As few tensors have moved as explain the order")
  func order() throws {
    let value = try Tensor([0] as [Float])
    func source(_ names: String) throws -> NamedTensors {
      try NamedTensors(names.map { (try TensorName(String($0)), value) })
    }
    let report = try compare(source("abcdef"), source("bcdaef"))
    #expect(report.reordered.elements.map(\.name) == ["a"])
    #expect(report.reordered.elements.map(\.left) == [0])
    #expect(report.reordered.elements.map(\.right) == [3])
    #expect(!report.isSame)
    #expect(try compare(source("abc"), source("cba")).reordered.total == 2)
    // Names of one side only don't count.
    #expect(try compare(source("axbyc"), source("azbc")).reordered.isEmpty)
    var options = ComparisonOptions()
    options.scope = .content
    #expect(try compare(source("abcdef"), source("bcdaef"), options: options).isSame)
  }

  @Test("Other types and shapes are reported as such; values are not compared then")
  func types() throws {
    let left = try NamedTensors([
      ("a", Tensor([1, 2] as [Float])), ("b", Tensor([1, 2] as [Float])),
      ("c", Tensor([1, 2] as [Float])),
    ])
    let right = try NamedTensors([
      ("a", Tensor([1, 2] as [Int32])), ("b", Tensor([1, 2] as [Float], shape: [2, 1])),
      ("c", Tensor([1, 2, 3] as [Double])),
    ])
    let report = try compare(left, right)
    #expect(report.retyped.elements.map(\.name) == ["a", "c"])
    #expect(report.retyped.elements.map(\.right) == [.int32, .float64])
    #expect(report.reshaped.elements.map(\.name) == ["b", "c"])
    #expect(report.reshaped.elements.map(\.right) == [[2, 1], [3]])
    #expect(report.comparedCount == 0 && report.different.isEmpty)
  }

  @Test("Ties are compared as groups of names, whoever is the owner")
  func ties() throws {
    let value = try Tensor([1, 2] as [Float])
    func source(_ groups: [[TensorName]], order: [TensorName]) throws -> NamedTensors {
      var tensors = NamedTensors()
      var owners: [Int: TensorName] = [:]
      for name in order {
        let group = groups.firstIndex { $0.contains(name) } ?? -1
        if group >= 0, let owner = owners[group] {
          try tensors.addAlias(name, of: owner)
        } else {
          try tensors.add(value.copied(), named: name)
          owners[group] = name
        }
      }
      return tensors
    }
    var options = ComparisonOptions()
    options.scope = .ties
    func ties(_ a: NamedTensors, _ b: NamedTensors) throws -> [TieDifference] {
      try compare(a, b, options: options).retied.elements
    }
    let tied = try source([["a", "b"]], order: ["a", "b", "c"])
    #expect(try ties(tied, source([["a", "b"]], order: ["b", "c", "a"])).isEmpty)
    let apart = try ties(tied, source([], order: ["a", "b", "c"]))
    #expect(apart.map(\.names) == [["a", "b"]] && apart.map(\.side) == [.left])
    let other = try ties(tied, source([["b", "c"]], order: ["a", "b", "c"]))
    #expect(other.map(\.names) == [["a", "b"], ["b", "c"]])
    #expect(other.map(\.side) == [.left, .right])
    let more = try ties(tied, source([["a", "b", "c"]], order: ["a", "b", "c"]))
    #expect(more.map(\.names) == [["a", "b"], ["a", "b", "c"]])
    // A name that only one side has unties nothing.
    #expect(
      try ties(
        source([["a", "b", "x"]], order: ["a", "b", "x"]), source([["a", "b"]], order: ["a", "b"])
      ).isEmpty)
  }

  @Test("A tied tensor that differs is reported once, with all its names")
  func tiedDifference() throws {
    func source(_ value: Float) throws -> NamedTensors {
      var tensors = try NamedTensors([("a", Tensor([value]))])
      try tensors.addAlias("b", of: "a")
      try tensors.addAlias("c", of: "a")
      return tensors
    }
    let report = try compare(source(1), source(2))
    #expect(report.different.total == 1)
    #expect(report.different.elements.first?.name == "a")
    #expect(report.different.elements.first?.otherNames == ["b", "c"])
    #expect(report.comparedCount == 3 && report.identicalCount == 0)
    #expect(report.comparedByteCount == 4)
  }

  @Test("What one side ties and the other does not is compared with each partner")
  func halfTied() throws {
    var left = try NamedTensors([("a", Tensor([1] as [Float]))])
    try left.addAlias("b", of: "a")
    let right = try NamedTensors([("a", Tensor([1] as [Float])), ("b", Tensor([2] as [Float]))])
    let report = try compare(left, right)
    #expect(report.different.elements.map(\.name) == ["b"])
    #expect(report.identicalCount == 1 && report.retied.total == 1)
  }

  @Test("Metadata, configuration and blobs, each by its own switch")
  func beside() throws {
    let left = try sample()
    var right = left
    right.metadata["epoch"] = .uint(3)
    right.metadata["added"] = .string("")
    right.configuration = Array("{ }".utf8)
    let report = try compare(left, right)
    #expect(report.metadata.elements.map(\.name) == ["added", "epoch"])
    #expect(report.metadata.elements[0].left == nil)
    #expect(report.metadata.elements[1].right == .uint(3))
    #expect(report.configuration?.firstDifference == 1)
    #expect(report.configuration?.left == 2 && report.configuration?.right == 3)
    var options = ComparisonOptions()
    options.scope = .weights
    #expect(try compare(left, right, options: options).isSame)

    var blobs = NamedTensors()
    try blobs.addBlob(Blob(name: "notes", bytes: [1, 3]))
    try blobs.addBlob(Blob(name: "other", bytes: []))
    let found = try compare(left, blobs).blobs.elements
    #expect(found.map(\.name) == ["notes", "other"])
    #expect(found[0].bytes.firstDifference == 1)
    #expect(found[1].bytes.left == nil && found[1].bytes.right == 0)
  }

  @Test("A tolerance makes small differences the same, and says how many there are")
  func tolerance() throws {
    let left = try NamedTensors([
      ("a", Tensor([1] as [Float])), ("b", Tensor([1] as [Float])), ("c", Tensor([1] as [Float])),
    ])
    let right = try NamedTensors([
      ("a", Tensor([1.001] as [Float])), ("b", Tensor([2] as [Float])),
      ("c", Tensor([1] as [Float])),
    ])
    var options = ComparisonOptions()
    options.tolerance = try Tolerance(absolute: 0.01)
    let report = try compare(left, right, options: options)
    #expect(report.toleratedCount == 1 && report.identicalCount == 1)
    #expect(report.different.elements.map(\.name) == ["b"])
    #expect(!report.isSame)
  }

  @Test("Differences beyond the limit of details are counted")
  func details() throws {
    let names = try (0..<20).map { try TensorName("t\($0)") }
    let left = try NamedTensors(names.map { ($0, try Tensor([0] as [Float])) })
    let right = try NamedTensors(names.map { ($0, try Tensor([1] as [Float])) })
    var options = ComparisonOptions()
    options.maximumDetails = 3
    let report = try compare(left, right, options: options)
    #expect(report.different.elements.count == 3 && report.different.total == 20)
    #expect(report.different.omitted == 17)
    options.maximumDetails = 0
    #expect(try !compare(left, right, options: options).isSame)
  }

  @Test("Differences at the borders of windows and pieces, in windows of bounded size")
  func windows() throws {
    // 17 MiB and a little: two pieces, eighteen windows.
    let count = (17 << 20) / 4 + 11
    let left = try Tensor(zeros: .float32, shape: [count])
    var right = left
    let window = (1 << 20) / 4
    let places = [window - 1, window, 16 * window - 1, 16 * window, count - 1]
    for place in places { try right.setElement(at: [place], to: Float(place)) }
    let (a, b) = (
      LazySource(try NamedTensors([("big", left)])), LazySource(try NamedTensors([("big", right)]))
    )
    for threads in [1, 4] as [Threads] {
      var options = ComparisonOptions()
      options.threads = threads
      let difference = try #require(try compare(a, b, options: options).different.elements.first)
      #expect(difference.firstIndex == window - 1)
      #expect(difference.differingElements == places.count)
      #expect(difference.maximumAbsolute == Double(Float(count - 1)))
    }
    #expect(a.reads.withLock { $0.largest } == 1 << 20)
    #expect(a.reads.withLock { $0.total } == 2 * 4 * count)
  }

  @Test("Packed elements of 6 bits are compared across windows")
  func packedWindows() throws {
    // 1 MiB is no multiple of 6 bytes: a window ends before it.
    let count = (3 << 20) / 6 * 8
    let left = try Tensor(zeros: .float6E2M3FN, shape: [count])
    for index in [0, count / 3, 1_398_095, 1_398_096, 1_398_104, count - 1] {
      var right = left
      try right.withMutableBytes { (bytes) throws(CairnError) in
        bytes[index * 6 / 8] |= 1 << UInt8(index * 6 % 8)
      }
      let report = try compare(
        LazySource(try NamedTensors([("p", left)])), LazySource(try NamedTensors([("p", right)])))
      #expect(report.different.elements.first?.firstIndex == index)
    }
  }

  @Test("A source that cannot be read stops the comparison and is named")
  func broken() throws {
    let tensors = try sample()
    for threads in [1, 2] as [Threads] {
      var options = ComparisonOptions()
      options.threads = threads
      let error = #expect(throws: CairnError.self) {
        try compare(tensors, LazySource(tensors, broken: "b"), options: options)
      }
      #expect(error?.code == .inputOutput && error?.location.name == "b")
    }
  }

  @Test("Progress ends at the total, and can stop the work")
  func progress() throws {
    let tensors = try sample()
    var last: WorkProgress?
    _ = try compare(tensors, LazySource(tensors)) { (progress) throws(CairnError) in
      last = progress
    }
    #expect(last == WorkProgress(done: 35, total: 35))
    let error = #expect(throws: CairnError.self) {
      _ = try compare(tensors, tensors) { (_) throws(CairnError) in
        throw CairnError(.interrupted, "stopped")
      }
    }
    #expect(error?.code == .interrupted)
  }

  @Test("String offsets that lead nowhere are an error, not a trap")
  func hostileStrings() throws {
    struct Hostile: TensorSource {
      var bytes: [UInt8]
      var count: Int { 1 }
      func entry(at index: Int) throws(CairnError) -> TensorEntry {
        TensorEntry(name: "s", dtype: .string, shape: [2], byteCount: bytes.count, position: 0)
      }
      func read(
        at index: Int, from offset: Int, into target: inout MutableSpan<UInt8>
      ) throws(CairnError) {
        let wanted = target.count
        target.copy(bytes.span.extracting(offset..<offset + wanted))
      }
    }
    func offsets(_ a: UInt8, _ b: UInt8, top: UInt8 = 0) -> [UInt8] {
      [a, 0, 0, 0, 0, 0, 0, top, b, 0, 0, 0, 0, 0, 0, top]
    }
    let good = Hostile(bytes: offsets(1, 2) + [7, 8])
    #expect(try compare(good, good).isSame)
    for bytes in [
      offsets(2, 1) + [7, 8], offsets(1, 3) + [7, 8], offsets(1, 1) + [7, 8],
      offsets(1, 2, top: 0xFF) + [7, 8], [1, 2, 3],
    ] {
      let error = #expect(throws: CairnError.self) { try compare(good, Hostile(bytes: bytes)) }
      #expect(error?.code == .invalidElement)
    }
  }
}
