"""What stands on a page, read out of its bytes."""
