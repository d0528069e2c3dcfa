"""Serves tests/browser/test_owner.py: by what text this browser is known."""

import streamlit as st

from visionlab.ui.shared.components.owner import owner
from visionlab.ui.shared.page import page

with page("Fine-tune"):
    st.text("above")
    st.text(f"owner {owner()}")
    st.text("below")
    st.button("Run again")
