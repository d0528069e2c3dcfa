"""Serves test_network_drawing.py: two drawings, one of them in a fragment, and what they have told."""

import streamlit as st

from visionlab.network.running.classifier import Layer
from visionlab.network.zoo.torchvision_nets import LAYER_KINDS
from visionlab.network.zoo.vgg import VGG16, scaled_plan
from visionlab.network.zoo.vgg_layers import vgg_layers
from visionlab.ui.shared.components.network_drawing import Drawn, network_drawing

SHORT = ("pool5", "avgpool", "head", "prob")


def block_of(layer: Layer) -> str:
    return f"Block {layer.name[4]}" if layer.receptive_field else "Classifier"


def drawn(layers: tuple[Layer, ...]) -> list[Drawn]:
    return [
        Drawn(
            layer.name,
            layer.kind,
            block_of(layer),
            layer.shape,
            f"{layer.name} · {' × '.join(map(str, layer.shape))} · {layer.parameters:,} parameters",
        )
        for layer in layers
    ]


def every_kind() -> list[Drawn]:
    """A network of one layer of each kind that there is."""
    kinds = dict.fromkeys([*(kind for _, kind in LAYER_KINDS if kind), "softmax"])
    return [Drawn(kind, kind, "All", (8, 4, 4), f"{kind} · a kind") for kind in kinds]


NETWORKS = {
    "kinds": every_kind(),
    "vgg16": drawn(vgg_layers(VGG16, 224)),
    "half": drawn(vgg_layers(scaled_plan(0.5, (1024, 1024), 202), 224)),
    "bold": [Drawn("<b>a</b>", "conv", "<i>Block</i>", (8, 4, 4), "<b>a</b> & <i>facts</i>")],
}

st.set_page_config(layout="wide")
told = st.session_state.setdefault("told", [])


def heard(name: str) -> None:
    told.append(name)
    st.session_state.layer = name


def refuse(name: str) -> None:
    told.append(f"refused {name}")


@st.fragment
def second() -> None:
    network_drawing(NETWORKS["half"], chosen="pool1", key="second", on_choose=refuse)
    st.text(f"second told {told}")


network = NETWORKS[st.query_params.get("network", "vgg16")]
network_drawing(network, chosen=st.session_state.get("layer", "conv3_1"), key="first", on_choose=heard)
st.text(f"first told {told}")
if st.button("The server chooses"):
    st.session_state.layer = "fc7"
    st.rerun()
second()
