// Whether Swift's tasks run on while a save is under way, and how soon a save that is cancelled ends.

import Cairn

enum Ticker {
  /// Between two ticks, if nothing holds them up.
  private static let period = Duration.milliseconds(2)

  /// Noise in tensors of 60 MB, `byteCount` in all.
  static func noise(_ byteCount: Int) throws(CairnError) -> NamedTensors {
    var tensors = NamedTensors()
    var state: UInt32 = 1
    let values = (0..<15_000_000).map { _ -> Float in
      state = state &* 1_664_525 &+ 1_013_904_223
      return Float(state >> 8) / 8_388_608 - 1
    }
    let tensor = try Tensor(values)
    for number in 0..<max(1, byteCount / tensor.byteCount) {
      let name = "noise.\(number)"
      try tensors.add(tensor.copied(), named: TensorName(name))
    }
    return tensors
  }

  /// The longest gap between ticks without work; that beside a save, and how long the save took; how long
  /// a save goes on that is cancelled after a tenth of a second. In seconds.
  static func run(_ command: Command) async throws -> JSONObject {
    let tensors = try noise(command.int("bytes"))
    let (path, options) = (try command.string("path"), try command.writeOptions())
    let clock = ContinuousClock()
    let idle = try await ticking { try await Task.sleep(for: .seconds(1)) }
    let save = try await ticking { _ = try await tensors.write(to: path, options: options) }
    let stopped = Task { try await tensors.write(to: path, options: options) }
    try await Task.sleep(for: .milliseconds(100))
    let start = clock.now
    stopped.cancel()
    if case .success = await stopped.result {
      throw CairnError(.invalidArgument, "the save was over before it was cancelled")
    }
    let ending = clock.now - start
    return [
      "idle_gap": .double(idle.gap.seconds), "gap": .double(save.gap.seconds),
      "seconds": .double(save.elapsed.seconds), "cancelled": .double(ending.seconds),
    ]
  }

  /// Runs `body` beside a task that ticks.
  private static func ticking(
    _ body: () async throws -> Void
  ) async throws -> (elapsed: Duration, gap: Duration) {
    let clock = ContinuousClock()
    let ticker = Task {
      var (last, longest) = (clock.now, Duration.zero)
      while !Task.isCancelled {
        try? await Task.sleep(for: period)
        let now = clock.now
        longest = max(longest, now - last)
        last = now
      }
      return longest
    }
    let start = clock.now
    try await body()
    let elapsed = clock.now - start
    ticker.cancel()
    return (elapsed, await ticker.value)
  }
}

extension Duration {
  fileprivate var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}
