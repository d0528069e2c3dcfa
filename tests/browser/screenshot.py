"""Makes the README's screenshot: python tests/browser/screenshot.py docs/screenshot.png"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # what the driver needs lies in the project itself

from browser.driver import FLAGS, open_page, program
from browser.servers import start_server
from playwright.sync_api import sync_playwright


def main(out: Path) -> None:
    process, url = start_server()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program(), args=FLAGS)
            page = browser.new_context(base_url=url, viewport={"width": 1440, "height": 860}).new_page()
            open_page(page, "")
            out.parent.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=out)
            browser.close()
    finally:
        process.terminate()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
