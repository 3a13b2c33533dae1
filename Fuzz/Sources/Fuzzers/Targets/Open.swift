// Opening and verifying a whole file, and what a file that verifies promises.

import Cairn
import Forge

private func check(_ bytes: [UInt8]) throws(CairnError) {
  let container = try Container(source(bytes), options: .fuzzing(bytes))
  let refused = refusal { () throws(CairnError) in _ = try container.verify(.structure) }
  let refusedDeep = refusal { () throws(CairnError) in _ = try container.verify(.deep) }
  stopMetering()
  if let refused {
    if refusedDeep?.description != refused.description {
      fail("the levels of verification disagree: \(refused)")
    }
    return
  }
  // The forge's own check: there is nothing to repair, and laid out anew it is what it was.
  if ContainerForge.repairingChecksums(bytes) != bytes { fail("the forge repairs a valid file") }
  if ForgedLayout(bytes)?.bytes() != bytes { fail("the forge lays a valid file out differently") }
  if refusedDeep == nil { checkValid(container) }
}

/// A file that verifies deep can be read in full, and written anew it is the same checkpoint.
private func checkValid(_ container: Container) {
  let what = "a valid file"
  let tensors = promised(what) { () throws(CairnError) in try NamedTensors(reading: container) }
  expectSame(container, tensors, what)
  let written = promised(what) { () throws(CairnError) in
    let copy = try Container(Container.encode(tensors, options: .fuzzing))
    _ = try copy.verify(.deep)
    return copy
  }
  expectSame(container, written, "a file written anew")
  if let root = container.root, root != written.root { fail("written anew, another root digest") }
}

extension FuzzTarget {
  static let open = FuzzTarget("open", changed: containerMutator(), check)
}
