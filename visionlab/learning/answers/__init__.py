"""What a network answers to very many pictures: many.py takes folders and zips, first_words.py grades the answers by
the words that the pictures' names give."""
