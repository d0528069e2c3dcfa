"""What the pages share.

page.py (frame, navigation, PAGES) and picture_bar.py (which picture), networks.py (which network) and downloads.py,
terms.py (words explained), tries.py (things to try), widgets.py, charts.py and components/ (what follows the pointer
without the server: plain JavaScript).
state.py is what the session remembers, cached.py what was computed, jobs.py what runs beside the page, store.py the
projects of this server, visitor.py whose browser it is, and whether it may name the server's files.
"""
