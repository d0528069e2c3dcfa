"""The Feature maps page: look.py (which network, picture and size) → layer_view.py, layer_table.py → channel_view.py →
unit_view.py; wanted.py is what a channel looks for, things_to_try.py what is offered. state.py remembers where one
looks, caches.py what was computed."""
