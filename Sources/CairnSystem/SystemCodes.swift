// The codes that this storey adds to `CairnError`: what the platform refused.

extension CairnError.Code {
  /// A path names nothing.
  public static let notFound = Self("notFound")
  /// The user lacks the permission that the operation needs.
  public static let permissionDenied = Self("permissionDenied")
  /// A path names a folder, a device, a socket or a pipe where a regular file is needed.
  public static let notARegularFile = Self("notARegularFile")
  /// The target exists and was not to be replaced.
  public static let alreadyExists = Self("alreadyExists")
  /// The device is full or the quota is used up.
  public static let noSpace = Self("noSpace")
  /// Reading or writing failed for another reason of the system.
  public static let inputOutput = Self("inputOutput")
  /// A file became shorter or was changed while it was being read.
  public static let changedWhileReading = Self("changedWhileReading")
  /// The system had no memory left to give.
  public static let outOfMemory = Self("outOfMemory")
  /// An input asks for more memory than the caller allows.
  public static let overBudget = Self("overBudget")
  /// An argument of the caller does not fit: a range, a count, a size.
  public static let invalidArgument = Self("invalidArgument")
  /// The work was stopped from outside.
  public static let interrupted = Self("interrupted")
}
