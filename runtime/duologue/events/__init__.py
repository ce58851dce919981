"""Events: published on one side, subscribed to on the other."""
