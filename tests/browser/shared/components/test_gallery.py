"""The gallery in a real browser: selecting, moving, removing and opening, by pointer and by keys, each told once."""

import re
from collections.abc import Callable, Iterator

import pytest
from browser.demos.serving import serving
from browser.driver import open_blank, open_page, settle
from playwright.sync_api import Browser, Locator, Page, expect

from visionlab.ui.shared.components.gallery import FOLDER
from visionlab.ui.shared.components.outbox import OUTBOX

HOSTILE = '<img src=x onerror="window.hacked = true">'  # what some things of the demo are called


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    yield from serving("gallery.py")


def tiles(page: Page) -> Locator:
    return page.get_by_role("listbox", name="Pictures").get_by_role("option")


def tile(page: Page, name: str) -> Locator:
    return page.get_by_role("option", name=re.compile(rf"^{re.escape(name)}(,|$)"))


def chip(page: Page, name: str) -> Locator:
    return page.get_by_role("group", name="Move what is selected to").get_by_role("button", name=name)


def opened(page: Page, address: str = "", opening: Callable[[Page, str], None] = open_blank) -> None:
    opening(page, address)
    expect(tiles(page)).to_have_count(20)
    page.wait_for_function(
        "() => [...document.querySelector('.st-key-gallery [data-testid=stBidiComponentIsolated]').shadowRoot"
        ".querySelectorAll('.tile img')].every((image) => image.complete && image.naturalWidth === 160)"
    )


def show(page: Page, which: str, count: int) -> None:
    page.get_by_text(which, exact=True).click()
    expect(tiles(page)).to_have_count(count)
    settle(page)


def selected(page: Page, *names: str) -> None:
    chosen = page.locator(".tile[aria-selected=true]")
    expect(chosen).to_have_count(len(names))
    assert chosen.evaluate_all("(all) => all.map((tile) => tile.title)") == list(names)


def told(page: Page, *events: str) -> None:
    expect(page.get_by_text(re.compile("^told "))).to_have_text(f"told {list(events)}")
    expect(page.get_by_text(f"run {len(events)} ended")).to_be_visible()


def said(page: Page, text: str) -> None:
    expect(page.locator(".gallery [aria-live=polite]")).to_have_text(text)


HEAR = """live => {
    window.heard = [];
    new MutationObserver(() => window.heard.push(live.textContent)).observe(live, { childList: true, subtree: true });
}"""  # what was said, also where something else is said a moment later


def focused(page: Page) -> str:
    return page.evaluate("() => document.activeElement.shadowRoot.activeElement.title")


def middle(place: Locator) -> tuple[float, float]:
    box = place.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Page, what: Locator, to: Locator) -> None:
    page.mouse.move(*middle(what))
    page.mouse.down()
    page.mouse.move(*middle(to), steps=5)


def test_selecting_by_pointer(page: Page):
    opened(page)
    tile(page, "picture 2").click()
    selected(page, "picture 2")
    tile(page, "picture 8").click()
    selected(page, "picture 8")
    tile(page, "picture 1").click(modifiers=["ControlOrMeta"])
    selected(page, "picture 1", "picture 8")
    tile(page, "picture 8").click(modifiers=["ControlOrMeta"])
    selected(page, "picture 1")
    tile(page, "picture 1").click()
    tile(page, HOSTILE).click(modifiers=["Shift"])
    selected(page, "picture 1", "picture 2", "stubborn", HOSTILE)
    tile(page, "picture 0").click(modifiers=["Shift"])  # from where it began, the other way
    selected(page, "picture 0", "picture 1")
    expect(page.locator(".count")).to_have_text("2 of 20 selected.")
    page.keyboard.press("Escape")
    selected(page)
    expect(page.locator(".count")).to_have_text("")
    tile(page, "picture 2").dblclick()
    told(page, "opened id2")  # and nothing before


