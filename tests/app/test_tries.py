"""The things that pages offer to try: each sets its page up, says what to notice, and can be followed by another."""

import pytest


@pytest.mark.parametrize("title", ["Home", "Convolution", "Filters", "Feature maps", "Predict", "From scratch"])
def test_each_thing_to_try_sets_its_page_up_and_says_what_to_notice(open_page, title):
    app = open_page(title)
    offered = [button.label for button in app.button if (button.key or "").startswith("try-")]
    assert 3 <= len(offered) <= 4
    for label in offered:
        key = next(button.key for button in app.button if (button.key or "").endswith(f"-{label}"))
        app.button(key=key).click().run()
        assert not app.exception
        named = label if label.endswith("?") else f"{label}."
        assert [each.value for each in app.markdown if f"**{named}**" in each.value]
        assert {button.label for button in app.button} >= set(offered), "the others are still to be had"
