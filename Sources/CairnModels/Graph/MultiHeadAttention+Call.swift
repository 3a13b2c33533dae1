// Attention with several heads in a graph: its arguments have names.

public import CairnSystem

extension MultiHeadAttention {
  /// Attention in a graph.
  ///
  /// - Throws: as ``Layer/callAsFunction(arguments:)``.
  public func callAsFunction(
    query: SymbolicTensor, value: SymbolicTensor, key: SymbolicTensor? = nil,
    usesCausalMask: Bool = false
  ) throws(CairnError) -> SymbolicTensor {
    var call = CallArguments<SymbolicTensor>([.tensor(query), .tensor(value)])
    if let key { call.named.append(("key", .tensor(key))) }
    if usesCausalMask { call.named.append(("use_causal_mask", .value(true))) }
    return try callAsFunction(arguments: call)[0]
  }
}
