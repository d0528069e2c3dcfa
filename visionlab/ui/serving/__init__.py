"""What stands between the network and the pages: middleware.py, which streamlit_app.py puts in front of them, and
memory.py, which gives back what is free."""
