"""Which pages there are. A server looks at this when it starts: it imports nothing that takes time."""

from __future__ import annotations

from dataclasses import dataclass

from visionlab import limits

SIDEBAR = 220  # CSS pixels: the navigation is short, the pictures want the room


@dataclass(frozen=True)
class Page:
    """One page: its script, its title, its icon, its group in the navigation, and a sentence on what one does there.

    heading is what stands over the page where that is not its title; step, what its link calls the step that one is at.
    """

    script: str
    title: str
    icon: str
    group: str
    about: str
    heading: str = ""
    step: str = ""

    @property
    def headline(self) -> str:
        """What stands over the page."""
        return self.heading or self.title

    @property
    def tab(self) -> str:
        """What the browser calls it."""
        return f"{self.headline} · visionlab"


PAGES: dict[str, Page] = {
    page.title: page
    for page in (
        Page(
            "home.py",
            "Home",
            ":material/home:",
            "",
            "Follow a picture’s numbers through a convolution and a network’s layers to a prediction and its reasons.",
            heading="See how a computer sees",
        ),
        Page(
            "pages/1_Convolution.py",
            "Convolution",
            ":material/grid_on:",
            "See",
            "Slide a small grid of weights over your picture, and see what it responds to.",
        ),
        Page(
            "pages/2_Filters.py",
            "Filters",
            ":material/auto_fix_high:",
            "See",
            "Blur, sharpen, find edges, threshold: classic filters, one after the other, each with its sliders.",
        ),
        Page(
            "pages/3_Feature_maps.py",
            "Feature maps",
            ":material/layers:",
            "Understand",
            "Open every layer of a network, and see what each of its channels finds in your picture.",
        ),
        Page(
            "pages/4_Predict.py",
            "Predict",
            ":material/visibility:",
            "Understand",
            "What does the network take your picture for, and which parts of it made up its mind?",
        ),
        Page(
            "pages/5_Fine_tune.py",
            "Fine-tune",
            ":material/school:",
            "Make",
            "Teach the network your own classes with a few pictures of each, and take the result away.",
            step="step",
        ),
        Page(
            "pages/6_From_scratch.py",
            "From scratch",
            ":material/science:",
            "Make",
            "Small networks, trained from nothing before your eyes, and what each of them teaches.",
            step="experiment",
        ),
    )
}


def is_off(title: str) -> bool:
    """Whether the operator switched the page of that title off."""
    return title in limits.pages_off((title,))
