// Salvaging: whatever is recovered of a file can be read and written.

import Cairn

/// The most bytes of tensors that are read and written anew.
private let mostRewritten = 8 << 20

private func check(_ bytes: [UInt8]) throws(CairnError) {
  var options = SalvageOptions()
  options.reading = .fuzzing(bytes)
  options.keepsPartialTensors = bytes.count % 2 == 1
  options.zeroBudget = 1 << 20
  let salvage = try Salvage(source(bytes), options: options)
  var total = 0
  for index in 0..<salvage.recovered.count {
    let entry = promised("a recovered entry") { () throws(CairnError) in
      try salvage.recovered.entry(at: index)
    }
    guard (0..<salvage.recovered.count).contains(entry.position) else {
      fail("a position out of range")
    }
    total += min(entry.byteCount, mostRewritten)
  }
  for loss in salvage.losses where "\(loss)".isEmpty { fail("a loss without words") }
  if salvage.isEmpty, salvage.recovered.count > 0 {
    fail("nothing was recovered, and tensors were")
  }
  if total <= mostRewritten { checkRecovered(salvage) }
  stopMetering()
  checkAgainstContainer(salvage, bytes, isSmall: total <= mostRewritten)
}

/// What was recovered can be read in full, and written it is a valid file of the same content.
private func checkRecovered(_ salvage: Salvage) {
  let tensors = promised("what was recovered can be read") { () throws(CairnError) in
    try NamedTensors(reading: salvage.recovered)
  }
  stopMetering()
  let written = promised("what was recovered can be written") { () throws(CairnError) in
    let container = try Container(Container.encode(tensors, options: .fuzzing))
    _ = try container.verify(.deep)
    return container
  }
  expectSame(salvage.recovered, written, "what was recovered, written")
}

/// Of a file that verifies, everything is recovered and nothing lost.
private func checkAgainstContainer(_ salvage: Salvage, _ bytes: [UInt8], isSmall: Bool) {
  guard let memory = try? MemoryBytes(bytes), let container = try? Container(memory),
    (try? container.verify(.deep)) != nil
  else { return }
  if let loss = salvage.losses.first { fail("a valid file has lost \(loss)") }
  if isSmall { expectSame(container, salvage.recovered, "a valid file, salvaged") }
}

extension FuzzTarget {
  static let salvage = FuzzTarget("salvage", changed: containerMutator(), check)
}
