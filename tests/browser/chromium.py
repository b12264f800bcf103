"""Chromium without a window. Nothing is downloaded: browser and driver are those that are there."""

import contextlib
import json
import shutil

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
PACKAGE = "the Debian packages chromium and chromium-driver"

WIDE, PHONE = (1280, 1000), (360, 740)
"""Windows: width and height in pixels."""


@contextlib.contextmanager
def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage"):
        options.add_argument(f"--{argument}")
    options.add_argument("--disable-background-networking")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


def look(driver, size=WIDE, scheme="light"):
    """Set the window, and which colours the user prefers."""
    width, height = size
    command = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size is PHONE}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", command)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def requested(driver):
    """The address of every request that the page has made."""
    messages = (json.loads(entry["message"])["message"] for entry in driver.get_log("performance"))
    return [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]
