// Comparing models, opened files and dictionaries.

public import CairnCheckpoints
public import CairnComparison
public import CairnModels
public import CairnSystem
public import CairnTensors

/// Compares all state of two models, as ``compare(_:_:options:progress:)`` of two sources does.
///
/// - Throws: what reading the models' state throws; a difference is no error.
public func compare(
  _ left: Model, _ right: Model, options: ComparisonOptions = ComparisonOptions()
) throws(CairnError) -> ComparisonReport {
  try compare(ModelTensors(left), ModelTensors(right), options: options)
}

/// Compares two opened checkpoints, of the same format or not.
///
/// - Throws: what reading the files throws; a difference is no error.
public func compare(
  _ left: CheckpointFile, _ right: CheckpointFile,
  options: ComparisonOptions = ComparisonOptions(),
  progress: ProgressHandler = { _ in }
) throws(CairnError) -> ComparisonReport {
  try compare(left.source, right.source, options: options, progress: progress)
}

/// Compares the tensors of two dictionaries, matched by the bytes of their names.
///
/// - Throws: as ``compare(_:_:options:progress:)`` of two sources; a difference is no error.
public func compare(
  _ left: [TensorName: Tensor], _ right: [TensorName: Tensor],
  options: ComparisonOptions = ComparisonOptions()
) throws(CairnError) -> ComparisonReport {
  try compare(
    NamedTensors(left.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }),
    NamedTensors(right.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }), options: options)
}
