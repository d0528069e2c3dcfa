"""The networks that this project trained: their pictures, their training, their files."""
