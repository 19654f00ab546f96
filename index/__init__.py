"""From documents to passages: load, chunk, encode, keep in generations, search."""
