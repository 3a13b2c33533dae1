// The umbrella: one import for everything that a user of the library needs.

@_exported public import CairnCheckpoints
@_exported public import CairnComparison
@_exported public import CairnFormat
@_exported public import CairnInterchange
@_exported public import CairnJSON
@_exported public import CairnModels
@_exported public import CairnSystem
@_exported public import CairnTensors
