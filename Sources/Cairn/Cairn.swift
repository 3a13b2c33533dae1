// The umbrella: one import for everything that a user of the library needs.

@_exported public import CairnCheckpoints
@_exported public import CairnModelFiles
@_exported public import CairnComparison
@_exported public import CairnContainer
@_exported public import CairnEditing
@_exported public import CairnForeign
@_exported public import CairnJSON
@_exported public import CairnModels
@_exported public import CairnSystem
@_exported public import CairnTensors
