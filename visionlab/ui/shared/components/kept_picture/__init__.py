"""A picture that the browser keeps, for other components to show by its digest.

What a component is given is sent whenever anything about it changes, a large picture, too. Kept by itself, it is sent
once: of a message that has not changed, Streamlit sends the name alone.
"""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

import streamlit as st

FOLDER = Path(__file__).parent

_keep = st.components.v2.component("visionlab_kept_picture", js=(FOLDER / "kept_picture.js").read_text())


def keep_picture(picture: bytes, key: str, name: str | None = None) -> str:
    """Have the browser keep an encoded picture (JPEG or PNG); the name by which components ask for it.

    That is its digest, unless it is to have another name of sixteen hexadecimal digits, such as the digest of what it
    is made of. They do so with the function kept() of WAIT_FOR_PICTURE, a piece of JavaScript to go before their own.
    """
    name = name or digest_of(picture)
    with st.container(key=f"unseen-{key}"):
        _keep(key=key, data=name.encode() + picture)
    return name


def digest_of(picture: bytes) -> str:
    """Sixteen hexadecimal digits that differ wherever pictures do."""
    return blake2b(picture, digest_size=8).hexdigest()


WAIT_FOR_PICTURE = """
// Calls use(address) with the address of the picture of that digest, as soon as it has come.
function kept(digest, use) {
  const address = window.visionlabPictures?.get(digest);
  if (address) use(address);
  else window.addEventListener("visionlab-picture", () => kept(digest, use), { once: true });
}
"""
