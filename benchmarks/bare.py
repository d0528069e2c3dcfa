"""A page of Streamlit with nothing of ours: what pages of the app are compared with."""

import streamlit as st

st.title("A bare page")
st.write("A heading and a line.")
