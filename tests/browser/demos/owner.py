"""Serves tests/browser/test_owner.py: by what text this browser is known."""

import streamlit as st

from visionlab.ui.components.owner import owner
from visionlab.ui.page import page

with page("Fine-tune"):
    st.text("above")
    st.text(f"owner {owner()}")
    st.text("below")
    st.button("Run again")