def test_dragging_onto_a_class(page: Page):
    opened(page, opening=open_page)
    tile(page, "picture 0").click()
    tile(page, "picture 2").click(modifiers=["ControlOrMeta"])
    drag(page, tile(page, "picture 2"), chip(page, "dogs"))
    expect(page.locator(".ghost")).to_be_visible()
    expect(page.locator(".many")).to_have_text("2")
    expect(chip(page, "dogs")).to_have_class("over")
    page.mouse.up()
    expect(page.locator(".ghost")).to_be_hidden()
    expect(page.locator(".over")).to_have_count(0)
    expect(tiles(page)).to_have_count(18)
    said(page, "2 pictures moved to dogs")
    told(page, "id0+id2 to 1")
    drag(page, tile(page, "picture 10"), chip(page, "dogs"))  # what is not selected is dragged alone
    page.mouse.up()
    told(page, "id0+id2 to 1", "id10 to 1")
    show(page, "class 1", 23)
    assert tile(page, "picture 10").is_visible()


def test_a_drag_that_ends_elsewhere_moves_nothing(page: Page):
    opened(page)
    drag(page, tile(page, "picture 1"), page.get_by_role("heading", name="Fine-tune"))
    page.mouse.up()
    expect(page.locator(".ghost")).to_be_hidden()
    selected(page, "picture 1")
    drag(page, tile(page, "picture 1"), chip(page, "dogs"))
    page.keyboard.press("Escape")
    expect(page.locator(".ghost")).to_be_hidden()
    page.mouse.up()
    expect(tiles(page)).to_have_count(20)
    drag(page, tile(page, "picture 1"), chip(page, "cats"))
    page.mouse.up()
    said(page, "1 picture in cats already")
    tile(page, "picture 2").click()  # the click after a drag is one like any other
    selected(page, "picture 2")
    page.keyboard.press("Enter")
    told(page, "opened id2")  # and nothing before


def test_classes_are_buttons_too(page: Page):
    opened(page, opening=open_page)
    expect(chip(page, "dogs")).to_be_disabled()
    tile(page, "picture 5").click()
    expect(chip(page, "cats")).to_be_disabled()  # where it is already
    chip(page, "dogs").click()
    told(page, "id5 to 1")
    expect(chip(page, "dogs")).to_be_disabled()
    assert focused(page) == "picture 6"  # the one that has come into its place


