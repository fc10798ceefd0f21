"""The stages: their loops, their failure policy, and the supervisor."""
