// What the pages do beyond links and forms: they work without it, but for playing from a turn.
"use strict";

const POLL = 10_000; // milliseconds
const POLL_WAITING = 2_000;
const body = document.body;
const isWaiting = "waiting" in body.dataset;

async function look() {
  if (!document.hidden && body.dataset.stateUrl) {
    try {
      const answer = await fetch(`${body.dataset.stateUrl}${isWaiting ? "?waiting=1" : ""}`);
      const { state } = await answer.json();
      if (answer.ok && state !== body.dataset.state) {
        if (isWaiting) {
          location.reload();
          return;
        }
        document.querySelector(".news")?.removeAttribute("hidden");
      }
    } catch {
      // the dashboard is stopped or unreachable; it may come back
    }
  }
  setTimeout(look, isWaiting ? POLL_WAITING : POLL);
}

function playFrom(event) {
  const button = event.target.closest("button.play");
  const player = document.getElementById("player");
  if (button && player) {
    player.currentTime = Number(button.dataset.at);
    player.play().catch(() => {}); // the player itself shows that there is no audio
  }
}

function say() {
  const shown = document.querySelector(".asking") ?? document.createElement("p");
  shown.className = "asking";
  shown.setAttribute("role", "status");
  shown.textContent = "Asking the warehouse …";
  body.append(shown);
}

document.addEventListener("click", playFrom);
document.addEventListener("submit", say);
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  const isPlain = !event.defaultPrevented && event.button === 0 && !event.ctrlKey && !event.metaKey;
  if (link && isPlain && link.origin === location.origin && !link.hasAttribute("download")
      && !link.target && !link.getAttribute("href").startsWith("#")) {
    say();
  }
});
addEventListener("pageshow", () => document.querySelector(".asking")?.remove());
// an empty field says nothing, and would only lengthen the link
document.addEventListener("formdata", (event) => {
  for (const [name, value] of [...event.formData]) {
    if (value === "") event.formData.delete(name);
  }
});
setTimeout(look, isWaiting ? POLL_WAITING : POLL);
