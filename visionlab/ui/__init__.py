"""What the app shows, with Streamlit and Plotly, which the library does not know.

Each of pages/N_….py has a room: convolution/, filters/, maps/, predict/, studio/, scratch/. It imports that and
shared/, never another's. What is served passes serving/ first.
"""
