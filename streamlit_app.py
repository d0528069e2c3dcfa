"""What `streamlit run` serves: the pages, and in front of them what every request has to pass."""

import streamlit as st

from visionlab.ui.serving.answers import keep_answers, mind_requests
from visionlab.ui.serving.middleware import MIDDLEWARE
from visionlab.ui.serving.settings import tell_settings
from visionlab.ui.serving.sockets import log_in_lines

tell_settings()
keep_answers()
mind_requests()
log_in_lines()
app = st.App("home.py", middleware=MIDDLEWARE)
