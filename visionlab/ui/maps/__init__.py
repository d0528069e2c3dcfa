"""The Feature maps page: settings.py (which network, size and pictures) → look.py (one picture in it) → layer_view.py,
as display.py says, layer_table.py → channel_view.py, channel_table.py → unit_view.py (its sum), unit_pictures.py;
live.py is the same of the camera, wanted.py what a channel or unit looks for, things_to_try.py what is offered.
state.py remembers where one looks, caches.py what was computed."""
