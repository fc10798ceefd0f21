"""What kind of text and page it is."""
