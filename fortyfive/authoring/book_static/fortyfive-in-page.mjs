// Edits and checks the tasks of a page: editors in place of cells, a fresh Python in a worker for each grading, the
// report below. Loaded when the first task is asked for.

const WORKER = new URL("fortyfive-in-page-worker.mjs", import.meta.url);
const BASE = new URL("../in_page/", import.meta.url).href;
// Generous: whoever waits sees that something goes on, and may stop it.
const START_LIMIT_S = 120;
const JUDGE_LIMIT_S = 120;
const STILL_RUNNING_S = 2;
const INDENT = "    ";

// Python

class Stopped extends Error {}

// A worker with an interpreter that is warmed up, for one grading.
class Interpreter {
  constructor(settings, program) {
    this.worker = new Worker(`${WORKER}?v=${settings.version}`, { type: "module" });
    this.ready = this.#hear(START_LIMIT_S, (message) => message.ready);
    program.then(
      (compiled) => this.worker.postMessage({ start: { base: BASE, program: compiled, ...settings } }),
      (error) => this.giveUp(error),
    );
  }

  end() {
    this.worker.terminate();
    this.giveUp(new Stopped());
  }

  // Grade; outcomes of runs are added to `tape` as they come. Resolves to the answer, or to nothing where a run of the
  // learner's code had to be ended: the tape then says so, and another interpreter goes on from there. `still` is
  // called with the limit of a run that takes long.
  async grade(request, tape, still) {
    let running = null;
    let patience;
    try {
      await this.ready;
      const answered = this.#hear(JUDGE_LIMIT_S, (message, wait) => {
        if (message.running) {
          running = message.running;
          wait(running.limit_s);
          patience = setTimeout(still, STILL_RUNNING_S * 1000, running.limit_s);
        } else if (message.ended) {
          tape.push(message.ended);
          running = null;
          clearTimeout(patience);
          wait(JUDGE_LIMIT_S);
        }
        return message.answer;
      });
      this.worker.postMessage({ request: { ...request, tape } });
      return await answered;
    } catch (error) {
      if (!running || error instanceof Stopped) throw error;
      const late = { status: "timed_out", limit_s: running.limit_s };
      tape.push(error.late ? late : { status: "ended", code: 1, signal: "" });
      return null;
    } finally {
      clearTimeout(patience);
      this.end();
    }
  }

  // Resolve to the first thing that `take` makes of a message; reject after a failure, or where nothing is heard.
  #hear(limit_s, take) {
    return new Promise((resolve, reject) => {
      let timer;
      const settle = (act, value) => {
        clearTimeout(timer);
        act(value);
      };
      const wait = (seconds) => {
        clearTimeout(timer);
        const late = Object.assign(new Error(`no answer within ${seconds} s`), { late: true });
        timer = setTimeout(() => settle(reject, late), seconds * 1000);
      };
      this.giveUp = (error) => settle(reject, error);
      this.worker.onerror = (event) => settle(reject, new Error(event.message || "its script could not be loaded"));
      this.worker.onmessage = ({ data }) => {
        if (data.failed) return settle(reject, new Error(data.failed));
        const taken = take(data, wait);
        if (taken) settle(resolve, taken);
      };
      wait(limit_s);
    });
  }
}

// Hands out one interpreter after another; the next is warmed while somebody reads the report.
class Interpreters {
  constructor(settings) {
    this.settings = settings;
    this.warm();
  }

  // Compiled once, for all of them: what the browser finds out about the program while it runs is not lost either.
  compile() {
    const get = () => fetch(`${BASE}${this.settings.pyodide}/pyodide.asm.wasm`);
    const whole = async () => WebAssembly.compile(await (await get()).arrayBuffer());
    // A server that gives the file another type than application/wasm makes the quicker way fail.
    this.program ??= WebAssembly.compileStreaming(get()).catch(whole);
    this.program.catch(() => {
      this.program = null;
    });
    return this.program;
  }

  warm() {
    if (this.next) return;
    const next = new Interpreter({ ...this.settings, first: !this.program }, this.compile());
    this.next = next;
    // One that could not start while nobody waited for it is tried again by the next check.
    next.ready.catch(() => {
      if (this.next === next) this.next = null;
    });
  }

  async grade(request, still) {
    const tape = [];
    let answer = null;
    try {
      while (!answer) {
        this.warm();
        this.current = this.next;
        this.next = null;
        answer = await this.current.grade(request, tape, still);
      }
    } finally {
      this.current = null;
      this.warm();
    }
    return answer;
  }

  stop() {
    this.current?.end();
  }
}

// What the browser keeps

class Kept {
  constructor(stem) {
    this.key = `fortyfive:${stem}`;
    this.fault = "";
  }

  read() {
    try {
      const { code = {}, points = {} } = JSON.parse(localStorage.getItem(this.key)) || {};
      return { code, points };
    } catch {
      return { code: {}, points: {} };
    }
  }

