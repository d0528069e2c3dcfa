"""What stands between the network and the pages: middleware.py, which streamlit_app.py puts in front of them."""
