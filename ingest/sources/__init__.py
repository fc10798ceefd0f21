"""Sources: code that understands one feed format each."""
