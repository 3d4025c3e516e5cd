"""One visit of a page, run by the Python that has playwright; prints JSON.

    python drive.py BROWSER AXE PAGE WIDTH light|dark PICTURE

What is printed: messages of the console, requests that went out, the page's own width,
what part of it has to be scrolled sideways, and what axe-core found. The page's policy forbids every script, so axe-core comes in as
the debugger's, which no policy governs.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

_ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
# Rows of one table are alike: ten thousand of them would take axe-core minutes.
_EXAMINE = """async () => {
  document.querySelectorAll(".all tbody tr:nth-child(n+100)").forEach(r => r.remove());
  const found = await axe.run(document, {resultTypes: ["violations"]});
  return found.violations.map(one => ({
    id: one.id, impact: one.impact, help: one.help,
    nodes: one.nodes.slice(0, 3).map(node => node.html.slice(0, 200)),
  }));
}"""

_SCROLLED = """[...document.querySelectorAll(".wide")]
  .filter(one => one.scrollWidth > one.clientWidth)
  .map(one => one.getAttribute("aria-labelledby"))"""


def main() -> None:
    browser, axe, page, width, scheme, picture = sys.argv[1:]
    messages: list[str] = []
    requests: list[str] = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=browser, args=list(_ARGUMENTS)
        )
        context = chromium.new_context(
            viewport={"width": int(width), "height": 900},
            color_scheme=scheme,
            offline=True,
        )
        tab = context.new_page()
        tab.on("console", lambda message: messages.append(message.text))
        tab.on("pageerror", lambda error: messages.append(str(error)))
        tab.on("request", lambda request: requests.append(request.url))
        tab.goto(Path(page).as_uri())
        tab.screenshot(path=picture)
        own = tab.evaluate("document.documentElement.scrollWidth")
        scrolled = tab.evaluate(_SCROLLED)
        tab.evaluate(Path(axe).read_text(encoding="utf-8"))
        faults = tab.evaluate(_EXAMINE)
        chromium.close()
    print(
        json.dumps(
            {
                "messages": messages,
                "requests": requests,
                "width": own,
                "scrolled": scrolled,
                "faults": faults,
            }
        )
    )


main()
