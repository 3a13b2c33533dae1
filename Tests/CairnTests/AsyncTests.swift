// What takes long without blocking the caller, and stopping it: by the task, by a progress handler.

import Cairn
import CairnTestSupport
import Foundation
import Testing

@Suite(.timeLimit(.minutes(5))) struct AsyncTests {
  private let folder: TestFolder
  init() throws { folder = try TestFolder() }

  private func model() throws -> Sequential {
    try Sequential([InputLayer(shape: [64]), Dense(512), Dense(512), Dense(512)])
  }

  /// Stops a handler of progress at its first call until `release`, and tells of it.
  private struct Barrier: Sendable {
    private let reached = AsyncStream<Void>.makeStream()
    private let released = DispatchSemaphore(value: 0)

    /// A step of the work.
    func pass() {
      reached.continuation.yield()
      released.wait()
      released.signal()
    }

    /// Waits until the work has come to a step, without blocking.
    func isReached() async { for await _ in reached.stream { return } }

    func release() { released.signal() }
  }

  @Test func `Async variants do what the others do`() async throws {
    let (model, path) = (try model(), folder.file("m.cairn"))
    try await model.save(to: path)
    let file = try await CheckpointFile.open(path)
    try await file.verify(.deep)
    let loaded = try await Model.load(from: path)
    #expect(try await compare(model, loaded).isSame)
    let copy = try await model.deepCopy()
    #expect(try await compare(model, copy).isSame)
    let tensors = try await NamedTensors(contentsOf: path)
    #expect(try await compare(tensors, file.source).isSame)
    #expect(try await tensors.deepCopy().dictionary == tensors.dictionary)
    let converted = folder.file("m.safetensors")
    let written = try await file.source.write(to: converted, accepting: .all)
    #expect(written == (try Data(contentsOf: URL(filePath: converted)).count))
    let other = try model.cloned(seed: 5)
    try await other.loadWeights(from: path)
    var weights = ComparisonOptions()
    weights.scope = .weights
    #expect(try await compare(model, other, options: weights).isSame)
    #expect(try await Salvage(path: path).losses.isEmpty)
    let bytes = try MemoryBytes(Array(Data(contentsOf: URL(filePath: path))))
    #expect(try await compare(CheckpointFile.open(bytes, named: "m.cairn"), file).isSame)
  }

  @Test func `A save is of the moment of its call`() async throws {
    let (model, path) = (try model(), folder.file("m.cairn"))
    let (kernel, before) = (model.weights[0], try await model.deepCopy())
    try await model.save(to: path) { progress in
      if progress.done == 0 { try kernel.assign(Tensor(zeros: .float32, shape: kernel.shape)) }
    }
    #expect(try await compare(Model.load(from: path), before).isSame)
    #expect(try await !compare(model, before).isSame)
  }

  @Test func `A cancelled save leaves what was there, and nothing else`() async throws {
    let (model, path) = (try model(), folder.file("m.cairn"))
    try await model.save(to: path)
    let old = try Data(contentsOf: URL(filePath: path))
    try model.weights[0].assign(Tensor(zeros: .float32, shape: model.weights[0].shape))
    let barrier = Barrier()
    let saving = Task { try await model.save(to: path) { _ in barrier.pass() } }
    await barrier.isReached()
    saving.cancel()
    barrier.release()
    await #expect(throws: CancellationError.self) { try await saving.value }
    #expect(try Data(contentsOf: URL(filePath: path)) == old)
    #expect(try folder.names() == ["m.cairn"])
  }

  @Test(arguments: [
    "x.safetensors", "x.npz", "x.gguf", "x.weights.h5", "x.safetensors.index.json", "x.index",
  ])
  func `Conversions of all kinds can be cancelled`(name: String) async throws {
    var tensors = NamedTensors()
    for number in 0..<4 {
      let name = "t\(number)"
      try tensors.add(Tensor(zeros: .float32, shape: [1 << 20]), named: TensorName(name))
    }
    let (path, barrier, source) = (folder.file(name), Barrier(), tensors)
    let writing = Task { try await source.write(to: path) { _ in barrier.pass() } }
    await barrier.isReached()
    writing.cancel()
    barrier.release()
    await #expect(throws: CancellationError.self) { try await writing.value }
    #expect(try folder.names().isEmpty)
  }

  @Test func `Verifying and comparing can be cancelled`() async throws {
    let path = folder.file("m.cairn")
    try await model().save(to: path)
    let file = try await CheckpointFile.open(path)
    let works: [@Sendable (Barrier) async throws -> Void] = [
      { barrier in try await file.verify(.deep) { _ in barrier.pass() } },
      { barrier in _ = try await compare(file, file) { _ in barrier.pass() } },
      { barrier in _ = try await Salvage(path: path) { _ in barrier.pass() } },
    ]
    for work in works {
      let barrier = Barrier()
      let task = Task { try await work(barrier) }
      await barrier.isReached()
      task.cancel()
      barrier.release()
      await #expect(throws: CancellationError.self) { try await task.value }
    }
  }

  @Test func `A task that was cancelled before begins nothing`() async throws {
    let (model, path) = (try model(), folder.file("m.cairn"))
    let source = try NamedTensors(["a": Tensor([Float(1)])])
    let works: [@Sendable () async throws -> Void] = [
      { try await model.save(to: path) }, { _ = try await Model.load(from: path) },
      { _ = try await model.deepCopy() }, { _ = try await NamedTensors(contentsOf: path) },
      { try await model.loadWeights(from: path) }, { _ = try await compare(source, source) },
      { _ = try await CheckpointFile.open(path) }, { try await source.write(to: path) },
    ]
    for work in works {
      let task = Task {
        while !Task.isCancelled { await Task.yield() }
        try await work()
      }
      task.cancel()
      await #expect(throws: CancellationError.self) { try await task.value }
    }
    #expect(try folder.names().isEmpty)
  }

  @Test func `A progress handler may throw any error`() async throws {
    struct Enough: Error, Equatable {}
    let (model, path) = (try model(), folder.file("m.cairn"))
    await #expect(throws: Enough()) { try await model.save(to: path) { _ in throw Enough() } }
    let refusal = CairnError(.invalidArgument, "no")
    let own = await #expect(throws: CairnError.self) {
      try await model.save(to: path) { _ in throw refusal }
    }
    #expect(own?.code == .invalidArgument)
    func synchronously(_ body: @escaping ProgressHandler) -> CairnError? {
      #expect(throws: CairnError.self) { try model.save(to: path, progress: body) }
    }
    let error = synchronously { _ in throw Enough() }
    #expect(error?.code == .interrupted && error?.cause is Enough)
    let cancelled = Task {
      while !Task.isCancelled { await Task.yield() }
      return synchronously { _ in try Task.checkCancellation() }
    }
    cancelled.cancel()
    #expect(await cancelled.value?.cause is CancellationError)
    #expect(try folder.names().isEmpty)
  }

  /// Saves that stand still, more than Swift's pool has threads: were they on it, no task could run.
  @Test func `The pool of tasks stays free`() async throws {
    let model = try Sequential([InputLayer(shape: [2]), Dense(2)])
    let count = 2 * ProcessInfo.processInfo.activeProcessorCount + 2
    let barriers = (0..<count).map { _ in Barrier() }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (number, barrier) in barriers.enumerated() {
        let path = folder.file("\(number).cairn")
        group.addTask { try await model.save(to: path) { _ in barrier.pass() } }
      }
      for barrier in barriers { await barrier.isReached() }
      for barrier in barriers { barrier.release() }
      try await group.waitForAll()
    }
    #expect(try folder.names().count == count)
  }
}
