// Offers to edit and check the code of each task in the page. Nothing else is loaded until somebody asks for it.
(() => {
  "use strict";

  const script = document.currentScript.src;
  const FROM_DISK =
    "A page opened from disk may not run Python: in the course's folder run .venv/bin/forty book --serve and open " +
    "the address that it prints.";

  function saved(stem) {
    try {
      return JSON.parse(localStorage.getItem(`fortyfive:${stem}`)) || {};
    } catch {
      return {}; // what cannot be read is told when there is something to keep
    }
  }

  function offer(task) {
    const { stem, points, version } = task.dataset;
    const { code = {}, points: best = {} } = saved(stem);
    const worth = Object.entries(JSON.parse(points));
    const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
    const edited = Object.values(JSON.parse(task.dataset.cells));
    const begun = edited.some((names) => names in code) || worth.some(([id]) => id in best);
    task.innerHTML =
      '<div class="ff-bar"><button type="button" class="ff-open">Edit and check here</button>' +
      '<span class="ff-best"></span></div><p class="ff-said" role="status"></p>';
    if (begun) {
      task.querySelector(".ff-open").textContent = "Go on here";
      task.querySelector(".ff-best").textContent =
        `Your best so far: ${sum(worth.map(([id]) => best[id] || 0))} of ${sum(worth.map(([, most]) => most))} points`;
    }
    const said = task.querySelector(".ff-said");
    task.querySelector(".ff-open").addEventListener("click", async ({ target }) => {
      if (location.protocol === "file:") {
        said.textContent = FROM_DISK;
        return;
      }
      target.disabled = true;
      said.textContent = "Loading…";
      try {
        const { open } = await import(new URL(`fortyfive-in-page.mjs?v=${version}`, script));
        await open(task);
      } catch (error) {
        target.disabled = false;
        said.textContent = `The editor could not be loaded (${error.message}). Try again, or in JupyterLab: make lab`;
      }
    });
  }

  document.querySelectorAll(".ff-task").forEach(offer);
})();
