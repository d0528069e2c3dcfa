"""Networks trained from nothing, side by side."""

import streamlit as st

from visionlab.ui.page import page

with page("From scratch"):
    st.info(
        "Here you will train small networks on digits and tiny pictures, and watch their filters come to be.",
        icon=":material/science:",
    )
