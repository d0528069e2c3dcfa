"""What the pages share.

frame       page.py (navigation, links), tries.py (things to try), terms.py (words explained), links.py (what a link
            asks for in vain)
choosing    picture_bar.py (which picture), networks/ (which network; and those that are not here)
showing     widgets.py, charts.py, live.py (the camera), plane/ (where pictures lie by what a network says of them),
            components/ (what follows the pointer: plain JavaScript)
memory      state.py (what the session remembers), menus.py (what stands in menus), cached.py (what was computed)
working     jobs.py (what runs beside the page), undisturbed.py (what a click does, done whole)
server/     which pages it has, and its projects
visitor.py: whose browser it is, and whether it may name files of the server
"""
