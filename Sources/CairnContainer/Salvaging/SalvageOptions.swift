// How a damaged file is salvaged.

public import CairnCheckpoints

/// The choices of the code that salvages a file.
public struct SalvageOptions: Sendable {
  /// How the file's bytes are reached, the threads that decode, and upper bounds.
  public var reading = ReadOptions()
  /// Whether a tensor of which some blocks are damaged, but not all, is kept with zeros in their
  /// place. It is named among the losses all the same.
  public var keepsPartialTensors = false
  /// The bytes that such zeros may be in all; without a number, 64 times the file's size and 64 MiB.
  /// A tensor that needs more is lost whole.
  public var zeroBudget: Int?

  /// The defaults.
  public init() {}
}
