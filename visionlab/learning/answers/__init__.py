"""Very many pictures at once: many.py asks a network about those of folders and zips, first_words.py grades its answers
by the words that the pictures' names give, filtering.py puts a zip through a chain of filters; folders.py finds the
pictures in a folder."""
