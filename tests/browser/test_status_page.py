"""The status page in a real browser: quick, quiet, of nobody else's, and for everybody."""

import time

import pytest
from axe_core_python.selenium import Axe
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from tests.browser.chromium import PHONE, WIDE, look, requested

SHOWN_SECONDS = 2.0
"""How soon a refusal is on the page."""


@pytest.fixture
def page(chromium, workers):
    chromium.get(f"http://127.0.0.1:{workers.metrics_port}/")
    return chromium


def body(page):
    return page.find_element(By.TAG_NAME, "body").text


def test_it_shows_what_is_refused_and_why(page):
    shown = page.find_element(By.ID, "decisions").text
    for text in ("json.nul_character", "$.name", "policy.target_forbidden", "capacity", "Refused"):
        assert text in shown
    assert "00000000-0000-0000-0000-0000000000a0" in page.find_element(By.ID, "hot").text
    assert "1.0" in page.find_element(By.ID, "old").text
    assert "2 alive" in page.find_element(By.ID, "workers").text
    assert "inventory.min_above_max" in page.find_element(By.ID, "modes").text
    assert "all workers" in body(page)


def test_the_charts_of_the_last_hour_have_bars(page):
    for name in ("requests", "rejected", "conflicts"):
        chart = page.find_element(By.ID, f"chart-{name}")
        assert chart.find_elements(By.TAG_NAME, "rect")
        assert "in the last hour" in chart.get_attribute("aria-label")


def test_a_refusal_is_on_the_page_within_two_seconds(page, workers):
    took = []
    for number in range(4):  # of either worker
        path = f"/traits/lower_{number}"
        WebDriverWait(page, 10).until(lambda p: p.execute_script("return document.readyState"))
        before = page.find_element(By.CSS_SELECTOR, "#decisions tbody tr").text
        began = time.monotonic()
        assert workers.ask("/resource_providers", "POST", {"name": number, "x": path}) == 400
        WebDriverWait(page, 10, 0.05).until_not(
            lambda p, before=before: (
                p.execute_script(
                    "return document.querySelector('#decisions tbody tr').innerText"
                ).strip()
                == before.strip()
            )
        )
        took.append(time.monotonic() - began)
    assert sorted(took)[1] < SHOWN_SECONDS, took


def test_it_is_quiet_and_asks_nobody_else(page, workers):
    time.sleep(2.5)  # it looks anew each second
    own = f"http://127.0.0.1:{workers.metrics_port}/"
    urls = [url for url in requested(page) if not url.startswith("data:")]
    assert len(urls) >= 3
    assert {url for url in urls if not url.startswith(own)} == set()
    assert page.get_log("browser") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_it_is_accessible(page, scheme, size):
    look(page, size, scheme)
    for summary in page.find_elements(By.TAG_NAME, "summary"):
        summary.click()
    results = Axe().run(page)
    assert results["violations"] == []
    assert len(results["passes"]) > 15
    wider = page.execute_script(
        "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert wider <= 0


def test_dark_is_dark(page):
    colours = []
    for scheme in ("light", "dark"):
        look(page, WIDE, scheme)
        colours.append(
            page.execute_script("return getComputedStyle(document.body).backgroundColor")
        )
    assert colours == ["rgb(251, 250, 247)", "rgb(20, 23, 27)"]


def test_the_keyboard_comes_everywhere(page):
    active = page.switch_to.active_element
    active.send_keys(Keys.TAB)
    assert page.switch_to.active_element.text == "Skip to the last decisions"
    page.switch_to.active_element.send_keys(Keys.ENTER)
    assert page.execute_script("return document.activeElement.id") == "decisions"
    reached = set()
    for _ in range(12):
        page.switch_to.active_element.send_keys(Keys.TAB)
        reached.add(page.execute_script("return document.activeElement.textContent"))
    assert {"status.json", "hot", "metrics"} <= reached
    assert any(text.startswith("All ") for text in reached)


def test_what_is_open_stays_open_while_the_page_goes_on(page, workers):
    page.find_element(By.CSS_SELECTOR, "#all-modes summary").click()
    page.find_element(By.CSS_SELECTOR, "#figures summary").click()
    workers.ask("/resource_providers", "POST", {"name": 5})
    time.sleep(2.5)
    for name in ("all-modes", "figures"):
        assert page.find_element(By.ID, name).get_attribute("open") is not None


def test_markup_from_a_client_is_text(page, workers):
    name = "<img src=x onerror=alert(1)>"
    assert workers.ask("/resource_providers", "POST", {"name": "a"}, X_Auth_Token=name) == 403
    time.sleep(2.5)
    assert name in body(page)
    assert page.find_elements(By.TAG_NAME, "img") == []


def test_it_says_when_it_gets_no_answer(page):
    page.execute_cdp_cmd("Network.enable", {})
    offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
    page.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
    WebDriverWait(page, 10).until(lambda p: "No answer" in p.find_element(By.ID, "stale").text)
    page.execute_cdp_cmd(
        "Network.emulateNetworkConditions",
        {**offline, "offline": False, "downloadThroughput": -1, "uploadThroughput": -1},
    )
    WebDriverWait(page, 10).until(lambda p: p.find_element(By.ID, "stale").text == "")
