// The drawing board: palette, drawing and parameters beside the text, and what a run made of them.
import { useEffect, useMemo, useRef, useState } from "react";
import { createRoot } from "react-dom/client";
import { ReactFlowProvider } from "@xyflow/react";
import { Canvas, Palette } from "./canvas.jsx";
import { sender, useTrait } from "./model.js";
import { Panel } from "./panel.jsx";
import { Moment } from "./part.jsx";
import { Results } from "./results.jsx";
import { TextPane } from "./text.jsx";

const PATIENCE_MS = 5000;
const LATE =
  "The kernel has not answered yet. Either it is busy (the first run compiles the engine), or it was started anew: then " +
  "run this cell again.";
const LOST = "The kernel was started anew, or has ended: nothing is run or kept from here on. Run this cell again.";
// After an edit the design runs again by itself: soon, or after a rest that is as long as a run.
const LEAST_REST_MS = 200;
const MOST_REST_MS = 5000;

function Board({ model }) {
  const [late, setLate] = useState("");
  const waiting = useRef({ id: 0, timer: 0 });
  const send = useMemo(() => {
    const number = sender(model);
    return (message) => {
      clearTimeout(waiting.current.timer);
      try {
        const id = number(message);
        waiting.current = { id, timer: setTimeout(() => setLate(LATE), PATIENCE_MS) };
        return id;
      } catch {
        setLate(LOST);
        return 0;
      }
    };
  }, [model]);
  const offer = model.get("offer");
  const state = useTrait(model, "state");
  const result = useTrait(model, "result");
  const text = useRef(null);
  const frame = useRef(null);
  const wanted = useRef(null); // the name that a rename will bring, and that is to be selected then
  const [picked, setPicked] = useState({ names: [], links: [] });
  const [place, setPlace] = useState(0);
  const [running, setRunning] = useState(0);
  const asked = useRef(0);
  const rest = useRef(LEAST_REST_MS);

  const ran = result.of !== undefined;
  const stale = ran && result.of !== state.design;

  useEffect(() => {
    if (state.seen < waiting.current.id) return;
    clearTimeout(waiting.current.timer);
    setLate("");
  }, [state.seen]);
  useEffect(() => () => clearTimeout(waiting.current.timer), []);

  function run(again = false) {
    text.current?.flush();
    asked.current = performance.now();
    setRunning(send({ op: "run", again }));
  }
  useEffect(() => {
    if (!running || state.seen < running) return;
    // The first run may compile the engine, which says nothing about the next.
    if (result.again) rest.current = Math.min(MOST_REST_MS, Math.max(LEAST_REST_MS, performance.now() - asked.current));
    setRunning(0);
  }, [state.seen, running]);
  useEffect(() => {
    if (!stale || running || state.refused === state.design) return undefined;
    const timer = setTimeout(() => run(true), rest.current);
    return () => clearTimeout(timer);
  }, [stale, running, state.design]);
  useEffect(() => {
    if (ran) setPlace((now) => (result.again ? Math.min(now, result.at_s.length - 1) : result.shown));
  }, [result]);

  const moment = useMemo(() => (ran ? momentOf(result, place, stale) : null), [result, place, stale]);

  function remove() {
    send({ op: "remove", names: picked.names, links: picked.links.map((id) => id.split(" ")) });
    frame.current.focus(); // what had the focus is about to go, and Ctrl-Z has to reach the board
  }

  function key(event) {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
    const name = event.key.toLowerCase();
    if (name === "enter" && offer.runs) run();
    else if (name === "z" || name === "y") {
      text.current?.flush();
      text.current?.rest();
      send({ op: name === "y" || event.shiftKey ? "redo" : "undo" });
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  return (
    <div className="ffb" onFocus={ours} onKeyDown={key} style={{ "--height": `${offer.height_px}px` }}>
      <div className="ffb-grid">
        <TextPane state={state} send={send} handle={text}>
          <div className="ffb-do">
            {offer.runs ? (
              <button type="button" className="ffb-run" title="Run the design (Ctrl-Enter)" onClick={() => run()}>
                Run
              </button>
            ) : null}
            <p className={`ffb-status ${late === LOST || state.failed ? "ffb-failed" : ""}`} role="status">
              {late || (running ? "Running ..." : state.status)}
            </p>
          </div>
        </TextPane>
        <Palette groups={offer.groups} send={send} />
        <Moment.Provider value={moment}>
          <ReactFlowProvider>
            <Canvas {...{ state, send, remove, frame, picked, setPicked, wanted }} size={offer.size} />
          </ReactFlowProvider>
        </Moment.Provider>
        <Panel {...{ state, offer, send, remove, picked, wanted }} />
        {ran ? <Results {...{ result, stale, place, setPlace }} nodes={state.nodes} /> : null}
      </div>
    </div>
  );
}

// Otherwise JupyterLab takes Enter, the arrows and more; it looks at the very element that has the focus.
function ours(event) {
  event.target.dataset.lmSuppressShortcuts = "true";
}

function momentOf({ components, ramp, first }, place, stale) {
  const most = Math.max(1, ...Object.values(components).map(({ queued }) => Math.max(...queued)));
  return {
    stale,
    first,
    of: (name) => {
      const found = components[name];
      return found && { busy: found.busy[place], queued: found.queued[place], failing: found.failing[place] };
    },
    paint: (busy) => {
      const [, colour, share] = ramp.findLast(([from]) => busy >= from);
      return { "--tint": colour, "--share": `${100 * share}%` };
    },
    length: (queued) => queued / most,
  };
}

export default {
  render({ model, el }) {
    const root = createRoot(el);
    root.render(<Board model={model} />);
    return () => root.unmount();
  },
};