  // Read again before each change: another tab may have written meanwhile.
  change(act) {
    const found = this.read();
    act(found);
    try {
      localStorage.setItem(this.key, JSON.stringify(found));
      this.fault = "";
    } catch (error) {
      this.fault =
        `This browser cannot keep your code or your points (${error.name}): they are gone when you leave the page. ` +
        "Copy what you want to keep.";
    }
  }
}

// The editor

function editor(text, label, describedBy) {
  const area = Object.assign(document.createElement("textarea"), {
    className: "ff-editor",
    spellcheck: false,
    autocapitalize: "off",
    autocomplete: "off",
    wrap: "off",
    value: text,
  });
  area.setAttribute("autocorrect", "off");
  area.setAttribute("aria-label", label);
  area.setAttribute("aria-describedby", describedBy);
  let leaving = false;
  const fit = () => {
    area.rows = Math.min(Math.max(area.value.split("\n").length + 1, 4), 30);
  };
  area.addEventListener("input", fit);
  area.addEventListener("blur", () => {
    leaving = false;
  });
  area.addEventListener("keydown", (event) => {
    const plain = !event.ctrlKey && !event.altKey && !event.metaKey && !event.isComposing;
    if (event.key === "Escape") {
      leaving = true;
    } else if (event.key === "Tab" && plain && !leaving) {
      event.preventDefault();
      indent(area, event.shiftKey);
    } else if (event.key === "Enter" && plain && !event.shiftKey) {
      event.preventDefault();
      newLine(area);
    } else if (event.key !== "Shift") {
      leaving = leaving && event.key === "Tab";
    }
  });
  fit();
  return area;
}

// As if typed, so that undo works: nothing else that a script can do to a text keeps its history.
function type(area, text) {
  const done = text ? document.execCommand("insertText", false, text) : document.execCommand("delete");
  if (!done) area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
  if (!done) area.dispatchEvent(new Event("input"));
}

