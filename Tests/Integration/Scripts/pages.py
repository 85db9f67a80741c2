#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""pages.py URL CA [SCREENSHOTS]: looks at the pages of a served tree in headless Chromium, as a person would: by mouse, by
keyboard, on a phone, in the dark, without a script. With SCREENSHOTS only takes pictures, into that directory.

The tree has 1 000 images; debian/bookworm/amd64/default has several builds with other packages.
"""
import importlib.util
import os
import sys
import tempfile
import time

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

IMAGE = "images/debian/bookworm/amd64/default/"
PAGES = ["index.html", IMAGE + "index.html", "trust.html", "status.html"]
AXE = os.path.join(os.path.dirname(importlib.util.find_spec("axe_playwright_python").origin), "axe.min.js")
WIDTHS = {"phone": (390, 844), "tablet": (820, 1180), "desktop": (1280, 900)}


def check(condition, text):
    if not condition:
        raise SystemExit(f"pages: {text}")


class Browser:
    """A browser with a profile of its own, that trusts the server's certificate by its key."""

    def __init__(self, work, script=True, dark=False):
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        for word in ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--ignore-certificate-errors",
                     "--disable-background-networking", "--disable-component-update", "--no-first-run", "--disable-gpu", "--force-prefers-reduced-motion",
                     f"--user-data-dir={work}/{'script' if script else 'none'}{'-dark' if dark else ''}"]:
            options.add_argument(word)
        if dark:
            options.add_argument("--force-dark-mode")
        if not script:
            options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        self.driver.set_page_load_timeout(60)

    def size(self, width, height):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                    {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})

    def scheme(self, name):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia",
                                    {"features": [{"name": "prefers-color-scheme", "value": name}]})

    def complaints(self):
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]

    def quit(self):
        self.driver.quit()


def accessible(browser, page, scheme):
    """No serious finding of axe."""
    browser.driver.execute_script(open(AXE, encoding="utf-8").read())
    # 1 000 rows are alike: three of them say as much as all, in a tenth of the time.
    found = browser.driver.execute_async_script("""
        const done = arguments[arguments.length - 1];
        document.querySelectorAll('#images tbody tr:nth-child(n+4)').forEach((row) => row.remove());
        axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']})
            .then((result) => done(result.violations), (error) => done([{id: String(error), impact: 'critical', nodes: []}]));
    """)
    serious = [f"{v['id']}: {[n['html'][:120] for n in v['nodes']][:3]}" for v in found
               if v["impact"] in ("serious", "critical", "moderate")]
    check(not serious, f"{page}, {scheme}: axe finds {serious}")


def catalogue(browser, url):
    """Filter, choices, keyboard, copying; and how long the script takes for 1 000 images."""
    driver = browser.driver
    driver.get(url + "/index.html")
    rows = driver.find_elements(By.CSS_SELECTOR, "#images tbody tr")
    check(len(rows) == 1000, f"{len(rows)} rows instead of 1000")

    def shown():
        return driver.execute_script(
            "return [...document.querySelectorAll('#images tbody tr')].filter((row) => !row.hidden).length")

    field = driver.find_element(By.NAME, "q")
    field.send_keys("debian bookworm cloud")
    count = shown()
    check(0 < count < 1000, f"the filter shows {count}")
    check(driver.find_element(By.ID, "found").text == f"{count} of 1000 images", "the count is not told")
    check("q=debian" in driver.current_url, "the filter is not in the address")
    driver.refresh()
    check(shown() == count, "the filter is forgotten when the page is loaded again")
    driver.get(url + "/index.html")
    Select(driver.find_element(By.NAME, "distribution")).select_by_visible_text("debian")
    Select(driver.find_element(By.NAME, "architecture")).select_by_visible_text("arm64")
    offered = [option.text for option in Select(driver.find_element(By.NAME, "release")).options]
    check("bookworm" in offered and "edge" not in offered, f"releases of others are offered: {offered}")
    check(0 < shown() < 1000, "the choices do not filter")

    # By the keyboard alone: past the link to the content, to the first image and into its page.
    driver.get(url + "/index.html?q=debian+bookworm+amd64+default")
    driver.switch_to.active_element.send_keys(Keys.TAB)
    check(driver.switch_to.active_element.text == "Skip to the content", "the first stop is not the way past the menu")
    for _ in range(40):
        if driver.switch_to.active_element.text == "debian bookworm":
            break
        driver.switch_to.active_element.send_keys(Keys.TAB)
    check(driver.switch_to.active_element.text == "debian bookworm", "the keyboard does not get to the image")
    outline = driver.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
    check(outline != "none", "where the keyboard is cannot be seen")
    driver.switch_to.active_element.send_keys(Keys.ENTER)
    WebDriverWait(driver, 20).until(lambda d: IMAGE in d.current_url)

    driver.get(url + "/index.html?q=debian+bookworm+amd64+default")
    for name, start in (("LXC", "lxc-create -n c1 -t rootcellar -- --server " + url.removeprefix("https://") + " -d debian"),
                        ("LXD", "lxc launch images.example.org:debian/bookworm c1"),
                        ("Incus", "incus launch images.example.org:debian/bookworm c1")):
        check(copied(browser, f"tr:not([hidden]) button[aria-label$=' {name}']").startswith(start), f"copying for {name}")

    # Script time: what loading and one filtering cost, without layout, as the browser itself measures it.
    driver.get("about:blank")
    driver.execute_cdp_cmd("Performance.enable", {})
    driver.get(url + "/index.html")

    def script_time():
        metrics = driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
        return {metric["name"]: metric["value"] for metric in metrics}["ScriptDuration"] * 1000

    loaded = script_time()
    filtered = driver.execute_script("""
        const field = document.forms.filter.elements.q, begin = performance.now();
        field.value = 'alpine arm64';
        field.dispatchEvent(new Event('input', {bubbles: true}));
        return performance.now() - begin;
    """)
    print(f"script time with 1000 images: {loaded:.0f} ms to load, {filtered:.1f} ms to filter")


