"""What is said: the protocol as a state machine, without I/O."""
