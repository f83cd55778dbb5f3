// Draws every plotly figure of the page and keeps it in step with the width and with the light and dark theme.
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
    const figure = JSON.parse(box.parentElement.querySelector('script[type="application/json"]').textContent);
    if (!window.Plotly) {
      box.textContent = box.getAttribute("aria-label");
      return;
    }
    const original = figure.layout;
    Plotly.newPlot(box, {
      data: figure.data,
      layout: { ...original, ...themed(original) },
      frames: figure.frames,
      config: { displayModeBar: false, responsive: true },
    });
    new MutationObserver(() => Plotly.relayout(box, themed(original))).observe(document.documentElement, {
      attributeFilter: ["data-theme"],
    });
  }

  document.querySelectorAll(".ff-plot").forEach(draw);
})();
