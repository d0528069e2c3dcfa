"""What stands between the network and the pages, put there by streamlit_app.py: middleware.py, which every request
passes; opening.py, what comes with a page when it is opened; answers.py, by which no answer is lost; memory.py, which
gives back what is free; sockets.py, which answers what comes by a WebSocket and is no page's; and settings.py, which
tells the operator what is set wrongly."""
