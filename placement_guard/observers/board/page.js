// Fetches the page anew, and puts the sections in place that have changed. Without it the page reloads itself.
const stale = document.getElementById("stale");
async function look() {
  try {
    const answer = await fetch(location.pathname, { cache: "no-store" });
    if (!answer.ok) throw new Error(String(answer.status));
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const section of fresh.querySelectorAll("[data-live]")) {
      const shown = document.getElementById(section.id);
      for (const details of shown.querySelectorAll("details[open]")) {
        const same = fresh.getElementById(details.id);
        if (same) same.open = true;
      }
      if (shown.innerHTML === section.innerHTML) continue;
      const focused = shown.contains(document.activeElement) ? document.activeElement.id : "";
      shown.replaceChildren(...section.childNodes);
      if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    }
    if (stale.textContent) stale.textContent = "";
  } catch {
    const text = "No answer: this is how it was.";
    if (stale.textContent !== text) stale.textContent = text;
  }
  setTimeout(look, 1000);
}
setTimeout(look, 1000);
