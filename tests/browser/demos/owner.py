"""Serves test_owner.py: its page, behind what every request to the app has to pass."""

import streamlit as st

from visionlab.ui.serving.middleware import MIDDLEWARE

app = st.App("owner_page.py", middleware=MIDDLEWARE)
