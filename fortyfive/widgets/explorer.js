// The sliders, Reset, the status line and the table of an explorer; explorer.py answers each move.
const PATIENCE_MS = 300;

function element(name, className, text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

export default {
  render({ model, el }) {
    el.classList.add("ff-controls");
    const bar = element("div", "ff-bar");
    const status = element("p", "ff-status");
    const table = element("div", "ff-table");
    status.setAttribute("role", "status");

    const rows = model.get("sliders").map(({ label, texts }, number) => {
      const row = element("div", "ff-slider");
      const named = element("label", "", label);
      const input = element("input", "");
      const output = element("output", "");
      Object.assign(input, { type: "range", min: 0, max: texts.length - 1, step: 1 });
      // The position stands beside the slider, and a screen reader says it as the slider's value.
      output.setAttribute("aria-hidden", "true");
      output.style.minWidth = `${Math.max(...texts.map((text) => text.length))}ch`;
      const show = (place) => {
        input.value = place;
        output.textContent = texts[place];
        input.setAttribute("aria-valuetext", texts[place]);
      };
      input.addEventListener("input", () => {
        show(input.valueAsNumber);
        move(rows.map((each) => each.input.valueAsNumber));
      });
      named.append(input);
      row.append(named, output);
      bar.append(row);
      return { input, show };
    });
    const reset = element("button", "ff-reset", "Reset");
    reset.type = "button";
    const start = model.get("start");
    reset.title = `Back to ${model.get("sliders").map(({ label, texts }, i) => `${label} ${texts[start[i]]}`).join(", ")}`;
    reset.addEventListener("click", () => {
      move(start);
      follow();
    });
    bar.append(reset);

    let waiting = 0;
    function move(places) {
      model.set("at", [...places]);
      model.save_changes();
      waiting ||= setTimeout(() => say("Computing ...", false), PATIENCE_MS);
    }

    function follow() {
      model.get("at").forEach((place, number) => rows[number].show(place));
    }

    function say(words, failed) {
      if (status.textContent !== words) status.textContent = words;
      status.classList.toggle("ff-failed", failed);
    }

    function answered() {
      const answer = model.get("answer");
      if (String(answer.at) === String(model.get("at"))) {
        clearTimeout(waiting);
        waiting = 0;
        say(answer.status, answer.failed);
      }
      table.innerHTML = answer.table;
      describe();
    }

    // A FigureWidget is drawn before it has a place, 700 px wide, and hears of no later change but the window's own.
    function fit() {
      if (describe()) dispatchEvent(new Event("resize"));
    }

    function describe() {
      const plot = el.closest(".ff-explorer")?.querySelector(".js-plotly-plot");
      plot?.setAttribute("role", "img");
      plot?.setAttribute("aria-label", model.get("answer").alt);
      return Boolean(plot?.layout);
    }

    // Otherwise JupyterLab takes the arrow keys and Enter, and moves to another cell.
    for (const each of bar.querySelectorAll("input, button")) each.dataset.lmSuppressShortcuts = "true";
    el.append(bar, status, table);
    follow();
    answered();
    model.on("change:at", follow);
    model.on("change:answer", answered);
    // Whichever comes last: the figure is drawn, or these sliders, as wide as the figure's place, are shown.
    document.addEventListener("plotlywidget-after-render", fit);
    const place = new ResizeObserver(fit);
    place.observe(bar);
    return () => {
      clearTimeout(waiting);
      model.off("change:at", follow);
      model.off("change:answer", answered);
      document.removeEventListener("plotlywidget-after-render", fit);
      place.disconnect();
    };
  },
};
