// Draws every plotly figure of the page, keeps it in step with the width and with the light and dark theme, and moves
// it over its frames by the slider beside it.
(() => {
  "use strict";

  // The colours live in fortyfive.css, which knows the theme; here they are only read.
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // Defaults go into the template, so what an author set on an axis still wins.
  function themed(layout) {
    const ink = colour("--ff-figure-ink");
    const grid = colour("--ff-figure-grid");
    const axis = { gridcolor: grid, zerolinecolor: grid, linecolor: grid, tickcolor: grid, ticklabelstandoff: 6 };
    const slider = { bgcolor: grid, activebgcolor: ink, bordercolor: ink, tickcolor: ink, font: { color: ink } };
    // Plotly fixes the colour of a pressed button to a light one, so its words stay dark in both themes.
    const button = { bgcolor: "#e5e7ea", bordercolor: grid, font: { color: "#222832" } };
    const template = layout.template || {};
    const base = template.layout || {};
    return {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.body).fontFamily, ...layout.font, color: ink },
      template: {
        ...template,
        layout: {
          ...base,
          legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", ...base.legend },
          xaxis: { ...base.xaxis, ...axis },
          yaxis: { ...base.yaxis, ...axis },
          sliderdefaults: { ...base.sliderdefaults, ...slider },
          updatemenudefaults: { ...base.updatemenudefaults, ...button },
        },
      },
    };
  }

  function draw(box) {
    const part = (selector) => box.parentElement.querySelector(selector);
    const figure = JSON.parse(part('script[type="application/json"]').textContent);
    if (!window.Plotly) {
      box.textContent = box.getAttribute("aria-label");
      part(".ff-slider")?.remove();
      return;
    }
    let shown = {};
    // Everything anew each time: plotly writes what it worked out, such as the range of an axis, into what it is given.
    const paint = () => {
      const layout = merged(figure.layout, shown.layout);
      const changes = (number) => shown.data?.[shown.traces.indexOf(number)];
      Plotly.react(box, {
        data: figure.data.map((trace, number) => merged(trace, changes(number))),
        layout: { ...layout, ...themed(layout) },
        config: { displayModeBar: false, responsive: true },
      });
    };
    paint();
    new MutationObserver(paint).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    part(".ff-slider input")?.addEventListener("input", ({ target }) => {
      const { frame, text } = figure.positions[target.valueAsNumber];
      shown = figure.frames.find(({ name }) => name === frame);
      target.setAttribute("aria-valuetext", text);
      part(".ff-slider output").textContent = text;
      // A frame holds what differs from frame to frame, and so may its words.
      const { alt, table } = shown.layout.meta || {};
      if (alt) {
        box.setAttribute("aria-label", alt);
        part("details p").textContent = alt;
      }
      if (table) part(".ff-table").innerHTML = table;
      paint();
    });
  }

  // A copy of `base` with what `changes` says; arrays are replaced whole.
  function merged(base, changes) {
    const plain = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
    if (changes === undefined) return plain(base) ? merged(base, {}) : base;
    if (!plain(base) || !plain(changes)) return changes;
    const keys = Object.keys({ ...base, ...changes });
    return Object.fromEntries(keys.map((key) => [key, merged(base[key], changes[key])]));
  }

  document.querySelectorAll(".ff-plot").forEach(draw);
})();
