"""The app's pages; the only importer of Streamlit and Plotly.

    pages/N_….py → a room a page: convolution/, filters/, maps/, predict/, studio/, scratch/ → shared/ → the library
A page imports its own room and shared/, never another's. What is served passes serving/ first.
"""
