"""Each field of a document, chosen among what page and feed say."""
