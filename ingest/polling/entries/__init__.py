"""What is new in a feed document."""
