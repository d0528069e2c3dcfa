"""By what text this browser is known, for test_owner.py."""

import streamlit as st

from visionlab.ui.shared.page import page
from visionlab.ui.shared.visitor import owner

with page("Fine-tune"):
    st.text(f"owner {owner()}")
    st.button("Run again")
