// One interpreter for one grading: starts Python, loads an exercise, grades once. The page ends it.
const SPARE_BYTES = 64 << 20; // what Python needs to say that the rest was used up
const WARM_MS = 4_000;
const BEFORE = "import sys\nsys.path.insert(0, '/sources.zip')\nsys.dont_write_bytecode = True";

// Without this a tab may grow to four gigabytes before Python hears that there is no more.
let most_bytes = Infinity;
const grow = WebAssembly.Memory.prototype.grow;
WebAssembly.Memory.prototype.grow = function (pages) {
  if (this.buffer.byteLength + pages * 65536 > most_bytes) throw new RangeError("over the limit");
  return grow.call(this, pages);
};

// Pyodide fetches its program and compiles it; here it comes compiled.
function use(program) {
  const { fetch } = self;
  self.fetch = (url, options) =>
    String(url).endsWith("pyodide.asm.wasm") ? Promise.resolve(new Response()) : fetch(url, options);
  WebAssembly.instantiateStreaming = async (_, imports) => ({
    module: program,
    instance: await WebAssembly.instantiate(program, imports),
  });
}

async function start({ base, program, pyodide, version, stem, first }) {
  use(program);
  const [{ loadPyodide }, sources] = await Promise.all([
    import(`${base}${pyodide}/pyodide.mjs`),
    fetch(`${base}sources.zip?v=${version}`).then((answer) => {
      if (!answer.ok) throw new Error(`sources.zip: ${answer.status} ${answer.statusText}`);
      return answer.arrayBuffer();
    }),
  ]);
  const python = await loadPyodide({
    env: { PYTHONHASHSEED: "0", HOME: "/home/pyodide" },
    // Nobody types, and what the learner's code prints is counted in Python and shown nowhere.
    stdin: () => null,
    stdout: () => {},
    stderr: () => {},
  });
  python.FS.writeFile("/sources.zip", new Uint8Array(sources));
  python.runPython(BEFORE);
  const page = python.pyimport("fortyfive.grading.in_page");
  const exercise = python.pyimport("fortyfive.checks").load(stem);
  if (first) warm(page, performance.now() + WARM_MS);
  return (request) => page.serve(exercise, request, tell);

  function tell(text) {
    const message = JSON.parse(text);
    if (message.running) {
      most_bytes = python._module.HEAP8.length + message.running.memory_bytes + SPARE_BYTES;
    }
    postMessage(message);
  }
}

// A browser compiles well only what it has seen at work, and it is idle while somebody writes. In small pieces, so that
// a request does not wait.
function warm(page, until_ms) {
  if (asked || performance.now() > until_ms) return;
  page.warm_up();
  setTimeout(warm, 0, page, until_ms);
}

let asked = false;
let grade;
self.onmessage = async ({ data }) => {
  try {
    if (data.start) {
      grade = await start(data.start);
      postMessage({ ready: true });
    } else {
      asked = true;
      postMessage({ answer: JSON.parse(grade(JSON.stringify(data.request))) });
    }
  } catch (error) {
    postMessage({ failed: String(error.message || error) });
  }
};
