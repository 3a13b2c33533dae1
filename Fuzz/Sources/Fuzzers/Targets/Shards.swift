// The index of a sharded checkpoint: opened with its shards, read, checked, converted. An input is the
// index; `one.safetensors` has the tensors a and b, `two.safetensors` c.w and d.w, a second name of c.w.

import Cairn

private func shard(
  _ names: [TensorName], _ metadata: Metadata = Metadata(),
  alias: (name: TensorName, owner: TensorName)? = nil
) -> [UInt8] {
  promised("a shard") { () throws(CairnError) in
    var tensors = NamedTensors()
    for name in names { try tensors.add(Tensor([Float(1), 2]), named: name) }
    if let alias { try tensors.addAlias(alias.name, of: alias.owner) }
    tensors.metadata = metadata
    return try tensors.encoded(as: .safetensors).array
  }
}

private let one = shard(["a", "b"], Metadata([("format", .string("pt"))]))
private let two = shard(
  ["c.w"], Metadata([("d.w", .string("c.w")), ("format", .string("tf"))]), alias: ("d.w", "c.w"))

private func check(_ bytes: [UInt8]) throws(CairnError) {
  _ = companion("one.safetensors", one)
  _ = companion("two.safetensors", two)
  try checkCheckpoint(at: companion("x.index.json", bytes), .sharded, bytes)
}

extension FuzzTarget {
  static let shards = FuzzTarget("shards", check)
}
