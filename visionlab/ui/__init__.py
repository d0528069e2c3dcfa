"""What the pages share. The only importer of streamlit and plotly."""
