"use strict";
/* The witness player: steps through the document beside it; see lab/report/html/player.py for what that holds.
   A classic script, because a page that is opened from a file loads no modules.  It touches the lines that change,
   and never lays the whole list out anew. */
(() => {
  const ACTORS = 8; // colours in the style sheet

  class Player {
    constructor(root) {
      this.root = root;
      this.document = JSON.parse(root.querySelector("script.document").textContent);
      this.bar = root.querySelector(".bar");
      this.now = root.querySelector(".now");
      this.slider = this.bar.querySelector("input");
      this.badges = this.document.actors.map((actor, number) => this.badge(actor, number));
      this.lines = new Map();
      for (const source of root.querySelectorAll("[data-file]")) {
        for (const line of source.querySelectorAll("[data-line]")) {
          this.lines.set(`${source.dataset.file}:${line.dataset.line}`, line.querySelector(".who"));
        }
      }
      this.tables = {};
      for (const name of ["actors", "values", "locks"]) {
        this.tables[name] = root.querySelector(`table.${name}`);
      }
      this.rows = this.document.actors.map((actor, number) => this.addRow("actors", actor.name, `a${number % ACTORS}`, 2));
      for (const part of [this.bar, this.now, root.querySelector(".state")]) part.hidden = false;
      root.classList.add("live");
      root.addEventListener("click", (event) => this.clicked(event));
      root.addEventListener("keydown", (event) => this.pressed(event));
      this.slider.addEventListener("input", () => this.go(Number(this.slider.value) - 1));
      this.choose(0);
    }

    badge(actor, number) {
      const made = document.createElement("b");
      made.className = `badge a${number % ACTORS}`;
      made.textContent = actor.mark;
      made.title = actor.name;
      return made;
    }

    addRow(table, name, kind, cells) {
      const row = this.tables[table].tBodies[0].insertRow();
      const head = document.createElement("th");
      head.scope = "row";
      const label = kind ? document.createElement("b") : head;
      label.className = kind;
      label.textContent = name;
      if (kind) head.append(label);
      row.append(head);
      for (let cell = 0; cell < cells; cell += 1) row.insertCell();
      return row;
    }

    /* ------------------------------------------------------------ what is played */

    choose(order) {
      this.order = order;
      this.run = this.document.runs[order];
      this.steps = this.run.steps;
      this.at = -1;
      this.known = { values: new Map(), held: new Map(), waits: new Map(), lines: new Map() };
      this.last = new Map(); // actor -> its last step
      this.steps.forEach((step, index) => this.last.set(step.actor, index));
      this.shown = { values: new Map(), locks: new Map() };
      for (const name of ["values", "locks"]) {
        this.tables[name].tBodies[0].replaceChildren();
        this.tables[name].hidden = true;
      }
      this.items = [...this.root.querySelectorAll(`[data-run="${order}"] .steps > li:not(.gap)`)];
      for (const section of this.root.querySelectorAll("[data-run]")) {
        section.classList.toggle("chosen", Number(section.dataset.run) === order);
      }
      for (const button of this.bar.querySelectorAll("[data-order]")) {
        button.setAttribute("aria-pressed", String(Number(button.dataset.order) === order));
      }
      this.jumps();
      this.slider.max = String(Math.max(1, this.steps.length));
      const linked = this.items.findIndex((item) => `#${item.id}` === location.hash);
      if (this.steps.length) this.go(Math.max(0, linked));
      else this.bar.hidden = true;
    }

    jumps() {
      const made = this.run.critical.map((number) => {
        const button = document.createElement("button");
        button.type = "button";
        button.dataset.step = String(this.steps.findIndex((step) => step.number === number));
        button.textContent = `step ${number}`;
        button.setAttribute("aria-label", `Critical step ${number}`);
        button.className = "critical";
        return button;
      });
      this.bar.querySelector(".jumps").replaceChildren(...made);
    }

    go(index) {
      const target = Math.min(Math.max(index, 0), this.steps.length - 1);
      if (target === this.at) return;
      const changed = { values: new Set(), locks: new Set() };
      if (target < this.at) {
        this.at = -1;
        for (const part of Object.values(this.known)) part.clear();
        for (const name of ["values", "locks"]) for (const key of this.shown[name].keys()) changed[name].add(key);
      }
      while (this.at < target) {
        this.at += 1;
        this.take(this.steps[this.at], changed);
      }
      this.show(changed);
    }

    take(step, changed) {
      this.known.lines.set(step.actor, this.at);
      for (const [name, value] of Object.entries(step.values ?? {})) {
        this.known.values.set(name, value);
        changed.values.add(name);
      }
      for (const [name, held] of Object.entries(step.held ?? {})) {
        this.known.held.set(name, held);
        changed.locks.add(name);
      }
      for (const [actor, wait] of Object.entries(step.waits ?? {})) {
        const before = this.known.waits.get(Number(actor));
        this.known.waits.set(Number(actor), wait);
        for (const one of [before, wait]) if (one) changed.locks.add(one.for);
      }
    }

    /* ------------------------------------------------------------ what is seen */

    show(changed) {
      const step = this.steps[this.at];
      const item = this.items[this.at];
      if (this.item) {
        this.item.removeAttribute("aria-current");
        this.item.firstElementChild.tabIndex = -1;
      }
      item.setAttribute("aria-current", "step");
      item.firstElementChild.tabIndex = 0;
      this.item = item;
      this.showActors(step);
      for (const name of changed.values) this.showValue(name, step.values && name in step.values);
      for (const name of changed.locks) this.showLock(name);
      for (const name of ["values", "locks"]) {
        this.tables[name].hidden = ![...this.shown[name].values()].some((row) => !row.hidden);
      }
      this.slider.value = String(this.at + 1);
      this.slider.setAttribute("aria-valuetext", `step ${step.number} of ${this.run.count}`);
      this.bar.querySelector(".position").textContent = `${step.number} / ${this.run.count}`;
      this.now.textContent = this.told(step);
      keepInView([item, this.marked]);
    }

    told(step) {
      const critical = this.run.critical.includes(step.number) ? " A critical step." : "";
      const differs = step.number === this.run.differs ? " From here on it differs." : "";
      const end = this.at === this.steps.length - 1 && this.run.end ? ` Then: ${this.run.end}` : "";
      const place = `${this.document.files[step.place[0]]}:${step.place[1]}`;
      return `Step ${step.number} of ${this.run.count}: ${this.document.actors[step.actor].name} ${step.what} (${place}).${critical}${differs}${end}`;
    }

    showActors(step) {
      this.document.actors.forEach((_, actor) => {
        const at = this.known.lines.get(actor);
        const [, line, now] = this.rows[actor].cells;
        const badge = this.badges[actor];
        badge.classList.toggle("stepping", actor === step.actor);
        this.rows[actor].classList.toggle("stepping", actor === step.actor);
        const stands = this.known.waits.get(actor)?.place ?? this.steps[at]?.place;
        setText(line, stands ? String(stands[1]) : "");
        setText(now, this.doing(actor, at, step));
        const place = stands ? this.line(stands) : null;
        if (place === badge.parentNode) return;
        badge.remove();
        if (place) place.append(badge);
      });
      const line = this.line(step.place)?.parentNode ?? null;
      if (this.marked && this.marked !== line) this.marked.classList.remove("stepping");
      if (line) line.className = `line stepping a${step.actor % ACTORS}`;
      this.marked = line;
    }

    line([file, number]) {
      return this.lines.get(`${file}:${number}`) ?? null;
    }

    doing(actor, at, step) {
      const waits = this.known.waits.get(actor);
      if (actor === step.actor && !waits) return step.what;
      if (waits) return `waits for ${waits.for}`;
      if (at === undefined) return "has not begun";
      return at === this.last.get(actor) ? "has no more steps" : "may go on";
    }

    showValue(name, fresh) {
      let row = this.shown.values.get(name);
      if (!row) {
        row = this.addRow("values", name, "", 1);
        this.shown.values.set(name, row);
      }
      const value = this.known.values.get(name);
      row.hidden = value === undefined;
      setText(row.cells[1], value ?? "");
      if (this.fresh && fresh && this.fresh !== row) this.fresh.classList.remove("fresh");
      row.classList.toggle("fresh", Boolean(fresh));
      if (fresh) this.fresh = row;
    }

    showLock(name) {
      let row = this.shown.locks.get(name);
      if (!row) {
        row = this.addRow("locks", name, "", 2);
        this.shown.locks.set(name, row);
      }
      const names = (actors) => actors.map((actor) => this.document.actors[actor].name).join(", ");
      const held = this.known.held.get(name) ?? [];
      const waiting = [...this.known.waits].filter(([, wait]) => wait?.for === name).map(([actor]) => actor);
      row.hidden = !this.known.held.has(name) && !waiting.length;
      setText(row.cells[1], held.length ? names(held) : "nobody");
      setText(row.cells[2], names(waiting));
    }

    /* ------------------------------------------------------------ what a person does */

    clicked(event) {
      const button = event.target.closest("button");
      if (button) {
        if (button.dataset.go) this.goTo(button.dataset.go);
        else if (button.dataset.step) this.go(Number(button.dataset.step));
        else if (button.dataset.order) this.choose(Number(button.dataset.order));
        return;
      }
      const item = event.target.closest(".steps > li:not(.gap)");
      if (!item || String(getSelection()).length) return;
      event.preventDefault();
      const order = Number(item.closest("[data-run]").dataset.run);
      if (order !== this.order) this.choose(order);
      this.go(this.items.indexOf(item));
    }

    pressed(event) {
      if (event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented) return;
      const inside = this.root.contains(event.target);
      if (event.target.matches("input, select, textarea, [contenteditable]")) return;
      const way = KEYS[event.key] ?? (inside ? KEYS_INSIDE[event.key] : undefined);
      if (!way || !this.steps.length) return;
      if (event.key.startsWith("Arrow") && event.target.closest(".code")) return; // it scrolls
      event.preventDefault();
      this.goTo(way);
      if (event.target.closest(".steps")) this.item.firstElementChild.focus({ preventScroll: true });
    }

    goTo(way) {
      const critical = this.run.critical.map((number) => this.steps.findIndex((step) => step.number === number));
      const targets = {
        first: 0,
        back: this.at - 1,
        on: this.at + 1,
        last: this.steps.length - 1,
        critical: critical.find((index) => index > this.at) ?? critical[0] ?? this.at,
      };
      this.go(targets[way]);
    }
  }

  const KEYS = { ArrowLeft: "back", ArrowRight: "on", j: "on", k: "back", c: "critical" };
  const KEYS_INSIDE = { ArrowUp: "back", ArrowDown: "on", Home: "first", End: "last" };

  function setText(cell, text) {
    if (cell.textContent !== text) cell.textContent = text;
  }

  /* Scrolls the boxes that hold the elements, never the page; looks at all before it moves any, so that the page is
     laid out once. */
  function keepInView(elements) {
    const moves = [];
    for (const element of elements) {
      const box = element?.closest(".scroll");
      if (!box) continue;
      const [inner, outer] = [element.getBoundingClientRect(), box.getBoundingClientRect()];
      const room = outer.height / 4;
      if (inner.top < outer.top + room) moves.push([box, inner.top - outer.top - room]);
      else if (inner.bottom > outer.bottom - room) moves.push([box, inner.bottom - outer.bottom + room]);
    }
    for (const [box, by] of moves) box.scrollTop += by;
  }

  const players = new Map();

  function mount(root) {
    if (!players.has(root)) players.set(root, new Player(root));
    return players.get(root);
  }

  /* Keys that were pressed in no player go to the one that was used last, or to the first. */
  let latest = null;
  document.addEventListener("focusin", (event) => {
    latest = event.target.closest("[data-player]") ?? latest;
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("[data-player]")) return;
    const player = players.get(latest?.isConnected ? latest : document.querySelector("[data-player]"));
    if (player) player.pressed(event);
  });

  globalThis.raceLab = Object.assign(globalThis.raceLab ?? {}, { mount });
  for (const root of document.querySelectorAll("[data-player]")) mount(root);
})();
