"""A real browser, and pages in it that must neither complain nor ask the network for anything."""

import shutil
from contextlib import contextmanager

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
"""What keeps Chromium from asking for anything by itself."""


@contextmanager
def opened(browser, path, **settings):
    """A page opened from the disk; on leaving, it must have been quiet: no error, no warning, no request."""
    context = browser.new_context(**settings)
    page, noise = context.new_page(), []
    page.on("console", lambda message: noise.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: noise.append(str(error)))
    page.on("request", lambda request: noise.append(request.url))
    page.goto(path.as_uri())
    assert noise == [path.as_uri()]
    noise.clear()
    try:
        yield page
        assert [what for what in noise if not what.startswith("blob:")] == []
    finally:
        context.close()


def wait_until(page, expression, seconds=20):
    """Until a JavaScript expression is true; Playwright's own way evaluates text in the page, which it forbids."""
    for _ in range(50 * seconds):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"{expression} has not come true in {seconds} s")
