"""Serves the demo that VISIONLAB_DEMO names as Streamlit does, and at /blank in a page without Streamlit."""

import os

import streamlit as st
from browser.blank import ROUTE

app = st.App(os.environ["VISIONLAB_DEMO"], routes=[ROUTE])
