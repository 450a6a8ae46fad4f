"use strict";
/* The first page: search and filters, and what was won so far. A classic script, as a file loads no modules. */
(() => {
  const form = document.getElementById("filters");
  const cards = [...document.querySelectorAll(".card")];
  const texts = new Map(JSON.parse(document.getElementById("search-data").textContent));
  const count = document.getElementById("count");
  const field = (name) => document.getElementById(name).value;

  function kept() {
    try {
      return JSON.parse(localStorage.getItem("race-lab")) || {};
    } catch {
      return {}; // denied, or not ours
    }
  }

  function fits(card, words) {
    const text = texts.get(card.dataset.file) || "";
    return (
      words.every((word) => text.includes(word)) &&
      (!field("model") || card.dataset.model === field("model")) &&
      (!field("level") || card.dataset.level === field("level")) &&
      (!field("bug") || card.dataset.bug === field("bug")) &&
      (!field("cwe") || card.dataset.cwe.split(" ").includes(field("cwe")))
    );
  }

  function show() {
    const words = field("search").toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const card of cards) {
      card.hidden = !fits(card, words);
      shown += !card.hidden;
    }
    count.textContent = shown ? `${shown} ${shown === 1 ? "scenario" : "scenarios"}` : "Nothing fits; leave out a word or a filter.";
  }

  function sort() {
    const order = field("order");
    const sign = order.startsWith("-") ? -1 : 1;
    const sorted = order ? [...cards].sort((one, other) => sign * (one.dataset.score - other.dataset.score)) : cards;
    document.getElementById("cards").append(...sorted);
  }

  const won = kept();
  for (const card of cards) {
    const best = won[card.dataset.file.replace(".html", "").replace("-", "/")];
    if (best && best.steps) {
      const mark = card.querySelector(".won");
      mark.textContent = `won in ${best.steps} ${best.steps === 1 ? "step" : "steps"}`;
      mark.hidden = false;
    }
  }
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", show);
  document.getElementById("order").addEventListener("change", sort);
  show();
})();