function newLine(area) {
  const line = area.value.slice(area.value.lastIndexOf("\n", area.selectionStart - 1) + 1, area.selectionStart);
  const deeper = /:\s*(#.*)?$/.test(line) ? INDENT : "";
  type(area, `\n${line.match(/^ */)[0]}${deeper}`);
}

function indent(area, back) {
  const { selectionStart: start, selectionEnd: end, value } = area;
  const first = value.lastIndexOf("\n", start - 1) + 1;
  if (start === end && !back) {
    type(area, INDENT.slice((start - first) % INDENT.length));
    return;
  }
  const last = end > start && value[end - 1] === "\n" ? end - 1 : end;
  const lines = value.slice(first, last).split("\n");
  const moved = lines.map((line) => (back ? line.replace(/^ {1,4}/, "") : line && INDENT + line));
  const added = moved.join("\n").length - (last - first);
  if (!added) return;
  area.setSelectionRange(first, last);
  type(area, moved.join("\n"));
  if (start === end) area.setSelectionRange(Math.max(first, start + added), Math.max(first, start + added));
  else area.setSelectionRange(first, last + added);
}

// The page

let page = null;

async function load({ stem, pyodide, version }) {
  const interpreters = new Interpreters({ stem, pyodide, version });
  const answer = await fetch(`${BASE}${stem}.json?v=${version}`);
  if (!answer.ok) throw new Error(`${stem}.json: ${answer.status} ${answer.statusText}`);
  const cells = await answer.json();
  const names = {}; // of each cell that can be edited, open or not
  for (const task of document.querySelectorAll(".ff-task")) Object.assign(names, JSON.parse(task.dataset.cells));
  return { interpreters, cells: new Map(cells), names, kept: new Kept(stem), editors: {} };
}

// What is graded: all cells in order, with what this page or an earlier visit has made of them.
function source({ cells, names, kept, editors }) {
  const { code } = kept.read();
  const text = ([number, given]) => editors[number]?.value ?? code[names[number]] ?? given;
  return [...cells].map(text).join("\n\n");
}

export async function open(task) {
  page ??= load(task.dataset);
  const loaded = await page.catch((error) => {
    page = null;
    throw error;
  });
  new Task(task, loaded);
}

class Task {
  constructor(element, loaded) {
    this.element = element;
    this.page = loaded;
    this.points = JSON.parse(element.dataset.points);
    this.own = Object.entries(JSON.parse(element.dataset.cells));
    this.#build();
    const first = this.own.length ? loaded.editors[this.own[0][0]] : this.check;
    first.focus();
  }

  #build() {
    const { stem } = this.element.dataset;
    const help = `ff-help-${this.element.dataset.names.replaceAll(" ", "-")}`;
    this.element.innerHTML = `
      <p class="ff-hint" id="${help}">Tab indents; Escape, then Tab, leaves the editor. Ctrl+Enter checks.</p>
      <div class="ff-bar">
        <button type="button" class="ff-check">Check</button>
        <button type="button" class="ff-reset">Reset</button>
        <span class="ff-best"></span>
      </div>
      <div class="ff-sure" role="group" aria-label="Reset this task" hidden>
        <p>Put back the code as it came, and forget your points for this task?</p>
        <button type="button" class="ff-yes">Reset it</button>
        <button type="button" class="ff-no">Keep it</button>
      </div>
      <p class="ff-fault" role="alert"></p>
      <p class="ff-said" role="status"></p>
      <div class="ff-result"></div>
      <p class="ff-hint">Your code and your points stay in this browser. JupyterLab has hints, solutions and replays
        too: <code>make lab</code>, then open <code>exercises/${stem}.ipynb</code>.</p>`;
    for (const name of ["check", "reset", "sure", "yes", "no", "said", "fault", "result", "best"]) {
      this[name] = this.element.querySelector(`.ff-${name}`);
    }
    const { code } = this.page.kept.read();
    for (const [number, names] of this.own) this.#edit(number, names, code[names], help);
    this.check.addEventListener("click", () => this.#check());
    this.reset.addEventListener("click", () => this.#ask(true));
    this.no.addEventListener("click", () => this.#ask(false));
    this.yes.addEventListener("click", () => this.#reset());
    this.#showBest();
  }

  #edit(number, names, text, help) {
    const cell = document.getElementById(`ff-cell-${number}`);
    const given = cell.querySelector(".cell_input");
    const area = editor(text ?? this.page.cells.get(Number(number)), `Your code: ${names.replaceAll(" ", ", ")}`, help);
    area.addEventListener("input", () => {
      this.#keep(({ code }) => {
        code[names] = area.value;
      });
    });
    area.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        if (!this.busy) this.#check();
      }
    });
    given.hidden = true;
    given.after(area);
    this.page.editors[number] = area;
  }

  #keep(act) {
    this.page.kept.change(act);
    // Set only where it differs: each time it is set it is spoken.
    if (this.fault.textContent !== this.page.kept.fault) this.fault.textContent = this.page.kept.fault;
  }

  // What the report below shows anyway is only spoken.
  #say(text, { spoken = false } = {}) {
    this.said.textContent = text;
    this.said.classList.toggle("ff-spoken", spoken);
  }

  #showBest() {
    const { points } = this.page.kept.read();
    const ids = Object.keys(this.points);
    const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
    const most = sum(Object.values(this.points));
    this.best.textContent = ids.some((id) => id in points)
      ? `Your best so far: ${sum(ids.map((id) => points[id] ?? 0))} of ${most} points`
      : "";
  }

  async #check() {
    if (this.busy) {
      this.page.interpreters.stop();
      return;
    }
    // One at a time: another task's grading uses the interpreter that is warm.
    if (this.page.busy) {
      this.#say("Another task is being checked. Wait for its report, then check this one.");
      return;
    }
    this.#setBusy(true);
    this.#say(this.page.loaded ? "Checking…" : "Checking… This first time Python has to be loaded.");
    const { names } = this.element.dataset;
    try {
      const answer = await this.page.interpreters.grade(
        { source: source(this.page), names: names ? names.split(" ") : [] },
        (limit_s) => this.#say(`Your code is still running. It is ended after ${limit_s} s, or when you press Stop.`),
      );
      this.#show(answer);
    } catch (error) {
      this.result.replaceChildren();
      this.#say(
        error instanceof Stopped
          ? "Stopped. Nothing was recorded."
          : `Python failed in this page (${error.message}). This is not your mistake. Check again; if it stays, work ` +
              "in JupyterLab: make lab",
      );
    } finally {
      this.#setBusy(false);
    }
  }

  #setBusy(busy) {
    this.busy = this.page.busy = busy;
    this.element.setAttribute("aria-busy", busy);
    this.check.textContent = busy ? "Stop" : "Check";
  }

  #show({ report, html, headline }) {
    this.page.loaded = true;
    this.result.innerHTML = html;
    const verdicts = report.checks.map(({ title, verdict }) => `${title}: ${verdict.replaceAll("_", " ")}.`);
    this.#say(`${headline}. ${verdicts.join(" ")}`, { spoken: true });
    this.#keep(({ points }) => {
      for (const check of report.checks) {
        if (check.verdict !== "not_attempted" && check.verdict !== "grader_error") {
          points[check.id] = Math.max(points[check.id] ?? 0, check.points);
        }
      }
    });
    this.#showBest();
  }

  #ask(sure) {
    this.sure.hidden = !sure;
    (sure ? this.no : this.reset).focus();
  }

  #reset() {
    for (const [number] of this.own) {
      const area = this.page.editors[number];
      area.value = this.page.cells.get(Number(number));
      area.dispatchEvent(new Event("input"));
    }
    this.#keep(({ code, points }) => {
      for (const [, names] of this.own) delete code[names];
      for (const id of Object.keys(this.points)) delete points[id];
    });
    this.result.replaceChildren();
    this.#say("The code is as it came.");
    this.#showBest();
    this.#ask(false);
  }
}