def test_all_by_keyboard(page: Page):
    opened(page)
    expect(page.locator(".tile[tabindex='0']")).to_have_count(1)
    tile(page, "picture 0").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    columns = round(page.locator(".grid").bounding_box()["width"] // tile(page, "picture 0").bounding_box()["width"])
    assert focused(page) == f"picture {1 + columns}"
    page.keyboard.press("Space")
    selected(page, "picture 1", f"picture {1 + columns}")
    page.keyboard.press("1")
    said(page, "2 pictures in cats already")
    page.keyboard.press("2")
    said(page, "2 pictures moved to dogs")
    told(page, f"id1+id{1 + columns} to 1")
    page.keyboard.press("End")
    assert focused(page) == "picture 19"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Delete")  # without a selection, the picture at hand is meant
    said(page, "1 picture removed")
    assert focused(page) == "picture 18"
    page.keyboard.press("Home")
    page.keyboard.press("Shift+ArrowRight")
    selected(page, "picture 0", "picture 2")
    page.keyboard.press("Backspace")
    assert focused(page) == "stubborn"
    page.keyboard.press("Enter")
    done = [f"id1+id{1 + columns} to 1", "removed id19", "removed id0+id2", "opened id3"]
    told(page, *done)
    page.keyboard.press("ControlOrMeta+a")
    expect(page.locator(".count")).to_have_text("15 of 15 selected.")
    page.keyboard.press("4")  # there is no such class
    page.locator(".gallery [aria-live=polite]").evaluate(HEAR)
    page.keyboard.press("3")
    page.wait_for_function("text => window.heard.includes(text)", arg=f"15 pictures moved to {HOSTILE}")
    none_left = page.get_by_text("There are no pictures here.")
    expect(none_left.or_(tile(page, "stubborn")).filter(visible=True)).to_be_visible()  # it may be back already
    expect(page.get_by_text(re.compile(r" to 2'\]$"))).to_be_visible()
    expect(tiles(page)).to_have_count(1)
    said(page, "1 picture moved back")
    assert focused(page) == "stubborn"


def test_opening(page: Page):
    opened(page)
    tile(page, "picture 9").dblclick()
    told(page, "opened id9")
    page.keyboard.press("Enter")
    told(page, "opened id9", "opened id9")


def test_what_moves_shows_at_once_and_returns_where_the_server_refuses(page: Page):
    opened(page, "?slow=2")
    tile(page, "stubborn").click()
    tile(page, "picture 2").click(modifiers=["ControlOrMeta"])
    page.locator(".gallery").evaluate(
        """(gallery) => {  // what is there from the key on, before the server can have answered
            window.seen = [];
            const names = () => window.seen.push([...gallery.querySelectorAll(".tile")].map((tile) => tile.title));
            new MutationObserver(names).observe(gallery.querySelector(".grid"), { childList: true });
        }"""
    )
    page.keyboard.press("2")
    expect(tile(page, "stubborn")).to_be_visible()
    expect(tiles(page)).to_have_count(19)
    gone, back = page.evaluate("window.seen")
    assert "stubborn" not in gone
    assert "picture 2" not in gone
    assert len(gone) == 18
    assert back == [*gone[:2], "stubborn", *gone[2:]]  # in its own place
    said(page, "1 picture moved back")
    told(page, "id2+id3 to 1")


def test_in_view_of_all_classes_a_picture_stays_and_bears_its_class(page: Page):
    opened(page)
    show(page, "all", 60)
    expect(tile(page, "picture 30")).to_have_accessible_name("picture 30, dogs")
    tile(page, "picture 30").click()
    page.keyboard.press("1")
    expect(tile(page, "picture 30")).to_have_accessible_name("picture 30, cats")
    expect(tile(page, "picture 30").locator(".class")).to_have_text("cats")
    told(page, "id30 to 0")
    expect(tiles(page)).to_have_count(60)


def test_many_in_quick_succession_arrive_once_each_and_in_order(page: Page):
    opened(page, "?slow=1")
    tile(page, "picture 0").focus()
    names = [i for i in range(12) if i != 3]
    for _ in range(3):
        page.keyboard.press("2")
    page.keyboard.press("ArrowRight")  # stubborn stays where it is: past it
    expect(page.locator(".tile").first).to_have_attribute("title", "stubborn")
    for _ in range(8):
        page.keyboard.press("2")
    told(page, *(f"id{i} to 1" for i in names))
    expect(tiles(page)).to_have_count(9)


def test_moves_that_take_long_are_each_made_whole_and_once(page: Page):
    """Each event begins another run of the page while the one before is still at its move."""
    opened(page, "?long=1")
    tile(page, "picture 0").focus()
    for _ in range(3):
        page.keyboard.press("2")
    page.wait_for_function("() => runs.on")  # it is at the first move: what is told now comes in another message
    page.keyboard.press("ArrowRight")
    page.keyboard.press("2")
    told(page, *(f"id{i} to 1" for i in (0, 1, 2, 4)))
    expect(tiles(page)).to_have_count(16)
    show(page, "class 1", 24)


def relayed(page: Page, treat) -> None:
    """Have each message that holds events go through treat(message, send), and all others pass."""

    def relay(socket) -> None:
        beyond = socket.connect_to_server()

        def forward(message: bytes | str) -> None:
            if isinstance(message, bytes) and b'"event":"sent"' in message:
                treat(message, beyond.send)
            else:
                beyond.send(message)

        socket.on_message(forward)

    page.route_web_socket(re.compile("/_stcore/stream"), relay)


def test_an_event_that_arrives_twice_is_heard_once(page: Page):
    doubled: list[bytes] = []

    def twice(message: bytes, send) -> None:
        send(message)
        send(message)
        doubled.append(message)

    relayed(page, twice)
    opened(page)
    tile(page, "picture 1").dblclick()
    told(page, "opened id1")
    page.keyboard.press("Enter")
    told(page, "opened id1", "opened id1")
    assert len(doubled) == 2


def test_an_event_that_is_lost_is_sent_again(page_apart: Page):
    """The clock of the page is ours: ten seconds pass at once."""
    page = page_apart
    page.clock.install()
    lost: list[bytes] = []
    relayed(page, lambda message, send: send(message) if lost else lost.append(message))
    open_blank(page)
    expect(tiles(page)).to_have_count(20)
    tile(page, "picture 1").click()
    page.keyboard.press("2")
    expect(tiles(page)).to_have_count(19)
    while not lost:
        page.clock.run_for(100)
    page.clock.fast_forward(10_000)
    expect(page.get_by_text("told ['id1 to 1']")).to_be_visible()


def test_the_server_moves_one_itself(page: Page):
    opened(page)
    tile(page, "picture 0").click()
    tile(page, "picture 1").click(modifiers=["ControlOrMeta"])
    page.get_by_role("button", name="The server moves one").click()
    expect(tiles(page)).to_have_count(19)
    selected(page, "picture 1")


def test_what_goes_while_it_is_dragged(page: Page):
    opened(page, opening=open_page)
    drag(page, tile(page, "picture 0"), tile(page, "picture 8"))
    page.get_by_role("button", name="The server moves one").dispatch_event("click")
    expect(tiles(page)).to_have_count(19)
    page.mouse.move(*middle(chip(page, "dogs")))
    page.mouse.up()
    expect(page.locator(".ghost")).to_be_hidden()
    tile(page, "picture 2").dblclick()
    told(page, "opened id2")  # and nothing before
    expect(tiles(page)).to_have_count(19)


def test_another_view_and_a_disabled_one(page: Page):
    opened(page)
    tile(page, "picture 0").click()
    show(page, "class 2", 20)
    selected(page)
    show(page, "class 0", 20)
    page.get_by_text("Disabled", exact=True).click()
    expect(page.get_by_role("listbox")).to_have_accessible_description(re.compile("^Nothing can be moved"))
    tile(page, "picture 1").click()
    expect(chip(page, "dogs")).to_be_disabled()
    page.keyboard.press("2")
    page.keyboard.press("Delete")
    drag(page, tile(page, "picture 1"), chip(page, "dogs"))
    expect(page.locator(".ghost")).to_be_hidden()
    page.mouse.up()
    expect(tiles(page)).to_have_count(20)
    tile(page, "picture 1").dblclick()
    told(page, "opened id1")


def test_hostile_names_are_text(page: Page):
    opened(page)
    expect(tile(page, HOSTILE)).to_have_attribute("title", HOSTILE)
    expect(tile(page, "picture 6").locator(".badge")).to_have_text(HOSTILE)
    expect(page.locator(".chips .name").nth(2)).to_have_text(HOSTILE)
    tile(page, "picture 6").click()
    page.keyboard.press("3")
    said(page, f"1 picture moved to {HOSTILE}")
    show(page, "class 2", 21)
    show(page, "all", 60)
    expect(tile(page, "picture 6").locator(".class")).to_have_text(HOSTILE)
    expect(page.locator("img[onerror]")).to_have_count(0)
    assert page.evaluate("window.hacked") is None


def test_badges_and_marks(page: Page):
    opened(page)
    expect(tile(page, "picture 5")).to_have_accessible_name("picture 5, close call")
    expect(tile(page, "picture 5").locator(".badge")).to_have_text("close call")
    expect(tile(page, "picture 5")).not_to_have_class(re.compile("marked"))
    expect(tile(page, "picture 7")).to_have_accessible_name("picture 7, marked")
    expect(tile(page, "picture 7")).to_have_class(re.compile("marked"))


def test_pictures_are_fetched_once(page: Page):
    fetched: list[str] = []
    page.on(
        "request", lambda request: fetched.append(request.url) if re.search(r"/media/\w+\.jpg", request.url) else None
    )
    opened(page)
    tile(page, "picture 0").click()
    page.keyboard.press("2")
    told(page, "id0 to 1")
    page.get_by_role("button", name="The server moves one").click()
    settle(page)
    assert len(fetched) == len(set(fetched)) == 20


def test_the_classes_stay_in_sight(page: Page):
    page.set_viewport_size({"width": 800, "height": 700})
    opened(page)
    show(page, "all", 60)
    last = tile(page, "picture 59")
    last.focus()
    last.scroll_into_view_if_needed()
    drag(page, last, chip(page, "cats"))
    expect(chip(page, "cats")).to_be_in_viewport(ratio=1)
    page.mouse.up()
    told(page, "id59 to 0")
    assert page.evaluate("document.documentElement.scrollWidth") <= 800


def test_a_class_that_is_scrolled_out_of_its_row_takes_nothing(page: Page):
    opened(page, "?classes=90")
    row = page.locator(".chips").bounding_box()
    hidden = next(c for c in page.locator(".chips button").all() if c.bounding_box()["y"] > row["y"] + row["height"])
    drag(page, tile(page, "picture 0"), hidden)
    expect(page.locator(".ghost")).to_be_visible()
    page.mouse.up()
    drag(page, tile(page, "picture 0"), page.locator(".chips").get_by_role("button", name="class 3", exact=True))
    page.mouse.up()
    told(page, "id0 to 3")  # and nothing before


def test_fingers_tap(browser: Browser, server: str):
    """A tap adds to what is selected, and a tap on a class moves it."""
    context = browser.new_context(base_url=server, has_touch=True, viewport={"width": 800, "height": 1000})
    page = context.new_page()
    open_blank(page)
    tile(page, "picture 0").tap()
    tile(page, "picture 2").tap()
    selected(page, "picture 0", "picture 2")
    tile(page, "picture 0").tap()
    selected(page, "picture 2")
    chip(page, "dogs").tap()
    expect(page.get_by_text("told ['id2 to 1']")).to_be_visible()
    context.close()


@pytest.fixture(scope="module")
def in_browser(browser: Browser):
    page = browser.new_page()
    yield lambda script: page.evaluate(f"() => {{ {script} }}")
    page.close()


def test_the_outbox_sends_what_is_not_heard_yet(in_browser):
    assert in_browser(
        OUTBOX
        + """
        const sent = [];
        const tell = (name, { first, events }) => sent.push([first, events.join("")]);
        const outbox = new Outbox();
        outbox.hear(null, tell);
        outbox.put("a");
        outbox.put("b");
        outbox.hear([outbox.box, 1], tell);  // b has left already
        outbox.hear([0.5, 7], tell);  // another outbox's
        outbox.put("c");
        outbox.hear([outbox.box, 3], tell);
        const small = new Outbox(1);
        small.hear(undefined, tell);
        for (const event of "xyz") small.put(event);
        const heard = [small.hear([small.box, 1], tell), small.hear([small.box, 1], tell)];
        small.hear([small.box, 2], tell);
        return [sent, heard, outbox.waiting, small.waiting];
        """
    ) == [
        [[1, "a"], [1, "ab"], [2, "bc"], [1, "x"], [2, "y"], [3, "z"]],
        [["x"], []],
        [],
        ["z"],
    ]


def test_a_selection_follows_what_is_there(in_browser):
    assert in_browser(
        (FOLDER / "selection.js").read_text()
        + """
        const selection = new Selection();
        const seen = [];
        const note = () => seen.push([selection.at, selection.meant().join("")]);
        selection.hold([]);
        note();
        selection.hold([..."abcdef"]);
        note();
        selection.only("c");
        selection.reach("e");
        note();
        selection.hold([..."abdf"]);  // the one at hand, e, is gone, and f has come into its place
        note();
        selection.hold([..."ab"]);
        note();
        return [seen, ...["ArrowUp", "ArrowLeft", "x"].map((key) => selection.led(key, 1) ?? null)];
        """
    ) == [[[None, ""], ["a", "a"], ["e", "cde"], ["f", "d"], ["b", "b"]], "a", "a", None]


def test_what_buttons_do_is_there_without_keys(page: Page):
    """They act on what is selected, and nothing of the grid moves when something is."""
    opened(page)
    before = tiles(page).first.bounding_box()
    buttons = [page.get_by_role("button", name=name, exact=True) for name in ("Switch off", "Delete")]
    for button in (*buttons, chip(page, "dogs")):
        expect(button).to_be_disabled()
    page.get_by_role("button", name="Select all").click()
    expect(page.locator(".count")).to_have_text("20 of 20 selected.")
    page.get_by_role("button", name="Select none").click()
    selected(page)
    tile(page, "picture 0").click()
    tile(page, "picture 2").click(modifiers=["ControlOrMeta"])
    assert tiles(page).first.bounding_box() == before
    buttons[0].click()
    told(page, "id0+id2 off")
    expect(tile(page, "picture 0, switched off")).to_be_visible()
    tile(page, "picture 0").click()
    page.keyboard.press("0")  # all that is selected is off, so that it goes on
    told(page, "id0+id2 off", "id0 on")
    tile(page, "picture 2").click()
    buttons[1].click()
    told(page, "id0+id2 off", "id0 on", "removed id2")
    expect(tiles(page)).to_have_count(19)
