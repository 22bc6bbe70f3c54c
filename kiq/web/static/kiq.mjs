// Keeps pages fresh: fetches the same address as a part, and changes what differs. Without it every link
// and form works all the same.

const script = document.querySelector("script[data-assets]");
const policy = window.trustedTypes?.createPolicy("kiq", { createHTML: (text) => text });
const { Idiomorph } = await import(script.dataset.morph);

const PAUSE = 2000; // milliseconds between an answer and the next request
const SLOW = 100; // an answer that took longer makes the pauses longer
const SLOW_PAUSE = 5000;
const LONGEST = 60000;

const age = document.getElementById("age");
const live = document.getElementById("live");
let tag = "";
let freshAt = Date.now();
let pause = PAUSE;
let failures = 0;
let on = true;
let timer = 0;
let held = null;

function rowsOf(root) {
  return [...root.querySelectorAll("tbody tr[id], .attention li[id]")].map((row) => row.id).join(" ");
}

// Whether somebody points at, has chosen, or reads something that must not move.
function isBusy(main) {
  const active = document.activeElement;
  return (
    main.querySelector("tbody tr:hover, .attention li:hover") !== null ||
    (main.contains(active) && active.matches("input, select, textarea, tbody *")) ||
    main.querySelector("tbody input:checked") !== null ||
    !(document.getSelection()?.isCollapsed ?? true)
  );
}

function change(part) {
  const main = document.getElementById("main");
  const fresh = part.getElementById("main");
  for (const id of ["strip", "nav"]) morph(document.getElementById(id), part.getElementById(id));
  if (isBusy(main) && rowsOf(main) !== rowsOf(fresh)) {
    held = part;
    return;
  }
  held = null;
  morph(main, fresh);
}

function morph(old, fresh) {
  if (!old || !fresh) return;
  Idiomorph.morph(old, [...fresh.childNodes], {
    morphStyle: "innerHTML",
    ignoreActiveValue: true,
    callbacks: {
      // What somebody opened stays open; keys of forms that are shown stay theirs.
      beforeAttributeUpdated: (name, node) => !(name === "open" && node.matches("details")),
    },
  });
}

async function look() {
  const begun = Date.now();
  const answer = await fetch(location.href, {
    headers: tag ? { "X-Kiq-Part": "1", "If-None-Match": tag } : { "X-Kiq-Part": "1" },
    redirect: "error", // a login page is no part of ours
    cache: "no-store",
  });
  const version = answer.headers.get("X-Kiq-Assets");
  if (version === null) throw new Stop("signed out");
  if (version !== script.dataset.assets) return location.reload();
  if (answer.status === 401 || answer.status === 403) throw new Stop("signed out");
  if (answer.status === 404) throw new Stop("gone");
  if (answer.status === 200) {
    const text = await answer.text();
    tag = answer.headers.get("ETag") ?? "";
    change(new DOMParser().parseFromString(policy ? policy.createHTML(text) : text, "text/html"));
  } else if (answer.status !== 304) {
    throw new Error((await answer.json()).error);
  }
  freshAt = Date.now();
  failures = 0;
  pause = freshAt - begun > SLOW ? SLOW_PAUSE : PAUSE;
}

class Stop extends Error {}

async function again() {
  if (!on || document.hidden) return;
  try {
    await look();
  } catch (error) {
    if (error instanceof Stop) {
      on = false;
      show(error.message);
      return;
    }
    failures += 1;
    pause = Math.min(LONGEST, PAUSE * 2 ** failures);
    document.body.dataset.trouble = error.message;
  }
  show();
  clearTimeout(timer);
  timer = setTimeout(again, pause);
}

function show(words) {
  const seconds = Math.round((Date.now() - freshAt) / 1000);
  const text = words ?? (seconds < 3 ? "" : `${seconds} s`);
  if (age.textContent !== text) age.textContent = text;
  age.classList.toggle("late", words !== undefined || failures > 0);
  live.setAttribute("aria-pressed", String(on));
  live.textContent = on ? live.dataset.on : live.dataset.off;
}

live.hidden = false;
live.addEventListener("click", () => {
  on = !on;
  clearTimeout(timer);
  if (on) again();
  show();
});
document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (!document.hidden) again();
});
document.addEventListener("pointerout", () => {
  if (held && !isBusy(document.getElementById("main"))) change(held);
});
// Three clicks are one act: the form bears a key that is taken once, and its button rests meanwhile.
document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "1";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// Find: a dialog over the page, which asks the page of the same name. Without it the link leads there.
const palette = document.getElementById("palette");
const asked = palette.querySelector("input");
const found = document.getElementById("palette-found");
let asking = 0;

function openPalette(event) {
  event.preventDefault();
  if (!palette.open) palette.showModal();
  asked.select();
}

function placeOf(text) {
  const place = new URL(asked.dataset.place, location.href);
  place.searchParams.set("q", text);
  return place;
}

async function ask() {
  const turn = (asking += 1);
  const words = asked.value;
  try {
    const answer = await fetch(placeOf(words), { headers: { "X-Kiq-Part": "1" }, redirect: "error", cache: "no-store" });
    if (turn !== asking || answer.headers.get("X-Kiq-Assets") !== script.dataset.assets) return;
    const text = await answer.text();
    const part = new DOMParser().parseFromString(policy ? policy.createHTML(text) : text, "text/html");
    found.replaceChildren(...(part.getElementById("found")?.childNodes ?? []));
    asked.dataset.answered = words;
  } catch {
    found.textContent = ""; // Enter still leads to the page, which says what is wrong
  }
}

// The link behind, or before, the one that has the focus; the field stands before the first.
function step(way) {
  const places = [asked, ...found.querySelectorAll("a")];
  const at = places.indexOf(document.activeElement);
  places[(at + way + places.length) % places.length].focus();
}

document.getElementById("find").addEventListener("click", openPalette);
let wait = 0;
asked.addEventListener("input", () => {
  clearTimeout(wait);
  wait = setTimeout(ask, 150);
});
palette.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target === asked) {
    event.preventDefault();
    const first = asked.dataset.answered === asked.value ? found.querySelector("a") : null;
    location.assign(first?.href ?? placeOf(asked.value));
  }
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  event.preventDefault();
  step(event.key === "ArrowDown" ? 1 : -1);
});
palette.addEventListener("click", (event) => {
  if (event.target === palette) palette.close();
});
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea, [contenteditable]");
  const plain = event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey;
  const chord = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey;
  if (chord || (plain && !typing)) openPalette(event);
});

// Times in UTC, or in this browser's zone: the server writes them, and a cookie says which.
const zone = document.getElementById("zone");
const mine = Intl.DateTimeFormat().resolvedOptions().timeZone;
zone.hidden = !mine || (mine === "UTC" && zone.textContent === "UTC");
zone.addEventListener("click", () => {
  const next = encodeURIComponent(zone.textContent === "UTC" ? mine : "UTC");
  document.cookie = `kiq_zone=${next}; path=${zone.dataset.root}; max-age=31536000; samesite=lax`;
  location.reload();
});

const theme = document.getElementById("theme");
const themes = ["", "dark", "light"];
function dress(name) {
  if (name) document.documentElement.dataset.theme = name;
  else delete document.documentElement.dataset.theme;
}
theme.hidden = false;
theme.addEventListener("click", () => {
  const next = themes[(themes.indexOf(localStorage.getItem("kiq-theme") ?? "") + 1) % themes.length];
  localStorage.setItem("kiq-theme", next);
  dress(next);
});
dress(localStorage.getItem("kiq-theme") ?? "");

setInterval(show, 1000);
timer = setTimeout(again, pause);
