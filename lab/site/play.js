"use strict";
/* The evil-scheduler game: who steps next is the reader's choice; see lab/site/playing.py for what a graph holds.
   A classic script, because a page that is opened from a file loads no modules. */
(() => {
  const COLOURS = 8; // in the style sheet
  const STORE = "race-lab";

  function remembered() {
    try {
      return JSON.parse(localStorage.getItem(STORE)) || {};
    } catch {
      return {}; // denied, or not ours: the game goes on without
    }
  }

  function remember(name, best) {
    try {
      localStorage.setItem(STORE, JSON.stringify({ ...remembered(), [name]: best }));
    } catch {
      /* denied: what is won is forgotten when the page is left */
    }
  }

  function element(tag, text, kind) {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (kind) made.className = kind;
    return made;
  }

  const counted = (number, what) => `${number} ${what}${number === 1 ? "" : what.endsWith("h") ? "es" : "s"}`;

  /* One variant's graph, and how far the reader has gone in it. */
  class Side {
    constructor(root, game) {
      this.root = root;
      this.game = game;
      this.graph = JSON.parse(root.querySelector("script.states").textContent);
      this.choices = root.querySelector(".choices");
      this.verdict = root.querySelector(".verdict");
      this.log = root.querySelector(".log ol");
      this.taken = root.querySelector(".taken");
      this.lines = new Map();
      for (const line of root.querySelectorAll("[data-line]")) this.lines.set(Number(line.dataset.line), line);
      this.away = this.distances();
      this.endings = new Set();
      this.values = new Map();
      this.restart();
    }

    /* How many choices a failure is away from each node; missing where none can be reached. */
    distances() {
      const before = this.graph.nodes.map(() => []);
      this.graph.nodes.forEach(([, moves], number) => {
        for (const [, , to] of moves) if (to >= 0) before[to].push(number);
      });
      const away = new Map();
      const reached = [];
      this.graph.nodes.forEach(([, , ending], number) => {
        if (ending && ending[0]) {
          away.set(number, 0);
          reached.push(number);
        }
      });
      for (const number of reached) {
        for (const earlier of before[number]) {
          if (!away.has(earlier)) {
            away.set(earlier, away.get(number) + 1);
            reached.push(earlier);
          }
        }
      }
      return away;
    }

    restart() {
      this.path = [];
      this.at = 0;
      this.show();
    }

    undo() {
      const last = this.path.pop();
      if (last) this.at = last.from;
      this.show();
    }

    choose(number) {
      const move = this.moves()[number];
      if (!move || move[2] < 0) return;
      const [label, steps, to] = move;
      this.path.push({ from: this.at, steps, actor: this.graph.labels[label][0] });
      this.at = to;
      this.show();
    }

    hint() {
      const moves = this.moves();
      let best = -1;
      moves.forEach(([, , to], number) => {
        if (this.away.has(to) && (best < 0 || this.away.get(to) < this.away.get(moves[best][2]))) best = number;
      });
      if (best < 0) {
        this.say(this.path.length ? "No failure can be reached from here: undo." : "No failure can be reached.", "passes");
        return;
      }
      this.choices.querySelector(`[data-number="${best}"]`).classList.add("hinted");
    }

    moves() {
      return this.graph.nodes[this.at][1];
    }

    /* ------------------------------------------------------------ what is shown */

    show() {
      const node = this.graph.nodes[this.at];
      this.verdict.hidden = true;
      this.showLog();
      this.showState(node[0]);
      this.showChoices(node);
      this.root.querySelector('[data-do="undo"]').disabled = !this.path.length;
      this.root.querySelector('[data-do="restart"]').disabled = !this.path.length;
      const hint = this.root.querySelector('[data-do="hint"]');
      if (hint) hint.disabled = !this.moves().length;
      if (node[2]) this.end(node[2]);
      else if (this.moves().every(([, , to]) => to < 0)) this.say("The explored part of the states ends here: undo.", "passes");
    }

    say(text, kind) {
      this.verdict.textContent = text;
      this.verdict.className = `verdict ${kind}`;
      this.verdict.hidden = false;
    }

    get steps() {
      return this.path.flatMap((move) => move.steps);
    }

    get switches() {
      const actors = this.steps.map((number) => this.graph.steps[number][0]);
      return actors.filter((actor, position) => position && actor !== actors[position - 1]).length;
    }

    end([failure, told]) {
      this.endings.add(this.at);
      const took = `${counted(this.steps.length, "step")}, ${counted(this.switches, "switch")}`;
      if (failure) {
        const par = this.game.par ? ` Par is ${counted(this.game.par, "step")}, ${counted(this.game.parSwitches, "switch")}.` : "";
        this.say(`You broke it: ${failure === "outcome" ? "" : `${failure}: `}${told}. ${took}.${par}`, "fails");
        this.game.won(this.steps.length, this.switches);
      } else {
        const all = this.graph.complete ? new Set() : null;
        if (all) this.graph.nodes.forEach((node, number) => node[2] && all.add(number));
        const seen = all ? ` You have come to ${this.endings.size} of ${counted(all.size, "different ending")}.` : "";
        this.say(`It went well${told ? `: ${told}` : ""}.${seen}${this.away.size ? " Undo, or start over." : ""}`, "passes");
      }
    }

    showLog() {
      this.log.replaceChildren();
      this.path.forEach((move) => {
        move.steps.forEach((number) => {
          const [actor, line, what] = this.graph.steps[number];
          const row = element("li");
          row.append(this.badge(actor), " ", element("span", what), line ? ` line ${line}` : "");
          this.log.append(row);
        });
        if (!move.steps.length) {
          const row = element("li");
          row.append(this.badge(move.actor), " goes on");
          this.log.append(row);
        }
      });
      this.log.scrollTop = this.log.scrollHeight;
      this.taken.textContent = `${counted(this.steps.length, "step")}, ${counted(this.switches, "switch")}`;
    }

    badge(actor) {
      return element("b", this.graph.actors[actor], `badge a${actor % COLOURS}`);
    }

    showState(number) {
      const [standings, values, held] = this.graph.states[number];
      const who = this.root.querySelector("table.who tbody");
      who.replaceChildren();
      for (const line of this.lines.values()) {
        line.className = "line";
        line.querySelector(".who").replaceChildren();
      }
      standings.forEach((standing, actor) => {
        if (standing < 0) return;
        const [status, why, line] = this.graph.standings[standing];
        const move = this.moves().find(([label]) => this.graph.labels[label][0] === actor && !this.graph.labels[label][1]);
        const first = move && move[1].length ? this.graph.steps[move[1][0]] : null;
        const at = status === "blocked" ? line : first && first[0] === actor ? first[1] : 0;
        const row = who.insertRow();
        const head = element("th");
        head.scope = "row";
        head.append(this.badge(actor));
        row.append(head);
        row.insertCell().textContent = at ? `line ${at}` : "";
        row.insertCell().textContent = status === "blocked" ? why : status === "ended" ? "has ended" : "can go on";
        const shown = this.lines.get(at);
        if (shown) shown.querySelector(".who").append(this.mark(actor));
      });
      this.fill("table.shared", values.map((one) => this.graph.values[one]), true);
      this.fill("table.held", held.map((one) => this.graph.held[one]), false);
      this.markLast();
    }

    mark(actor) {
      const name = this.graph.actors[actor];
      const same = this.graph.actors.filter((other) => other[0] === name[0]).length > 1;
      const made = element("b", same ? `${name[0]}${actor + 1}` : name[0], `badge a${actor % COLOURS}`);
      made.title = name;
      return made;
    }

    /* The line of the step that was taken last. */
    markLast() {
      const last = this.steps.at(-1);
      if (last === undefined) return;
      const [actor, line] = this.graph.steps[last];
      const shown = this.lines.get(line);
      if (!shown) return;
      shown.classList.add("stepping", `a${actor % COLOURS}`);
      const scroll = shown.closest(".scroll");
      const top = shown.offsetTop - scroll.offsetTop;
      if (top < scroll.scrollTop || top > scroll.scrollTop + scroll.clientHeight - 40) scroll.scrollTop = top - scroll.clientHeight / 2;
    }

    fill(selector, rows, marked) {
      const table = this.root.querySelector(selector);
      table.hidden = !rows.length;
      table.tBodies[0].replaceChildren();
      const known = new Map();
      for (const [name, text] of rows) {
        const row = table.tBodies[0].insertRow();
        const head = element("th", name);
        head.scope = "row";
        row.append(head);
        row.insertCell().textContent = text;
        if (marked && this.values.has(name) && this.values.get(name) !== text) row.className = "fresh";
        known.set(name, text);
      }
      if (marked) this.values = known;
    }

    showChoices(node) {
      const had = this.choices.contains(document.activeElement);
      this.choices.replaceChildren();
      const made = [];
      node[1].forEach(([label, steps, to], number) => {
        const [actor, word] = this.graph.labels[label];
        const button = element("button", undefined, `a${actor % COLOURS}`);
        button.type = "button";
        button.dataset.number = number;
        if (number < 9) button.append(element("kbd", String(number + 1)));
        button.append(this.badge(actor));
        const first = steps.length ? this.graph.steps[steps[0]] : null;
        if (to < 0) {
          button.disabled = true;
          button.append(element("span", `${word ? `${word}: ` : ""}not explored in this part`));
          made.push([actor, button]);
          return;
        }
        const told = first && first[0] === actor ? `${first[1] ? `line ${first[1]}: ` : ""}${first[2]}` : word || "goes on";
        button.append(element("span", told));
        made.push([actor, button]);
      });
      this.graph.states[node[0]][0].forEach((standing, actor) => {
        const moves = made.some(([other]) => other === actor);
        if (standing < 0 || node[2] || moves || this.graph.standings[standing][0] !== "blocked") return;
        const button = element("button", undefined, `a${actor % COLOURS}`);
        button.type = "button";
        button.disabled = true;
        button.append(element("kbd", "-"), this.badge(actor), element("span", this.graph.standings[standing][1]));
        made.push([actor, button]);
      });
      made.sort((one, other) => one[0] - other[0]);
      this.choices.append(...made.map(([, button]) => button));
      if (had) (this.choices.querySelector("button:not(:disabled)") || this.root.querySelector('[data-do="undo"]')).focus();
    }
  }

  class Game {
    constructor(root) {
      this.root = root;
      this.name = root.dataset.game;
      this.par = Number(root.dataset.par);
      this.parSwitches = Number(root.dataset.parSwitches);
      this.best = remembered()[this.name] || {};
      root.hidden = false;
      this.sides = new Map();
      for (const side of root.querySelectorAll(".side")) this.sides.set(side.dataset.name, new Side(side, this));
      this.chosen = this.sides.get("unsafe");
      this.showScore();
      root.addEventListener("click", (event) => this.clicked(event));
      document.addEventListener("keydown", (event) => this.pressed(event));
    }

    won(steps, switches) {
      if (!this.best.steps || steps < this.best.steps) {
        this.best = { steps, switches };
        remember(this.name, this.best);
      }
      this.showScore();
    }

    showScore() {
      const told = this.best.steps ? `Your best: ${counted(this.best.steps, "step")}. Now try the fixed code.` : "";
      this.root.querySelector(".score").textContent = told;
    }

    clicked(event) {
      const button = event.target.closest("button");
      if (!button) return;
      if (button.dataset.side) this.choose(button.dataset.side);
      else if (button.dataset.do) this.chosen[button.dataset.do]();
      else if (button.dataset.number !== undefined) this.chosen.choose(Number(button.dataset.number));
    }

    choose(name) {
      this.chosen = this.sides.get(name);
      for (const [one, side] of this.sides) side.root.hidden = one !== name;
      for (const tab of this.root.querySelectorAll("[data-side]")) tab.setAttribute("aria-pressed", String(tab.dataset.side === name));
    }

    pressed(event) {
      const where = document.activeElement;
      const free = !where || where === document.body || this.root.contains(where);
      if (!free || event.ctrlKey || event.altKey || event.metaKey || /^(input|select|textarea)$/i.test(where.tagName)) return;
      if (/^[1-9]$/.test(event.key)) this.chosen.choose(Number(event.key) - 1);
      else if (event.key === "u" || event.key === "Backspace") this.chosen.undo();
      else if (event.key === "r") this.chosen.restart();
      else if (event.key === "h" && this.chosen.root.querySelector('[data-do="hint"]')) this.chosen.hint();
      else return;
      event.preventDefault();
    }
  }

  for (const root of document.querySelectorAll("[data-game]")) new Game(root);
  for (const notice of document.querySelectorAll(".needs-script")) notice.hidden = true;
})();
