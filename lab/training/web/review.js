// Exercises are plain forms and work without this.  It lets arrow keys move between lines, tells how many are marked,
// keeps Tab inside of code that is edited, and shows how far a patch is.
(() => {
  "use strict";

  const spot = document.querySelector("[data-spot]");
  if (spot) {
    const boxes = [...spot.querySelectorAll("input")];
    const status = document.querySelector("[data-marked]");
    document.querySelector(".keys").hidden = false;
    const tell = () => {
      const marked = boxes.filter((box) => box.checked).map((box) => box.value);
      status.textContent = marked.length ? `Marked: ${marked.join(" and ")}.` : "";
    };
    spot.addEventListener("change", (event) => {
      const marked = boxes.filter((box) => box.checked);
      if (marked.length > 2) marked.find((box) => box !== event.target).checked = false; // the third takes a place
      tell();
    });
    spot.addEventListener("keydown", (event) => {
      const by = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
      const at = boxes.indexOf(event.target);
      if (!by || at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      boxes[Math.min(Math.max(at + by, 0), boxes.length - 1)].focus();
    });
    tell();
  }

  const code = document.querySelector("[data-code]");
  if (code) {
    let leaving = false; // Escape, then Tab: keyboards have to get out again
    code.addEventListener("keydown", (event) => {
      if (event.key === "Escape") leaving = true;
      else if (event.key === "Tab" && !event.shiftKey && !leaving) {
        event.preventDefault();
        code.setRangeText("    ", code.selectionStart, code.selectionEnd, "end");
      } else if (event.key !== "Shift") leaving = false;
    });
  }

  const job = document.querySelector("[data-job]");
  if (job) {
    const look = async () => {
      try {
        const state = await (await fetch(`/job/${job.dataset.job}/state`)).json();
        if (state.over) return location.reload();
        if (job.textContent !== state.progress) job.textContent = state.progress;
      } catch {
        job.textContent = "The server does not answer any more.";
        return undefined;
      }
      return setTimeout(look, 300);
    };
    look();
  }
})();