def copied(browser, selector):
    """Presses a button and returns what it put where a person would paste from."""
    driver = browser.driver
    driver.execute_script("""
        window.copied = null;
        navigator.clipboard.writeText = async (text) => { window.copied = text; };
    """)
    driver.find_element(By.CSS_SELECTOR, selector).click()
    text = WebDriverWait(driver, 10).until(lambda d: d.execute_script("return window.copied"))
    WebDriverWait(driver, 10).until(lambda d: d.find_element(By.CSS_SELECTOR, selector).text == "copied")
    return text


def image(browser, url):
    """Builds, plots, changes, comparing, searching."""
    driver = browser.driver
    driver.get(url + "/" + IMAGE)
    check("debian bookworm" in driver.title, f"the title is {driver.title}")
    builds = driver.find_elements(By.CSS_SELECTOR, ".timeline li")
    check(len(builds) == 5, f"{len(builds)} builds on the time line")
    for plot in driver.find_elements(By.CSS_SELECTOR, "svg.plot"):
        check(plot.size["width"] > 200 and plot.get_attribute("aria-label"), "a plot cannot be seen or heard")
    dots = driver.find_elements(By.CSS_SELECTOR, "svg.plot circle")
    check(len(dots) == 15, f"{len(dots)} points are drawn")
    host = driver.find_element(By.CSS_SELECTOR, "code.copy .host").text
    check(url == "https://" + host, f"the commands name the host {host}")
    check("ago" in driver.find_element(By.CSS_SELECTOR, ".timeline time").text, "no age is told")

    form = driver.find_element(By.ID, "compare")
    Select(form.find_element(By.NAME, "from")).select_by_index(4)
    form.find_element(By.TAG_NAME, "button").click()
    status = driver.find_element(By.ID, "compared")
    WebDriverWait(driver, 20).until(lambda d: "different" in status.text)
    lines = [line.text for line in driver.find_elements(By.CSS_SELECTOR, "#differences li")]
    check(lines == ["fresh 1 added", "openssl 3.0.0 → 3.0.4", "stale 1 removed"], f"the comparison says {lines}")

    search = driver.find_element(By.NAME, "p")
    search.send_keys("openssl")
    check(driver.find_element(By.ID, "matching").text == "1 of 3 packages", "the search for packages")
    visible = [row.text for row in driver.find_elements(By.CSS_SELECTOR, "#package-list tbody tr") if row.is_displayed()]
    check(visible == ["openssl 3.0.4 amd64"], f"the search shows {visible}")
    text = copied(browser, "code.copy + button")
    check(text.startswith("lxc-create -n c1 -t rootcellar -- --server " + host), f"copied: {text}")


def without_script(url, work):
    """Everything can be read; what needs a script is not shown."""
    browser = Browser(work, script=False)
    try:
        driver = browser.driver
        driver.get(url + "/index.html")
        check(len(driver.find_elements(By.CSS_SELECTOR, "#images tbody tr")) == 1000, "no images without a script")
        check(not driver.find_element(By.ID, "filter").is_displayed(), "a filter that does nothing is shown")
        driver.find_element(By.CSS_SELECTOR, f"a[href='{IMAGE}index.html']").click()
        WebDriverWait(driver, 20).until(lambda d: IMAGE in d.current_url)
        body = driver.find_element(By.TAG_NAME, "body").text
        for text in ("Builds", "What changed", "lxc-create -n c1", "rootfs.tar.zst"):
            check(text in body, f"without a script there is no '{text}'")
    finally:
        browser.quit()


def pictures(url, work, directory):
    """The pictures of the README: a page, a width, a colour scheme."""
    browser = Browser(work)
    try:
        for name, page, width, scheme in (("catalogue", PAGES[0], "desktop", "light"), ("image", PAGES[1], "tablet", "dark"),
                                          ("catalogue", PAGES[0], "phone", "light")):
            browser.size(*WIDTHS[width])
            browser.scheme(scheme)
            browser.driver.get(f"{url}/{page}")
            time.sleep(0.3)
            browser.driver.save_screenshot(os.path.join(directory, f"{name}-{width}.png"))
    finally:
        browser.quit()


def main():
    url = sys.argv[1]
    with tempfile.TemporaryDirectory() as work:
        if len(sys.argv) > 2:
            pictures(url, work, sys.argv[2])
            print("pages: taken")
            return
        browser = Browser(work)
        try:
            catalogue(browser, url)
            image(browser, url)
            check(not browser.complaints(), f"the console says {browser.complaints()}")
            for scheme in ("light", "dark"):
                browser.scheme(scheme)
                for page in PAGES:
                    browser.driver.get(f"{url}/{page}")
                    accessible(browser, page, scheme)
            browser.complaints()
            for page in PAGES:
                browser.size(390, 844)
                browser.driver.get(f"{url}/{page}")
                wide = browser.driver.execute_script("return document.documentElement.scrollWidth")
                check(wide <= 390, f"{page} is {wide} wide on a phone")
            check(not browser.complaints(), "the console complains")
        finally:
            browser.quit()
        without_script(url, work)
        print("pages: good")


if __name__ == "__main__":
    main()
