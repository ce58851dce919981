"""The command line `duologue-registry`: `cli` and its groups say what there is, and load the others when asked."""
