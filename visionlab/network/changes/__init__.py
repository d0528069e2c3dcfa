"""Pictures that are changed to see what a network makes of it: erasing.py (a part is rubbed out, by hand or as a heat
map has it), adversarial.py (so little that nobody sees it, yet the answer is another), surviving.py (whether such a
change outlives what happens to pictures)."""
