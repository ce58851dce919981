"""The tools that talk to servers, and stand in for them."""
